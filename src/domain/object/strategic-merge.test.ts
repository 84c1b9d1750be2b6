import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "./json.ts";
import { StrategicMergeError, strategicMerge } from "./strategic-merge.ts";

const schema = {
  properties: {
    metadata: {
      properties: {
        finalizers: { "x-kubernetes-patch-strategy": "merge" },
        ownerReferences: { "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "uid" },
      },
    },
    secrets: { "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name" },
    rules: {},
  },
};

const cases: readonly { readonly name: string; readonly target: JsonObject; readonly patch: JsonObject; readonly result: JsonObject }[] = [
  {
    name: "maps merge and null removes",
    target: { data: { a: "1", b: "2" } },
    patch: { data: { a: null, c: "3" } },
    result: { data: { b: "2", c: "3" } },
  },
  {
    name: "a list with a merge key merges item by item",
    target: { secrets: [{ name: "a", kind: "x" }] },
    patch: { secrets: [{ name: "b" }, { name: "a", kind: "y" }] },
    result: { secrets: [{ name: "b" }, { name: "a", kind: "y" }] },
  },
  {
    name: "an item is deleted by its key",
    target: { secrets: [{ name: "a" }, { name: "b" }] },
    patch: { secrets: [{ $patch: "delete", name: "a" }] },
    result: { secrets: [{ name: "b" }] },
  },
  {
    name: "a list is replaced on demand",
    target: { secrets: [{ name: "a" }] },
    patch: { secrets: [{ $patch: "replace" }, { name: "z" }] },
    result: { secrets: [{ name: "z" }] },
  },
  {
    name: "a set takes new values once",
    target: { metadata: { finalizers: ["a"] } },
    patch: { metadata: { finalizers: ["b", "a", "b"] } },
    result: { metadata: { finalizers: ["b", "a"] } },
  },
  {
    name: "values are deleted from a set",
    target: { metadata: { finalizers: ["a", "b"] } },
    patch: { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } },
    result: { metadata: { finalizers: ["b"] } },
  },
  { name: "a list without strategy is replaced", target: { rules: [1, 2] }, patch: { rules: [3] }, result: { rules: [3] } },
  {
    name: "the order asked for is kept",
    target: { secrets: [{ name: "a" }, { name: "b" }] },
    patch: { "$setElementOrder/secrets": [{ name: "b" }, { name: "a" }], secrets: [] },
    result: { secrets: [{ name: "b" }, { name: "a" }] },
  },
  {
    name: "a map is replaced on demand",
    target: { data: { a: "1" } },
    patch: { data: { $patch: "replace", b: "2" } },
    result: { data: { b: "2" } },
  },
  {
    name: "only the retained keys stay",
    target: { data: { a: "1", b: "2" } },
    patch: { data: { $retainKeys: ["b", "c"], c: "3" } },
    result: { data: { b: "2", c: "3" } },
  },
  { name: "directives never reach the object", target: {}, patch: { data: { $patch: "merge", a: "1" } }, result: { data: { a: "1" } } },
];

for (const { name, target, patch, result } of cases)
  test(`strategic merge: ${name}`, () => assert.deepEqual(strategicMerge(target, patch, schema), result));

test("strategic merge: an item without its merge key is refused with the place", () => {
  assert.throws(
    () => strategicMerge({}, { secrets: [{ kind: "x" }] }, schema),
    (error) => error instanceof StrategicMergeError && /secrets: every item must have "name"/.test(error.message),
  );
});
