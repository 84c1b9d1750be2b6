import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareText, compareValues, isDeeperThan, isEqualValue, kubernetesJson, objectOf, withMember, type JsonValue } from "./value.ts";

const texts: readonly { readonly name: string; readonly value: JsonValue; readonly text: string }[] = [
  { name: "sorts keys", value: { b: 1, a: [true, null] }, text: '{"a":[true,null],"b":1}' },
  { name: "escapes what could end a script", value: "<a>&\u2028", text: '"\\u003ca\\u003e\\u0026\\u2028"' },
  { name: "escapes control characters as json-iterator does", value: "\n\t\b\u001f", text: '"\\n\\t\\u0008\\u001f"' },
  { name: "keeps other scripts and emoji", value: 'é🚀"\\', text: '"é🚀\\"\\\\"' },
  { name: "writes numbers as Go does", value: [1.5, 1e21, 1e-7, -0], text: "[1.5,1e+21,1e-7,0]" },
];
for (const { name, value, text } of texts) test(`kubernetesJson ${name}`, () => assert.equal(kubernetesJson(value), text));

test("kubernetesJson writes JSON that means the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const value = json as JsonValue;
      assert.ok(isEqualValue(JSON.parse(kubernetesJson(value)) as JsonValue, value));
    }),
  );
});

test("text is ordered as UTF-8 bytes are, not as UTF-16 units", () => {
  assert.deepEqual(["🚀", "\uffee", "b", "a", "ab"].toSorted(compareText), ["a", "ab", "b", "\uffee", "🚀"]);
});

test("values are ordered numbers, text, booleans, lists, maps, null", () => {
  const ordered: readonly JsonValue[] = [1, 2, "a", "b", false, true, [], [1], { a: 1 }, { a: 2 }, { b: 0 }, null];
  assert.deepEqual(ordered.toReversed().toSorted(compareValues), ordered);
});

test("depth is measured without recursion", () => {
  const nested = (levels: number): JsonValue => Array.from({ length: levels }).reduce<JsonValue>((inner) => [inner], 1);
  assert.equal(isDeeperThan(nested(100), 100), false);
  assert.equal(isDeeperThan(nested(101), 100), true);
  assert.equal(isDeeperThan(nested(200_000), 100), true);
});

test("a __proto__ member is data like any other", () => {
  const object = withMember(objectOf([["__proto__", { polluted: true }]]), "a", 1);
  assert.deepEqual(Object.keys(object), ["__proto__", "a"]);
  assert.equal("polluted" in object, false);
});
