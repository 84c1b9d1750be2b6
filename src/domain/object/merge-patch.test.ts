import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonValue } from "./json.ts";
import { mergePatch } from "./merge-patch.ts";

// RFC 7386, appendix A.
const cases: readonly { readonly target: JsonValue; readonly patch: JsonValue; readonly result: JsonValue }[] = [
  { target: { a: "b" }, patch: { a: "c" }, result: { a: "c" } },
  { target: { a: "b" }, patch: { b: "c" }, result: { a: "b", b: "c" } },
  { target: { a: "b" }, patch: { a: null }, result: {} },
  { target: { a: "b", b: "c" }, patch: { a: null }, result: { b: "c" } },
  { target: { a: ["b"] }, patch: { a: "c" }, result: { a: "c" } },
  { target: { a: "c" }, patch: { a: ["b"] }, result: { a: ["b"] } },
  { target: { a: { b: "c" } }, patch: { a: { b: "d", c: null } }, result: { a: { b: "d" } } },
  { target: { a: [{ b: "c" }] }, patch: { a: [1] }, result: { a: [1] } },
  { target: ["a", "b"], patch: ["c", "d"], result: ["c", "d"] },
  { target: { a: "b" }, patch: ["c"], result: ["c"] },
  { target: { a: "foo" }, patch: null, result: null },
  { target: { a: "foo" }, patch: "bar", result: "bar" },
  { target: { e: null }, patch: { a: 1 }, result: { e: null, a: 1 } },
  { target: [1, 2], patch: { a: "b", c: null }, result: { a: "b" } },
  { target: {}, patch: { a: { bb: { ccc: null } } }, result: { a: { bb: {} } } },
];

for (const { target, patch, result } of cases)
  test(`merging ${JSON.stringify(patch)} into ${JSON.stringify(target)} gives ${JSON.stringify(result)}`, () => {
    assert.deepEqual(mergePatch(target, patch), result);
  });

test("a merge patch applied twice is applied once", () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const once = mergePatch(target, patch);
      assert.deepEqual(mergePatch(once, patch), once);
    }),
  );
});
