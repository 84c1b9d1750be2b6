import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryWork } from "../../src/adapters/memory/memory-work.ts";
import { memoryResources } from "../../src/adapters/memory/memory-resources.ts";
import { MemoryLog } from "../../src/adapters/memory/memory-log.ts";
import type { ObjectKey } from "../../src/domain/object/api-object.ts";
import { instant, later, milliseconds, seconds } from "../../src/domain/units.ts";
import type { Controller } from "../../src/engine/controller.ts";
import { Loop } from "../../src/engine/loop.ts";
import { passes } from "../../src/engine/pass.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { PortError } from "../../src/ports/port-error.ts";
import type { PassReport } from "../../src/ports/telemetry.ts";
import type { WorkQueue } from "../../src/ports/work.ts";
import { seededIds } from "./plane.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";

const key: ObjectKey = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const nothing = { updates: [], events: [] };
const idle: Controller<undefined, string, void> = {
  name: "test",
  observe: () => Promise.resolve(undefined),
  decide: () => ({ ...nothing, commands: ["do"] }),
  act: () => Promise.resolve(),
  conclude: () => nothing,
};

/** One loop with one controller on a store of its own. */
function running(controller: Partial<Controller<undefined, string, void>>, skew = 0) {
  const random = new Random(7);
  const scheduler = new Scheduler(instant(1_000_000), random.fork());
  const clock = scheduler.clock();
  const work = new MemoryWork(clock);
  const derivations = { fields: () => ({}), links: () => [], wakes: () => [] };
  const resources = memoryResources({ log: new MemoryLog(undefined), work, clock, derivations });
  const reports: PassReport[] = [];
  const errors: object[] = [];
  const loop = new Loop({
    controllers: [passes({ ...idle, ...controller })],
    resourcesAs: () => resources,
    work: withLatency(work, clock),
    clock: scheduler.clock(() => skew),
    ids: seededIds(random),
    log: { info: () => undefined, warn: () => undefined, error: (fields) => errors.push(fields) },
    telemetry: { passed: (report) => reports.push(report) },
  });
  const state = { hasEnded: false };
  void loop.run().then(() => {
    state.hasEnded = true;
  });
  /** Ends early where something runs hot. */
  const pass = (length: number): Promise<void> => scheduler.runUntil(scheduler.now + length, () => reports.length > 100);
  return { loop, work, reports, errors, scheduler, clock, state, pass };
}

/** A claim takes a millisecond, so that time passes in a loop that runs hot. */
function withLatency(work: WorkQueue, clock: Clock): WorkQueue {
  return {
    claim: async (...asked) => {
      await clock.until(later(clock.now(), milliseconds(1)), new AbortController().signal);
      return work.claim(...asked);
    },
    renew: (...asked) => work.renew(...asked),
    release: (...asked) => work.release(...asked),
    wake: (wakes) => work.wake(wakes),
    due: (...asked) => work.due(...asked),
  };
}

const away = (): Promise<never> => Promise.reject(new PortError("notDone", "away"));
const bug = (): Promise<never> => Promise.reject(new TypeError("x is undefined"));

for (const [what, controller] of [
  ["cannot be observed", { observe: away }],
  ["cannot be decided", { observe: bug }],
  ["cannot be acted upon", { act: away }],
] as const)
  test(`what ${what} for an hour is tried ever more seldom, and five minutes apart at most`, async () => {
    const { work, reports, pass } = running(controller);
    await work.wake([{ controller: "test", key }]);
    await pass(3_600_000);
    assert.ok(reports.length >= 15 && reports.length <= 60, `${reports.length} passes`);
  });

test("a fault of the program is told once for each pass, with an incident, and the loop goes on", async () => {
  const { work, reports, errors, pass } = running({ observe: bug });
  await work.wake([{ controller: "test", key }]);
  await pass(1000);
  assert.ok(reports.length >= 2);
  assert.equal(errors.length, reports.length);
  assert.ok(reports.every(({ incident, outcome }) => incident !== undefined && outcome === "retry"));
});

test("after a success the waits begin small again", async () => {
  let isAway = true;
  const { work, reports, pass, scheduler } = running({ observe: () => (isAway ? away() : Promise.resolve(undefined)) });
  await work.wake([{ controller: "test", key }]);
  await pass(600_000);
  isAway = false;
  await pass(600_000);
  assert.equal(reports.at(-1)?.outcome, "settled");
  isAway = true;
  const before = scheduler.now;
  await work.wake([{ controller: "test", key }]);
  await pass(1000);
  assert.ok(reports.filter(({ started }) => started >= before).length >= 3);
});

for (const [skew, most] of [
  [-30_000, "hot"],
  [30_000, "late"],
] as const)
  test(`a control plane whose clock is ${Math.abs(skew) / 1000} s ${skew < 0 ? "behind" : "ahead of"} the store's does not run ${most}`, async () => {
    const { work, reports, pass } = running(
      { decide: (_seen, now) => ({ ...nothing, commands: [], wakeAt: later(now, seconds(10)) }) },
      skew,
    );
    await work.wake([{ controller: "test", key }]);
    await pass(120_000);
    assert.ok(reports.length >= 11 && reports.length <= 14, `${reports.length} passes in two minutes, 10 s apart`);
  });

test("one object has one pass at a time, and what was woken during it is looked at again", async () => {
  let inFlight = 0;
  let most = 0;
  const { work, reports, pass, clock } = running({
    act: async (_command, _resources, signal) => {
      most = Math.max(most, ++inFlight);
      await clock.until(later(clock.now(), seconds(10)), signal);
      inFlight--;
    },
  });
  await work.wake([{ controller: "test", key }]);
  await pass(2000);
  for (let times = 0; times < 5; times++) await work.wake([{ controller: "test", key }]);
  await pass(60_000);
  assert.deepEqual([most, reports.length], [1, 2]);
});

test("told to stop, the loop ends soon, and its work is another's at once", async () => {
  const { loop, work, state, pass, clock } = running({
    act: (_command, _resources, signal) => clock.until(later(clock.now(), seconds(3600)), signal),
  });
  await work.wake([{ controller: "test", key }]);
  await pass(5000);
  loop.stop();
  await pass(100);
  assert.equal(state.hasEnded, true);
  const [lease] = await work.claim("other", ["test"], 1, seconds(3));
  assert.deepEqual([lease?.key, lease?.attempts], [key, 0]);
});
