import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { earliest, instant, later, milliseconds, parseDuration, parseRfc3339, rfc3339, seconds } from "./units.ts";

for (const [text, length] of [
  ["0", 0],
  ["0s", 0],
  ["250ms", 250],
  ["90s", 90_000],
  ["1h30m", 5_400_000],
  ["1m1s1ms", 61_001],
  ["1.5s", 1500],
  ["0.1ms", 1],
  ["876600h", 876_600 * 3_600_000],
  ["876601h", undefined],
  ["", undefined],
  ["1", undefined],
  ["s", undefined],
  ["-1s", undefined],
  ["1 s", undefined],
  ["1d", undefined],
  ["1.s", undefined],
  [".5s", undefined],
  ["1S", undefined],
  ["1e3s", undefined],
  ["9".repeat(400) + "h", undefined],
] as const)
  test(`the duration "${text.slice(0, 20)}" is ${length ?? "none"}`, () => {
    assert.equal(parseDuration(text), length);
  });

for (const [text, at] of [
  ["2026-01-31T12:00:00Z", Date.UTC(2026, 0, 31, 12)],
  ["2026-01-31t12:00:00z", Date.UTC(2026, 0, 31, 12)],
  ["2026-01-31T12:00:00.250Z", Date.UTC(2026, 0, 31, 12, 0, 0, 250)],
  ["2026-01-31T12:00:00+02:00", Date.UTC(2026, 0, 31, 10)],
  ["2026-01-31T25:00:00Z", undefined],
  ["2026-01-31", undefined],
  ["2026-01-31T12:00:00", undefined],
  ["31 Jan 2026", undefined],
  ["", undefined],
] as const)
  test(`the time "${text}" is ${at === undefined ? "none" : "read"}`, () => {
    assert.equal(parseRfc3339(text), at);
  });

test("a time that was written is read again, to the second", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(2999, 0) }), (epoch) => {
      assert.equal(parseRfc3339(rfc3339(instant(epoch))), Math.floor(epoch / 1000) * 1000);
    }),
  );
});

test("a length is never negative and never cut short", () => {
  fc.assert(
    fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), (length) => {
      const whole = milliseconds(length);
      assert.ok(whole >= 0 && whole >= length && Number.isInteger(whole) && whole <= Math.max(0, length) + 1);
      assert.ok(later(instant(5), whole) >= 5);
    }),
  );
  assert.equal(seconds(1.5), 1500);
});

test("the earliest of several is the smallest; nothing is not counted", () => {
  assert.equal(earliest(), undefined);
  assert.equal(earliest(undefined, undefined), undefined);
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer(), { nil: undefined })), (some) => {
      const known = some.filter((one) => one !== undefined);
      const first = earliest(...some.map((one) => (one === undefined ? undefined : instant(one))));
      assert.equal(first, known.length === 0 ? undefined : Math.min(...known));
    }),
  );
});
