import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { comparable } from "./comparable.ts";
import { unifiedDiff } from "./unified-diff.ts";

const names = { before: "a", after: "b" };

test("a diff has three lines of context and counts lines as diff -u does", () => {
  const before = ["1", "2", "3", "4", "5", "6", "7", "8", "9", ""].join("\n");
  const after = ["1", "2", "3", "4", "five", "6", "7", "8", "9", "10", ""].join("\n");
  assert.deepEqual(unifiedDiff(before, after, names), [
    "--- a",
    "+++ b",
    "@@ -2,8 +2,9 @@",
    " 2",
    " 3",
    " 4",
    "-5",
    "+five",
    " 6",
    " 7",
    " 8",
    " 9",
    "+10",
  ]);
});

for (const { name, before, after, head } of [
  { name: "all new", before: "", after: "x\ny\n", head: "@@ -0,0 +1,2 @@" },
  { name: "all gone", before: "x\n", after: "", head: "@@ -1 +0,0 @@" },
])
  test(`a side without lines starts at 0: ${name}`, () => assert.equal(unifiedDiff(before, after, names)[2], head));

test("carrying out a diff on the one text gives the other, and equal texts have none", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 40 }).map((lines) => lines.map((line) => `${line}\n`).join(""));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = unifiedDiff(before, after, names);
      assert.equal(lines.length === 0, before === after);
      assert.equal(patched(before, lines), after);
    }),
  );
});

/** What `patch` does, line numbers taken at their word. */
function patched(before: string, diff: readonly string[]): string {
  const old = before === "" ? [] : before.replace(/\n$/, "").split("\n");
  const result: string[] = [];
  let at = 0;
  for (const line of diff.slice(2)) {
    const [, start, count = "1"] = /^@@ -(\d+)(?:,(\d+))? /.exec(line) ?? [];
    if (start !== undefined) {
      const from = count === "0" ? Number(start) : Number(start) - 1;
      result.push(...old.slice(at, from));
      at = from;
    } else if (line.startsWith("+")) result.push(line.slice(1));
    else {
      assert.equal(old[at], line.slice(1));
      if (line.startsWith(" ")) result.push(line.slice(1));
      at += 1;
    }
  }
  return [...result, ...old.slice(at)].map((line) => `${line}\n`).join("");
}

test("values of a Secret are never shown, only whether they change", () => {
  const secret = (data: object, extra: object = {}) =>
    ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s", uid: "u", ...extra }, data }) as never;
  const note = { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "in the clear" } };
  const { before, after } = comparable({
    before: secret({ same: "eA==", other: "b25l" }, note),
    after: secret({ same: "eA==", other: "dHdv", new: "eHl6" }),
  });
  assert.deepEqual(before, { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { other: "*** (before)", same: "***" } });
  assert.deepEqual(after?.["data"], { new: "***", other: "*** (after)", same: "***" });
});

test("what the server writes by itself is no difference", () => {
  const object = (generation: number) => ({
    apiVersion: "v1",
    kind: "X",
    metadata: { name: "s", generation, resourceVersion: String(generation), managedFields: [] },
  });
  const { before, after } = comparable({ before: object(1), after: object(2) });
  assert.deepEqual(before, after);
});
