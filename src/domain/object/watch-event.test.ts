import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isSelected, watchEventType } from "./watch-event.ts";
import type { Selectable, Selected } from "./watch-event.ts";

const key = { group: "g", resource: "r", namespace: "shop", name: "app" };
const on: Selectable = { labels: { app: "shop" }, fields: { phase: "up" } };
const off: Selectable = { labels: {}, fields: {} };
const byLabel: Selected = { labels: [{ operator: "exists", label: "app" }] };
const byField: Selected = { fields: [{ field: "phase", operator: "equals", value: "up" }] };

const cases: readonly (readonly [string, Selected, Selectable | undefined, Selectable | undefined, string | undefined])[] = [
  ["a new object is added", {}, undefined, off, "added"],
  ["a changed one is modified", {}, off, on, "modified"],
  ["a removed one is deleted", {}, on, undefined, "deleted"],
  ["one that begins to match is added", byLabel, off, on, "added"],
  ["one that goes on matching is modified", byField, on, on, "modified"],
  ["one that stops matching is deleted", byField, on, off, "deleted"],
  ["one that never matched is nothing", byLabel, off, off, undefined],
  ["the removal of one that did not match is nothing", byLabel, off, undefined, undefined],
  ["one elsewhere is nothing", { namespace: "blog" }, undefined, on, undefined],
  ["one in the namespace is told", { namespace: "shop" }, undefined, on, "added"],
  ["both selectors must hold", { ...byLabel, fields: [{ field: "phase", operator: "equals", value: "down" }] }, undefined, on, undefined],
  ["the name can be selected", { fields: [{ field: "metadata.name", operator: "equals", value: "app" }] }, undefined, off, "added"],
];
for (const [name, selected, before, after, expected] of cases)
  test(name, () => assert.equal(watchEventType(selected, key, before, after), expected));

test("whoever applies the events holds exactly what is selected", () => {
  const states = fc.option(fc.record({ labels: fc.constantFrom({ app: "shop" }, {}), fields: fc.constantFrom({ phase: "up" }, {}) }), {
    nil: undefined,
  });
  const selections = fc.constantFrom<Selected>({}, byLabel, byField, { ...byLabel, ...byField });
  fc.assert(
    fc.property(fc.array(states), selections, (history, selected) => {
      let held = false;
      let before: Selectable | undefined;
      for (const after of history) {
        const type = watchEventType(selected, key, before, after);
        assert.equal(type === "added", type !== undefined && !held);
        if (type !== undefined) held = type !== "deleted";
        assert.equal(held, after !== undefined && isSelected(selected, key, after));
        before = after;
      }
    }),
  );
});
