import assert from "node:assert/strict";
import { test } from "node:test";
import { SABOTAGES } from "./sabotage.ts";
import { runSchedule } from "./schedule.ts";

/** Tried at most, one after the other. */
const MOST = 400;

/** Schedules that hit what is hard to hit; they only save time. */
const LIKELY: Readonly<Record<string, number>> = {
  "pruning does not look at the uid": 153,
  "an apply does not look at what it was decided on": 97,
};

if (process.env["SLIPWAY_SEED"] === undefined) {
  for (const [what, sabotage] of Object.entries(SABOTAGES)) {
    test(`the simulation notices when ${what}`, async () => {
      const seeds = [LIKELY[what] ?? 1, ...Array.from({ length: MOST }, (_, at) => at + 1)];
      for (const seed of seeds) if ((await runSchedule(seed, sabotage)).violation !== undefined) return;
      assert.fail(`${MOST} schedules and nothing noticed`);
    });
  }
}
