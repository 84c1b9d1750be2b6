import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDeeperThan, isJsonObject, jsonEqual, withMember, type JsonObject, type JsonValue } from "./json.ts";

const values = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>; // what fast-check calls a JSON value is one

/** The same meaning with the names of every object the other way round, and members that are undefined. */
function rearranged(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(rearranged);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).toReversed();
  return Object.fromEntries([
    ...members.map(([name, member]) => [name, member === undefined ? undefined : rearranged(member)]),
    ["absent member", undefined],
  ]) as JsonObject; // every member is a JsonValue
}

test("the order of names and members that are undefined do not count", () => {
  fc.assert(fc.property(values, (value) => assert.ok(jsonEqual(value, rearranged(value)))));
});

test("it is symmetric, and says the same as comparing the texts of the values", () => {
  const text = (value: JsonValue): string =>
    JSON.stringify(value, (_name, member: unknown) =>
      typeof member === "object" && member !== null && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
        : member,
    );
  fc.assert(
    fc.property(values, values, (a, b) => {
      assert.equal(jsonEqual(a, b), text(a) === text(b));
      assert.equal(jsonEqual(a, b), jsonEqual(b, a));
    }),
  );
});

for (const [what, a, b, equal] of [
  ["the order of a list", [1, 2], [2, 1], false],
  ["a longer list", [1], [1, 1], false],
  ["a list and an object with its places as names", ["a"], { 0: "a" }, false],
  ["null and nothing", { a: null }, {}, false],
  ["undefined and nothing", { a: undefined }, {}, true],
  ["null and an empty object", null, {}, false],
  ["zero and its negative", 0, -0, true],
  ["a number and its text", 1, "1", false],
  ["names that every JavaScript object answers to", { a: 1 }, { toString: 1 }, false],
  ["a member called __proto__", JSON.parse('{"__proto__": 1}'), {}, false],
] as readonly (readonly [string, JsonValue, JsonValue, boolean])[])
  test(`${what}: ${equal ? "equal" : "different"}`, () => {
    assert.equal(jsonEqual(a, b), equal);
    assert.equal(jsonEqual(b, a), equal);
  });

test("depth is measured without recursion", () => {
  const nested = (levels: number): JsonValue => Array.from({ length: levels }).reduce<JsonValue>((inner) => [inner], 1);
  assert.equal(isDeeperThan(nested(100), 100), false);
  assert.equal(isDeeperThan(nested(101), 100), true);
  assert.equal(isDeeperThan(nested(200_000), 100), true);
});

test("a __proto__ member is data like any other", () => {
  const object = withMember(JSON.parse('{"__proto__": {"polluted": true}}') as JsonObject, "a", 1);
  assert.deepEqual(Object.keys(object), ["__proto__", "a"]);
  assert.equal("polluted" in object, false);
});
