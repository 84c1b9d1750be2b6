import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "../object/json.ts";
import { compareValues } from "./value-order.ts";

test("values are ordered numbers, text, booleans, lists, maps, null", () => {
  const ordered: readonly JsonValue[] = [1, 2, "a", "b", false, true, [], [1], { a: 1 }, { a: 2 }, { b: 0 }, null];
  assert.deepEqual(ordered.toReversed().toSorted(compareValues), ordered);
});
