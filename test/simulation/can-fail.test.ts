import assert from "node:assert/strict";
import { test } from "node:test";
import { SABOTAGES } from "./sabotage.ts";
import { runSchedule } from "./schedule.ts";

/** Tried at most; those that are hard to hit take some forty. */
const MOST = 400;

if (process.env["SLIPWAY_SEED"] === undefined) {
  for (const [what, sabotage] of Object.entries(SABOTAGES)) {
    test(`the simulation notices when ${what}`, async () => {
      for (let seed = 1; seed <= MOST; seed++) if ((await runSchedule(seed, sabotage)).violation !== undefined) return;
      assert.fail(`${MOST} schedules and nothing noticed`);
    });
  }
}
