import { afterEach, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortError } from "../../ports/port-error.ts";
import { readMasterKey, readOrMakeMasterKey } from "./master-key-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-key-"));
  path = join(folder, "master.key");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof PortError && error.outcome === "refused" && message.test(error.message) && error.message.includes(path);

test("the first start makes a key for its owner alone, the next ones read it", async () => {
  const first = await readOrMakeMasterKey(path);
  assert.equal(first.made, true);
  assert.deepEqual([statSync(path).mode & 0o777, statSync(path).size], [0o600, 32]);
  const second = await readOrMakeMasterKey(path);
  assert.deepEqual([second.made, second.fingerprint], [false, first.fingerprint]);
  assert.equal((await readMasterKey(path)).fingerprint, first.fingerprint);
  assert.deepEqual(readdirSync(folder), ["master.key"]);
});

test("a generous umask does not open the key to others", async () => {
  const before = process.umask(0);
  try {
    await readOrMakeMasterKey(path);
  } finally {
    process.umask(before);
  }
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("servers that start at once all get the same key", async () => {
  const found = await Promise.all(Array.from({ length: 20 }, () => readOrMakeMasterKey(path)));
  assert.equal(new Set(found.map(({ fingerprint }) => fingerprint)).size, 1);
  assert.equal(found.filter(({ made }) => made).length, 1);
  assert.deepEqual(readdirSync(folder), ["master.key"]);
});

test("a key that others may read is refused with the command that closes it", async () => {
  await readOrMakeMasterKey(path);
  for (const mode of [0o644, 0o640, 0o602]) {
    chmodSync(path, mode);
    await assert.rejects(readOrMakeMasterKey(path), refused(/may be read by others \(mode 06\d\d\).*chmod 600/));
  }
});

test("a key of another length is refused and never replaced", async () => {
  for (const length of [0, 31, 33, 5000]) {
    writeFileSync(path, Buffer.alloc(length), { mode: 0o600 });
    await assert.rejects(readOrMakeMasterKey(path), refused(/instead of 32/));
    assert.equal(readFileSync(path).length, length);
  }
});

test("what is no file is refused", async () => {
  mkdirSync(path, { mode: 0o700 });
  await assert.rejects(readOrMakeMasterKey(path), refused(/no plain file/));
  rmSync(path, { recursive: true });
  const aside = join(folder, "aside");
  await readOrMakeMasterKey(aside);
  symlinkSync(aside, path);
  await assert.rejects(readOrMakeMasterKey(path), refused(/symbolic link/));
});

test("a key that has to be there and is not says so", async () => {
  await assert.rejects(readMasterKey(path), refused(/there is no master key/));
});

test("a folder that does not exist is told with the way out", async () => {
  path = join(folder, "missing", "master.key");
  await assert.rejects(readOrMakeMasterKey(path), refused(/cannot be made .* \(ENOENT\)/));
});

test("a key of another user is refused", { skip: process.getuid?.() !== 0 ? "only root can give a file away" : false }, async () => {
  await readOrMakeMasterKey(path);
  chownSync(path, 65534, 65534);
  await assert.rejects(readOrMakeMasterKey(path), refused(/belongs to user id 65534, this process runs as 0/));
});
