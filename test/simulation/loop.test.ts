import assert from "node:assert/strict";
import { test } from "node:test";
import { runSchedule } from "./schedule.ts";

// SLIPWAY_SEED=123 replays one schedule and shows what happened; SLIPWAY_SCHEDULES sets how many are tried.
const { SLIPWAY_SEED: replayed, SLIPWAY_SCHEDULES: asked, SLIPWAY_TEST_FULL: isFull } = process.env;
const schedules = asked !== undefined ? Number(asked) : isFull === "1" ? 20_000 : 1_000;
const CHUNK = 250;

/** Seeds of schedules that once broke a promise, and what was wrong. */
const FOUND: readonly (readonly [seed: number, promise: string])[] = [
  [1657, "a Sync that is being deleted is looked at again when what it applied could not be listed"],
  [1788, "a Sync that is being deleted goes when its account and the listing come back"],
  [1797, "a service account that a Sync keeps is missed at once when somebody deletes it"],
  [4594, "what a Sync says of what it leaves alone is as things are"],
];

async function keepsEveryPromise(seed: number): Promise<void> {
  const { violation, lines } = await runSchedule(seed);
  if (violation === undefined) return;
  const last = lines.slice(replayed === undefined ? -25 : 0).join("\n  ");
  assert.fail(`seed ${seed}: ${violation}\n  ${last}\nreplay: SLIPWAY_SEED=${seed} npm test -- test/simulation/loop.test.ts`);
}

if (replayed !== undefined) {
  test(`schedule ${replayed} keeps every promise`, () => keepsEveryPromise(Number(replayed)));
} else {
  for (const [seed, promise] of FOUND) test(`${promise} (seed ${seed})`, () => keepsEveryPromise(seed));

  for (let first = 1; first <= schedules; first += CHUNK) {
    const last = Math.min(schedules, first + CHUNK - 1);
    test(`schedules ${first} to ${last} keep every promise`, async () => {
      for (let seed = first; seed <= last; seed++) await keepsEveryPromise(seed);
    });
  }

  test("the same seed gives the same history", async () => {
    for (const seed of [3, 14, 159, 265]) {
      const [once, again] = [await runSchedule(seed), await runSchedule(seed)];
      assert.deepEqual(again.lines, once.lines);
      assert.equal(again.hash, once.hash);
    }
  });

  test("schedules differ, and most have faults and passes in them", async () => {
    const outcomes = [];
    for (let seed = 1; seed <= 20; seed++) outcomes.push(await runSchedule(seed));
    assert.equal(new Set(outcomes.map(({ hash }) => hash)).size, outcomes.length);
    assert.ok(outcomes.filter(({ lines }) => lines.some((line) => / (lost|late|unknown|repeated|stale)$/.test(line))).length >= 10);
    assert.ok(outcomes.every(({ passes }) => passes >= 4));
  });
}
