import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { resourceVersion } from "../domain/object/api-object.ts";
import { instant } from "../domain/units.ts";
import type { ArchiveEntry } from "../ports/archive.ts";
import { PortError } from "../ports/port-error.ts";
import { readArchive, writeArchive } from "./archive-file.ts";

const header = { slipwayVersion: "0.1.0", createdAt: "2026-01-31T12:00:00.000Z", masterKeyFingerprint: "0123456789abcdef" };
const key = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const json = JSON.stringify({ apiVersion: "slipway.dev/v1alpha1", kind: "Sync", metadata: { name: "app" }, text: '\u2028\n"\ud83d\ude00' });
const position = { type: "position", resourceVersion: resourceVersion(40), lastRecord: 7 } as const;
const entries: readonly ArchiveEntry[] = [
  position,
  { type: "object", key, uid: "u-1", resourceVersion: resourceVersion(12), text: json, sealed: false },
  {
    type: "object",
    key: { ...key, group: "", resource: "secrets" },
    uid: "u-2",
    resourceVersion: resourceVersion(13),
    text: "sealed:x",
    sealed: true,
  },
  {
    type: "object",
    key: { ...key, group: "", resource: "events" },
    uid: "u-3",
    resourceVersion: resourceVersion(14),
    lastSeen: instant(5),
    text: json,
    sealed: false,
  },
  {
    type: "record",
    record: {
      position: 7,
      at: instant(1_700_000_000_123),
      type: "audit",
      about: key,
      uid: "u-1",
      actor: "jane",
      reason: "Created",
      message: "m",
      details: { a: [1, null] },
      retention: "long",
    },
  },
  { type: "key", name: "ca", value: Uint8Array.of(0, 255, 10) },
];

async function* inBatches(all: readonly ArchiveEntry[], size = 2): AsyncGenerator<readonly ArchiveEntry[]> {
  await Promise.resolve();
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

const fileOf = (all: readonly ArchiveEntry[]): Promise<Buffer> => buffer(writeArchive(header, inBatches(all)));

async function read(bytes: Uint8Array) {
  const archive = await readArchive(Readable.from([bytes]), "it.backup");
  const all: ArchiveEntry[] = [];
  for (;;) {
    const next = await archive.entries.next();
    if (next.done === true) return { header: archive.header, counts: next.value, all };
    all.push(...next.value);
  }
}

const file = await fileOf(entries);
const text = gunzipSync(file).toString("utf8");

test("what was written is read back, entry by entry", async () => {
  const found = await read(file);
  assert.deepEqual(found.all, entries);
  assert.deepEqual(found.counts, { objects: 2, events: 1, records: 1, keys: 1 });
  assert.deepEqual(found.header, { format: "slipway-backup", formatVersion: 1, ...header, resourceVersion: 40, lastRecord: 7 });
});

test("an empty store makes a file that is read back", async () => {
  assert.deepEqual((await read(await fileOf([position]))).all, [position]);
});

const lines = text.split("\n");
const rezipped = (change: (all: string[]) => readonly string[]): Buffer => gzipSync(change([...lines]).join("\n"));
const refusals: readonly (readonly [what: string, bytes: Buffer, reason: string])[] = [
  ["nothing", Buffer.alloc(0), "TruncatedBackup"],
  ["an empty gzip file", gzipSync(""), "NotABackup"],
  ["text", Buffer.from("apiVersion: v1\n"), "NotABackup"],
  ["another gzip file", gzipSync("hello\nworld\n"), "NotABackup"],
  ["a gzip file without a line", gzipSync("hello"), "NotABackup"],
  ["JSON of something else", gzipSync('{"format":"other"}\n'), "NotABackup"],
  ["half of it", file.subarray(0, file.length / 2), "TruncatedBackup"],
  ["all but the last byte", file.subarray(0, -1), "TruncatedBackup"],
  ["all but the last line", rezipped((all) => [...all.slice(0, -2), ""]), "TruncatedBackup"],
  ["a last line cut short", rezipped((all) => [...all.slice(0, -2), all.at(-2)?.slice(0, -1) ?? ""]), "TruncatedBackup"],
  ["a changed value", gzipSync(text.replace("jane", "kate")), "AlteredBackup"],
  ["a changed header", gzipSync(text.replace("0123456789abcdef", "0123456789abcdee")), "AlteredBackup"],
  ["a missing line", rezipped((all) => all.toSpliced(2, 1)), "AlteredBackup"],
  ["two lines in another order", rezipped((all) => [all[0] ?? "", all[2] ?? "", all[1] ?? "", ...all.slice(3)]), "AlteredBackup"],
  ["a line that is none of a backup", rezipped((all) => all.toSpliced(2, 0, "{}")), "AlteredBackup"],
  ["more after its end", Buffer.concat([file, gzipSync("{}\n")]), "AlteredBackup"],
  ["itself twice", Buffer.concat([file, file]), "AlteredBackup"],
  ["a line without end", gzipSync(`${lines[0] ?? ""}\n${"x".repeat(17 * 1024 * 1024)}`), "AlteredBackup"],
  ["text that is no UTF-8", gzipSync(Buffer.concat([Buffer.from(`${lines[0] ?? ""}\n`), Buffer.from([0xff, 0x0a])])), "AlteredBackup"],
  ["a header without its position", gzipSync(text.replace('"resourceVersion":40', '"resourceVersion":"40"')), "AlteredBackup"],
  ["a newer format", gzipSync(text.replace('"formatVersion":1', '"formatVersion":2')), "NewerBackup"],
];
for (const [what, bytes, reason] of refusals)
  test(`${what} is refused as ${reason}, and the file is named`, async () => {
    await assert.rejects(read(bytes), (error) => {
      assert.ok(error instanceof PortError, String(error));
      assert.equal(error.reason, reason, error.message);
      assert.match(error.message, /it\.backup/);
      return true;
    });
  });

test("no part of a file is taken for the backup, and no changed byte changes what is read", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, by, cut) => {
      const bytes = Buffer.from(cut ? file.subarray(0, at) : file);
      if (!cut) bytes[at] = (bytes[at] ?? 0) ^ by;
      const outcome = await read(bytes).catch((error: unknown) => error);
      if (outcome instanceof PortError) return;
      // Some bits say nothing of the content: the time in the gzip header, what fills up the last byte of a block (RFC 1951, 3.2.3). Only those may pass.
      assert.ok(!(outcome instanceof Error), String(outcome));
      assert.ok(!cut, `${at} bytes of ${file.length} were taken for the whole`);
      assert.deepEqual((outcome as Awaited<ReturnType<typeof read>>).all, entries); // not an error, so what read gives
    }),
    { numRuns: 600 },
  );
});

test("an error of the store ends the file with that error, and its snapshot", async () => {
  let isLeft = false;
  const broken = async function* (): AsyncGenerator<readonly ArchiveEntry[]> {
    try {
      yield* inBatches(entries.slice(0, 2));
      throw new PortError("notDone", "the database went away");
    } finally {
      isLeft = true;
    }
  };
  await assert.rejects(buffer(writeArchive(header, broken())), /the database went away/);
  assert.ok(isLeft);
});

test("a reader that leaves early ends the snapshot", async () => {
  const left = Promise.withResolvers<undefined>();
  const endless = async function* (): AsyncGenerator<readonly ArchiveEntry[]> {
    try {
      yield [position];
      for (;;) yield Array.from({ length: 100 }, () => entries[1] ?? position);
    } finally {
      left.resolve(undefined);
    }
  };
  const bytes = writeArchive(header, endless());
  for await (const _chunk of bytes) break;
  await left.promise;
});
