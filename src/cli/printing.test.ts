import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { EXIT_CODES, exitCodesText } from "./exit-codes.ts";
import { printable } from "./printable.ts";
import { tableLines } from "./print-table.ts";
import { valueText } from "./print-value.ts";
import { terminalOf } from "./terminal.ts";

const hostile = "a\x1b[31m\r\n\u202eb\u009b2J\x00";

test("control characters of a server are shown, not carried out", () => {
  assert.equal(printable(hostile), "a\\x1b[31m\\r\\n\\u202eb\\x9b2J\\x00");
});

test("for programs the value stays the same, and is safe to look at", async () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(hostile, "yes", "1e3", "- a", "a: b", "multi\nline\n", "\ttab", "\u2028", "#x"),
  );
  const value = fc.record({ name: text, list: fc.array(text, { maxLength: 3 }), [hostile]: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(value, async (one) => {
      const plain: unknown = JSON.parse(JSON.stringify(one));
      for (const format of ["json", "yaml"] as const) {
        const printed = await valueText(one, format);
        assert.doesNotMatch(printed, /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u);
        assert.deepEqual(format === "json" ? JSON.parse(printed) : parse(printed), plain);
      }
    }),
  );
});

test("columns are aligned by what a terminal shows, and lines do not end in blanks", () => {
  assert.deepEqual(
    tableLines([
      ["NAME", "READY"],
      ["日本", "True"],
      ["a", ""],
      ["é\u0301", hostile.slice(0, 2)],
    ]),
    ["NAME   READY", "日本   True", "a", "é\u0301      a\\x1b"],
  );
});

for (const { name, isTTY, environment, live, coloured } of [
  { name: "a terminal", isTTY: true, environment: { TERM: "xterm" }, live: true, coloured: true },
  { name: "a pipe", isTTY: false, environment: { TERM: "xterm" }, live: false, coloured: false },
  { name: "NO_COLOR", isTTY: true, environment: { NO_COLOR: "1" }, live: true, coloured: false },
  { name: "TERM=dumb", isTTY: true, environment: { TERM: "dumb" }, live: false, coloured: false },
  { name: "CI", isTTY: true, environment: { CI: "true" }, live: false, coloured: true },
])
  test(`live and coloured only where somebody looks: ${name}`, () => {
    const out = { isTTY, write: () => true };
    const terminal = terminalOf(out, out, environment);
    assert.deepEqual([terminal.live, terminal.style("good", "x") !== "x"], [live, coloured]);
  });

test("exit codes are told apart, and all of them are told", () => {
  const codes = Object.values(EXIT_CODES).map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  assert.deepEqual(
    exitCodesText()
      .trim()
      .split("\n")
      .map((line) => Number(line.trim().split(" ")[0])),
    codes,
  );
});
