import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instant, seconds, later } from "../units.ts";
import type { ApiObject, Condition } from "./api-object.ts";
import { conditionOf, conditionsOf, type Statement, withConditions } from "./conditions.ts";

const now = instant(Date.parse("2026-01-31T12:00:00Z"));
const ready = (status: Condition["status"], reason = "Synced"): Statement => ({
  type: "Ready",
  status,
  reason,
  message: "why",
  observedGeneration: 2,
});
const object = (conditions: unknown): ApiObject => ({ apiVersion: "v1", kind: "Sync", metadata: {}, status: { conditions } as JsonStatus });
type JsonStatus = NonNullable<ApiObject["status"]>;

test("a status that stays keeps its moment, whatever else is said", () => {
  const before = withConditions([], [ready("True")], now);
  const [after] = withConditions(before, [ready("True", "Other")], later(now, seconds(60)));
  assert.deepEqual(after, { ...ready("True", "Other"), lastTransitionTime: "2026-01-31T12:00:00Z" });
});

test("a status that changes has the new moment", () => {
  const before = withConditions([], [ready("True")], now);
  assert.equal(withConditions(before, [ready("Unknown")], later(now, seconds(60)))[0]?.lastTransitionTime, "2026-01-31T12:01:00Z");
});

const statements = fc.uniqueArray(
  fc.record({
    type: fc.constantFrom("Ready", "Stalled", "Reconciling", "Held"),
    status: fc.constantFrom("True" as const, "False" as const, "Unknown" as const),
    reason: fc.constantFrom("A", "B"),
    message: fc.string(),
    observedGeneration: fc.nat(),
  }),
  { selector: ({ type }) => type },
);

test("what was not spoken of stays, every type is there once, in order; saying it again changes nothing", () => {
  fc.assert(
    fc.property(statements, statements, (first, second) => {
      const before = withConditions([], first, now);
      const after = withConditions(before, second, later(now, seconds(1)));
      const types = after.map(({ type }) => type);
      assert.deepEqual(types, [...new Set([...first, ...second].map(({ type }) => type))].sort());
      for (const { type } of first.filter((one) => !second.some((other) => other.type === one.type)))
        assert.deepEqual(
          after.find((one) => one.type === type),
          before.find((one) => one.type === type),
        );
      assert.deepEqual(withConditions(after, second, later(now, seconds(2))), after);
    }),
  );
});

for (const [what, conditions] of [
  ["none", undefined],
  ["no list", { type: "Ready" }],
  [
    "a list of other things",
    [null, 1, "Ready", [], { type: "Ready" }, { type: 1, status: "True", reason: "", message: "", lastTransitionTime: "" }],
  ],
] as const)
  test(`stored conditions that are ${what} are none`, () => {
    assert.deepEqual(conditionsOf(object(conditions)), []);
    assert.equal(conditionOf(object(conditions), "Ready"), undefined);
  });

test("an object without a status has no conditions", () => {
  assert.deepEqual(conditionsOf({ apiVersion: "v1", kind: "Sync", metadata: {} }), []);
  assert.deepEqual(conditionsOf(undefined), []);
});
