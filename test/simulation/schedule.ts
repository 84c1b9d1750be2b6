import { keyText } from "../../src/domain/object/api-object.ts";
import { seconds } from "../../src/domain/units.ts";
import { unsettled } from "./converged.ts";
import { NO_FAULTS } from "./faults.ts";
import { Violation } from "./observer.ts";
import { fieldsOf } from "./repository.ts";
import { NO_SABOTAGE, type Sabotage } from "./sabotage.ts";
import { act, setUp } from "./scenario.ts";
import { accountOf, SYNCS, syncKey, World } from "./world.ts";

/** After the last fault everything must be as it should within this time: the longest lease, backoff of that many failures, and interval. */
const SETTLES_WITHIN = 180_000;
/** And then nothing more happens than looking. */
const QUIET = 40_000;

export interface Outcome {
  readonly hash: string;
  readonly steps: number;
  readonly passes: number;
  readonly lines: readonly string[];
  readonly violation: string | undefined;
}

/** Runs one schedule: everything in it follows from the seed. */
export async function runSchedule(seed: number, sabotage: Sabotage = NO_SABOTAGE): Promise<Outcome> {
  const world = new World(seed, sabotage);
  let violation: string | undefined;
  try {
    await world.begin();
    await setUp(world);
    await trouble(world);
    await calm(world);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = `${error.message} (at ${world.lines.at(-1)?.split(" ")[0] ?? "0"} s)`;
  }
  for (const plane of world.planes) plane.kill();
  return { hash: world.hash, steps: world.scheduler.steps, passes: world.passes.length, lines: world.lines, violation };
}

async function trouble(world: World): Promise<void> {
  const { random } = world;
  const rate = random.pick([0, 0.02, 0.05, 0.1]);
  await world.pass(random.between(0, 3000));
  world.rates = { lost: rate, late: rate, unknown: rate, repeated: rate, stale: rate * 2 };
  for (let actions = random.between(4, 12); actions > 0; actions--) {
    await act(world);
    await world.pass(random.chance(0.5) ? random.between(0, 400) : random.between(400, 6000));
  }
}

async function calm(world: World): Promise<void> {
  await putRight(world);
  let lookedAt = 0;
  const isSettled = (): boolean => {
    // Looking costs more than a step: twice a second is enough.
    if (world.scheduler.now < lookedAt + 500) return false;
    lookedAt = world.scheduler.now;
    return unsettled(world).length === 0;
  };
  await world.pass(SETTLES_WITHIN, isSettled);
  const left = unsettled(world);
  if (left.length > 0) throw new Violation(`does not settle: ${left.join("; ")}`);
  await staysQuiet(world);
  await ends(world);
}

/** The faults stop, and people mend what only people can mend. */
async function putRight(world: World): Promise<void> {
  const { random, repository, users } = world;
  world.log("> the faults stop");
  world.rates = NO_FAULTS;
  world.interferes = false;
  // Actions that were planned for later still come.
  await world.pass(15_000);
  for (const plane of world.planes) plane.skew = 0;
  if (world.planes.length === 0) world.start();
  if (random.chance(0.85)) repository.repair();
  for (const sync of SYNCS) {
    if (world.shared.observer.get(`/namespaces//${sync.namespace}`) === undefined) continue;
    await users.create(accountOf(sync));
    await users.change(syncKey(sync), (object) => ({
      ...object,
      spec: { ...Object(object.spec), suspend: fieldsOf(object).suspend && random.chance(0.3) },
    }));
  }
}

/** Settled means that looking finds nothing to do: no writes, and no more passes than intervals ask for. */
async function staysQuiet(world: World): Promise<void> {
  await world.pass(12_000);
  const [version, passes] = [world.shared.observer.version, world.passes.length];
  await world.pass(QUIET);
  const left = unsettled(world);
  if (left.length > 0) throw new Violation(`does not stay settled: ${left.join("; ")}`);
  if (world.shared.observer.version !== version) throw new Violation("something is written although nothing changes");
  const counts = new Map<string, number>();
  for (const { controller, key } of world.passes.slice(passes)) {
    const name = `${controller} ${keyText(key)}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // A repository is looked at every 8 s, a Sync every 30 s; what failed, at growing intervals.
  for (const [name, count] of counts)
    if (count > 8) throw new Violation(`${count} passes of ${name} in ${QUIET / 1000} s although nothing changes`);
}

/** Told to end, control planes end, and leave no work behind that is overdue. */
async function ends(world: World): Promise<void> {
  for (const plane of world.planes) plane.stop();
  await world.pass(5000);
  const running = world.planes.filter(({ hasEnded }) => !hasEnded);
  if (running.length > 0) throw new Violation(`${running.map(({ name }) => name).join(", ")} did not end`);
  await world.pass(0);
  const controllers = ["git-repository", "sync", "namespace", "garbage-collector", "access-token"];
  const leases = await world.shared.work.claim("afterwards", controllers, 1000, seconds(1));
  const overdue = leases.filter(({ controller }) => controller !== "git-repository" && controller !== "sync");
  if (overdue.length > 0)
    throw new Violation(`still due: ${overdue.map(({ controller, key }) => `${controller} ${keyText(key)}`).join(", ")}`);
}
