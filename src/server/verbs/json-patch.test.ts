import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../../domain/object/json.ts";
import { jsonPatched, PatchMisfit } from "./json-patch.ts";

// RFC 6902, appendix A.
const cases: readonly { readonly target: JsonObject; readonly patch: JsonValue; readonly result: JsonValue }[] = [
  { target: { foo: "bar" }, patch: [{ op: "add", path: "/baz", value: "qux" }], result: { foo: "bar", baz: "qux" } },
  { target: { foo: ["bar", "baz"] }, patch: [{ op: "add", path: "/foo/1", value: "qux" }], result: { foo: ["bar", "qux", "baz"] } },
  { target: { baz: "qux", foo: "bar" }, patch: [{ op: "remove", path: "/baz" }], result: { foo: "bar" } },
  { target: { foo: ["bar", "qux", "baz"] }, patch: [{ op: "remove", path: "/foo/1" }], result: { foo: ["bar", "baz"] } },
  { target: { baz: "qux" }, patch: [{ op: "replace", path: "/baz", value: "boo" }], result: { baz: "boo" } },
  {
    target: { foo: { bar: "baz", waldo: "fred" }, qux: {} },
    patch: [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
    result: { foo: { bar: "baz" }, qux: { thud: "fred" } },
  },
  {
    target: { foo: ["all", "grass", "cows", "eat"] },
    patch: [{ op: "move", from: "/foo/1", path: "/foo/3" }],
    result: { foo: ["all", "cows", "eat", "grass"] },
  },
  {
    target: { baz: "qux", foo: ["a", 2, "c"] },
    patch: [
      { op: "test", path: "/baz", value: "qux" },
      { op: "test", path: "/foo/1", value: 2 },
    ],
    result: { baz: "qux", foo: ["a", 2, "c"] },
  },
  {
    target: { foo: "bar" },
    patch: [{ op: "add", path: "/child", value: { grandchild: {} } }],
    result: { foo: "bar", child: { grandchild: {} } },
  },
  { target: { foo: "bar" }, patch: [{ op: "add", path: "/baz", value: "qux", xyz: 123 }], result: { foo: "bar", baz: "qux" } },
  { target: { "/": 9, "~1": 10 }, patch: [{ op: "test", path: "/~01", value: 10 }], result: { "/": 9, "~1": 10 } },
  { target: { foo: ["bar"] }, patch: [{ op: "add", path: "/foo/-", value: ["abc", "def"] }], result: { foo: ["bar", ["abc", "def"]] } },
  { target: { foo: 1 }, patch: [{ op: "replace", path: "", value: { whole: true } }], result: { whole: true } },
  {
    target: { a: { b: 1 } },
    patch: [
      { op: "copy", from: "/a", path: "/c" },
      { op: "replace", path: "/c/b", value: 2 },
    ],
    result: { a: { b: 1 }, c: { b: 2 } },
  },
];

for (const { target, patch, result } of cases)
  test(`JSON patch ${JSON.stringify(patch)} of ${JSON.stringify(target)}`, () => {
    const before = structuredClone(target);
    assert.deepEqual(jsonPatched(target, patch), result);
    assert.deepEqual(target, before);
  });

for (const patch of [
  [{ op: "test", path: "/baz", value: "bar" }],
  [{ op: "add", path: "/baz/bat", value: "qux" }],
  [{ op: "remove", path: "/none" }],
  [{ op: "replace", path: "/none", value: 1 }],
  [{ op: "add", path: "/list/5", value: 1 }],
  [{ op: "remove", path: "/list/-" }],
  [{ op: "add", path: "/list/01", value: 1 }],
  [{ op: "move", from: "/list", path: "/list/0" }],
  [{ op: "nothing", path: "/baz" }],
  [{ op: "add", path: "baz", value: 1 }],
  [{ op: "add", path: "/baz" }],
  [{ path: "/baz" }],
  [null],
  "x",
])
  test(`JSON patch ${JSON.stringify(patch)} is refused and changes nothing`, () => {
    const target = { baz: "qux", list: [1] };
    assert.throws(
      () => jsonPatched(target, patch),
      (error) => error instanceof Error && ["PatchMisfit", "ApiFailure"].includes(error.name),
    );
    assert.deepEqual(target, { baz: "qux", list: [1] });
  });

for (const { name, patch } of [
  { name: "a test against an object", patch: [{ op: "test", path: "/a", value: { b: "c" } }] },
  { name: "a test against null", patch: [{ op: "test", path: "/a", value: null }] },
  { name: "a test of an object against a number", patch: [{ op: "test", path: "", value: 1 }] },
  { name: "a removal of everything", patch: [{ op: "remove", path: "" }] },
])
  test(`${name} that does not hold is a patch that does not fit, not an accident`, () => {
    assert.throws(() => jsonPatched({ a: "b" }, patch), PatchMisfit);
  });
