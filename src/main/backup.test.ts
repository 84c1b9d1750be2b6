import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { ConnectError, type ApiAnswer, type Transport } from "../api/client/transport.ts";
import { resourceVersion } from "../domain/object/api-object.ts";
import type { ArchiveEntry } from "../ports/archive.ts";
import { PortError } from "../ports/port-error.ts";
import { writeArchive } from "../server/archive-file.ts";
import { backup, type Sink } from "./backup.ts";

const header = { slipwayVersion: "0.1.0", createdAt: "2026-01-31T12:00:00.000Z", masterKeyFingerprint: "0123456789abcdef" };
const text = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "n", uid: "u" } });
const entries: readonly ArchiveEntry[] = [
  { type: "position", resourceVersion: resourceVersion(40), lastRecord: 0 },
  ...Array.from({ length: 5000 }, (_, at): ArchiveEntry => {
    const key = { group: "", resource: "namespaces", namespace: "", name: `n${Math.imul(at, 2654435761) >>> 0}` };
    return { type: "object", key, uid: `u${at}`, resourceVersion: resourceVersion(2), text, sealed: false };
  }),
];
const whole = await buffer(writeArchive(header, Readable.from([entries])));

/** A server that sends these pieces, then breaks where there is an error. */
function answering(status: number, pieces: readonly Uint8Array[], error?: Error): Transport {
  const body = async function* () {
    await Promise.resolve();
    yield* pieces;
    if (error !== undefined) throw error;
  };
  return { send: () => Promise.resolve({ status, headers: {}, body: body() } satisfies ApiAnswer), close: () => undefined };
}

function recordingSink(failAt = Infinity) {
  const state = { bytes: [] as Uint8Array[], outcome: "open" };
  const sink: Sink = {
    write: async (bytes) => {
      await Promise.resolve();
      if (state.bytes.length >= failAt) throw new PortError("notDone", "the disk is full", { reason: "BackupNotWritten" });
      state.bytes.push(bytes);
    },
    finish: async () => {
      await Promise.resolve();
      state.outcome = "kept";
    },
    discard: async () => {
      await Promise.resolve();
      state.outcome = "nothing left";
    },
  };
  return { state, sink };
}

const pieces = Array.from({ length: Math.ceil(whole.length / 1000) }, (_, at) => whole.subarray(at * 1000, (at + 1) * 1000));

describe("taking a backup", () => {
  test("keeps what the server sent, byte by byte, and counts it", async () => {
    const { state, sink } = recordingSink();
    const { counts } = await backup(answering(200, pieces), () => Promise.resolve(sink), "0.1.0");
    assert.deepEqual(counts, { objects: 5000, events: 0, records: 0, keys: 0 });
    assert.deepEqual(Buffer.concat(state.bytes), whole);
    assert.equal(state.outcome, "kept");
  });

  const failures: Readonly<Record<string, { readonly transport: Transport; readonly failAt?: number; readonly says: RegExp }>> = {
    "a connection that breaks": {
      transport: answering(200, pieces.slice(0, 3), new ConnectError("broken", "the connection broke", { sent: true })),
      says: /the connection broke/,
    },
    "an answer that ends early": { transport: answering(200, pieces.slice(0, -1)), says: /a part of the backup is missing/ },
    "an answer with a changed byte": {
      transport: answering(200, [whole.subarray(0, 900), Buffer.from([(whole[900] ?? 0) ^ 1]), whole.subarray(901)]),
      says: /damaged/,
    },
    "a page of something else": { transport: answering(200, [Buffer.from("<html>")]), says: /not a backup of Slipway/ },
    "a full disk at the first byte": { transport: answering(200, pieces), failAt: 0, says: /the disk is full/ },
    "a full disk on the way": { transport: answering(200, pieces), failAt: 4, says: /the disk is full/ },
  };
  for (const [what, { transport, failAt, says }] of Object.entries(failures))
    test(`${what} leaves nothing behind`, async () => {
      const { state, sink } = recordingSink(failAt);
      await assert.rejects(
        backup(transport, () => Promise.resolve(sink), "0.1.0"),
        says,
      );
      assert.equal(state.outcome, "nothing left");
    });

  test("a refusal opens no file and says who may", async () => {
    const status = { kind: "Status", code: 403, message: 'User "jane" cannot get path "/slipway.dev/backup"' };
    let opened = false;
    const sink = () => {
      opened = true;
      return Promise.resolve(recordingSink().sink);
    };
    await assert.rejects(backup(answering(403, [Buffer.from(JSON.stringify(status))]), sink, "0.1.0"), /jane.*only administrators/);
    assert.equal(opened, false);
  });
});
