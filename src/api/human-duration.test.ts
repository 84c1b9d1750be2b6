import assert from "node:assert/strict";
import test from "node:test";
import { instant } from "../domain/units.ts";
import { durationOf } from "./duration.ts";
import { ageOf, humanDuration } from "./human-duration.ts";

const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
const ages: readonly (readonly [number, string])[] = [
  [-5 * s, "<invalid>"],
  [-1 * s, "0s"],
  [0, "0s"],
  [999, "0s"],
  [119 * s, "119s"],
  [120 * s, "2m"],
  [3 * m + 5 * s, "3m5s"],
  [10 * m + 5 * s, "10m"],
  [179 * m, "179m"],
  [180 * m, "3h"],
  [5 * h + 3 * m, "5h3m"],
  [8 * h + 3 * m, "8h"],
  [47 * h, "47h"],
  [48 * h, "2d"],
  [76 * h, "3d4h"],
  [8 * d + 4 * h, "8d"],
  [729 * d, "729d"],
  [730 * d, "2y"],
  [770 * d, "2y40d"],
  [9 * 365 * d, "9y"],
];
test("ages are those of kubectl", () => {
  for (const [length, text] of ages) assert.equal(humanDuration(length), text);
});

test("a time that is none has no age", () => {
  assert.equal(ageOf("2026-01-01T00:00:00Z", instant(Date.parse("2026-01-01T00:05:00Z"))), "5m");
  for (const time of [undefined, null, "yesterday", 3, {}]) assert.equal(ageOf(time, instant(0)), "<unknown>");
});

test("durations are read, and nothing else is", () => {
  for (const [text, length] of [
    ["30s", 30 * s],
    ["1h30m", 90 * m],
    ["500ms", 500],
    ["0.5h", 30 * m],
    ["0s", 0],
    ["1.5ms", 2],
  ] as const)
    assert.equal(durationOf(text), length);
  for (const text of ["", "30", "s", "-1s", "1d", "1 s", "1s ", "1e3s", "1s\n", "9".repeat(400) + "s", "1s".repeat(9)])
    assert.equal(durationOf(text), undefined);
});
