import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePostmasterFile } from "./postmaster-file.ts";

const cases = [
  {
    name: "a ready server on a socket",
    text: "321\n/d/data\n1700000000\n5432\n/d/run\n\n  1234567  7\nready   \n",
    file: { pid: 321, status: "ready", address: { kind: "socket", folder: "/d/run", port: 5432 } },
  },
  {
    name: "a starting server on the loopback address",
    text: "321\n/d/data\n1700000000\n20001\n\n127.0.0.1\n  1234567  7\nstarting\n",
    file: { pid: 321, status: "starting", address: { kind: "loopback", port: 20_001 } },
  },
  {
    name: "one that has written its first lines only",
    text: "321\n/d/data\n1700000000\n5432\n",
    file: { pid: 321, status: "unknown", address: undefined },
  },
  {
    name: "a single-user server, which counts below zero",
    text: "-321\n/d/data\n1700000000\n0\n\n\n",
    file: { pid: 321, status: "unknown", address: undefined },
  },
  { name: "an empty file", text: "", file: undefined },
  { name: "no number", text: "3x\n", file: undefined },
  { name: "the first process of the machine", text: "1\n", file: undefined },
  { name: "a number that no process has", text: `${"9".repeat(40)}\n`, file: undefined },
];

for (const { name, text, file } of cases) test(`postmaster.pid: ${name}`, () => assert.deepEqual(parsePostmasterFile(text), file));

test("whatever stands in postmaster.pid, no process id below 2 comes out of it, and nothing throws", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.oneof(fc.integer().map(String), fc.string())).map((lines) => lines.join("\n")),
      ),
      (text) => (parsePostmasterFile(text)?.pid ?? 2) >= 2,
    ),
  );
});
