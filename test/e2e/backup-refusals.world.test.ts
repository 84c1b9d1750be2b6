import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { masterKey } from "../../src/adapters/crypto/master-key.ts";
import { resourceVersion } from "../../src/domain/object/api-object.ts";
import { fileSink } from "../../src/main/backup.ts";
import type { ArchiveEntry } from "../../src/ports/archive.ts";
import { writeArchive } from "../../src/server/archive-file.ts";
import { inFolder } from "../fixtures/postgres-server/directory.ts";
import { slipway } from "../fixtures/restored-server.ts";

const OBJECTS = 20_000;

describe("a restore that cannot be", () => {
  const done = Promise.withResolvers<undefined>();
  const ready = Promise.withResolvers<string>();
  const kept = inFolder(async (made) => {
    ready.resolve(made);
    await done.promise;
  });
  let folder: string;
  const at = (name: string) => join(folder, name);
  const key = randomBytes(32);
  const { fingerprint } = masterKey(key);

  before(async () => {
    folder = await ready.promise;
    writeFileSync(at("right.key"), key, { mode: 0o600 });
    writeFileSync(at("wrong.key"), randomBytes(32), { mode: 0o600 });
    writeFileSync(at("open.key"), key, { mode: 0o644 });
    const whole = await buffer(
      writeArchive({ slipwayVersion: "0.1.0", createdAt: "2026-01-31T12:00:00.000Z", masterKeyFingerprint: fingerprint }, batches()),
    );
    const text = gunzipSync(whole).toString();
    writeFileSync(at("whole"), whole);
    writeFileSync(at("truncated"), whole.subarray(0, whole.length - 100));
    writeFileSync(at("altered"), gzipSync(text.replace('"name":"n7"', '"name":"n8"')));
    writeFileSync(at("newer"), gzipSync(text.replace('"formatVersion":1', '"formatVersion":9')));
    writeFileSync(at("none"), "hello\n");
    mkdirSync(at("directory"));
    mkdirSync(at("foreign"));
    writeFileSync(at("foreign/notes.txt"), "mine");
  });
  after(async () => {
    done.resolve(undefined);
    await kept;
  });

  interface Case {
    readonly file: string;
    readonly key?: string;
    readonly data?: string;
    readonly says: readonly RegExp[];
  }
  const cases: Readonly<Record<string, Case>> = {
    "a file that is cut off": { file: "truncated", says: [/truncated/, /ends too early/, /earlier backup/] },
    "a file that was changed": { file: "altered", says: [/altered/, /altered or damaged after it was written/] },
    "a file of a newer Slipway": { file: "newer", says: [/newer Slipway/, /format 9/] },
    "a file that is no backup": { file: "none", says: [/not a backup of Slipway/, /slipway backup/] },
    "no file": { file: "absent", says: [/there is no such file/] },
    "a directory": { file: "directory", says: [/is a directory/] },
    "no master key": { file: "whole", key: "", says: [new RegExp(fingerprint), /--master-key-file/] },
    "another master key": {
      file: "whole",
      key: "wrong.key",
      says: [new RegExp(fingerprint), /wrong\.key is [0-9a-f]{16}/, /--master-key-file/],
    },
    "a master key that others may read": { file: "whole", key: "open.key", says: [/chmod 600/] },
    "no such master key": { file: "whole", key: "absent.key", says: [/there is no master key at/] },
    "a directory of something else": {
      file: "whole",
      data: "foreign",
      says: [/not a data directory of Slipway/, /choose an empty or new directory/],
    },
  };
  for (const [what, { file, key: keyFile = "right.key", data = "never", says }] of Object.entries(cases))
    test(`${what} is refused before anything is made`, async () => {
      const before_ = existsSync(at(data)) ? readdirSync(at(data)) : undefined;
      const { code, err } = await slipway([
        "restore",
        at(file),
        "--data",
        at(data),
        ...(keyFile === "" ? [] : ["--master-key-file", at(keyFile)]),
      ]);
      assert.equal(code, 1, err);
      for (const word of says) assert.match(err, word);
      assert.ok(!/\n\s+at /.test(err), err);
      assert.deepEqual(existsSync(at(data)) ? readdirSync(at(data)) : undefined, before_);
    });

  test("a restore that is killed is simply run again; onto what it made the next one is refused", async () => {
    const words = ["restore", at("whole"), "--data", at("again"), "--master-key-file", at("right.key")];
    const child = spawn(resolve(import.meta.dirname, "../../bin/slipway"), words, { stdio: "ignore" });
    const exit = once(child, "exit");
    const postmaster = at("again/postgres/data/postmaster.pid");
    // Its database is up: now it writes, or is about to.
    const isUp = () => existsSync(postmaster) && /^ready\s*$/m.test(readFileSync(postmaster, "utf8"));
    while (!isUp() && child.exitCode === null) await new Promise((go) => setTimeout(go, 5));
    child.kill("SIGKILL");
    await exit;
    assert.equal(child.signalCode, "SIGKILL", "it was quicker than the test");
    const second = await slipway(words);
    assert.equal(second.code, 0, second.err);
    assert.match(second.out, /restored 20,000 objects/);
    assert.equal(statSync(at("again/master.key")).mode & 0o777, 0o600);
    assert.deepEqual(readFileSync(at("again/master.key")), key);
    const third = await slipway(words);
    assert.equal(third.code, 1);
    assert.match(third.err, /already holds a Slipway/);
  });
});

test("a backup takes its name only when it is whole, replaces only plain files, and leaves no draft", () =>
  inFolder(async (folder) => {
    const file = join(folder, "x.backup");
    writeFileSync(file, "of yesterday");
    const cut = await fileSink(file);
    await cut.write(Buffer.from("half"));
    assert.equal(readFileSync(file, "utf8"), "of yesterday");
    await cut.discard();
    assert.deepEqual(readdirSync(folder), ["x.backup"]);
    const whole = await fileSink(file);
    await whole.write(Buffer.from("whole"));
    await whole.finish();
    assert.equal(readFileSync(file, "utf8"), "whole");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await assert.rejects(fileSink(folder), /is a directory/);
    await assert.rejects(fileSink(join(folder, "none/x")), /the folder does not exist/);
    // /dev/null is only looked at: it is refused before anything is opened.
    await assert.rejects(fileSink("/dev/null"), /is a device/);
    assert.ok(statSync("/dev/null").isCharacterDevice());
  }));

function batches(): AsyncIterable<readonly ArchiveEntry[]> {
  const objects = Array.from({ length: OBJECTS }, (_, index): ArchiveEntry => {
    const name = `n${index}`;
    const text = JSON.stringify({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default", uid: `u${index}` } });
    const address = { group: "", resource: "serviceaccounts", namespace: "default", name };
    return { type: "object", key: address, uid: `u${index}`, resourceVersion: resourceVersion(index + 2), text, sealed: false };
  });
  return Readable.from([[{ type: "position", resourceVersion: resourceVersion(OBJECTS + 2), lastRecord: 0 }], objects]);
}
