import assert from "node:assert/strict";
import { test } from "node:test";
import { explainStartFailure } from "./start-failure.ts";

const rows = [
  ['FATAL:  could not write lock file "postmaster.pid": No space left on device', "DiskFull", false],
  ["ENOSPC: no space left on device, write", "DiskFull", false],
  ['FATAL:  lock file "postmaster.pid" already exists', "StillEnding", true],
  ["FATAL:  pre-existing shared memory block (key 5, ID 7) is still in use", "StillEnding", true],
  ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', "AddressInUse", true],
  ["FATAL:  database files are incompatible with server", "WrongPostgresVersion", false],
  ["PANIC:  could not locate a valid checkpoint record at 0/1930480", "CorruptDatabase", false],
  ["FATAL:  incorrect checksum in control file", "CorruptDatabase", false],
  ['FATAL:  could not open file "global/pg_filenode.map": No such file or directory', "CorruptDatabase", false],
  ["FATAL:  could not map anonymous shared memory: Cannot allocate memory", "NoMemory", false],
  ['FATAL:  data directory "/d" has wrong ownership', "NoPermission", false],
  ["EACCES: permission denied, open '/d/password'", "NoPermission", false],
  ["EROFS: read-only file system, mkdir '/d'", "ReadOnly", false],
  ["Segmentation fault", "StartFailed", false],
] as const;

for (const [output, reason, passing] of rows)
  test(`${reason}: ${output}`, () => {
    const failure = explainStartFailure(output);
    assert.deepEqual([failure.reason, failure.passing], [reason, passing]);
    assert.ok(failure.advice.length > 20);
  });
