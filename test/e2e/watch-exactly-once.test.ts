import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { postgresStore } from "../../src/adapters/postgres/postgres-store.ts";
import type { PostgresStore } from "../../src/adapters/postgres/postgres-store.ts";
import { keyText, resourceVersion } from "../../src/domain/object/api-object.ts";
import type { ApiObject, ObjectKey, ResourceVersion } from "../../src/domain/object/api-object.ts";
import { milliseconds } from "../../src/domain/units.ts";
import { PortError } from "../../src/ports/port-error.ts";
import { ResourceError } from "../../src/ports/resources.ts";
import type { Derivations, StoredObject, WatchQuery, Write } from "../../src/ports/resources.ts";
import { commitLate } from "../fixtures/late-commit.ts";
import { testDatabase } from "../fixtures/postgres.ts";
import type { TestDatabase } from "../fixtures/postgres.ts";

// 16 writers and 100 watchers on two control planes of one database. Watchers disconnect, dawdle and resume; the log is compacted under them; connections are cut;
// one control plane is restarted again and again; foreign transactions commit late. In the end every watcher must have seen what the writers were told, each change once and in order.

const CHANGES = Number(process.env["SLIPWAY_CHANGES"] ?? (process.env["SLIPWAY_TEST_FULL"] === undefined ? 20_000 : 1_000_000));
const SEED = Number(process.env["SLIPWAY_SEED"] ?? Date.now() % 1_000_000);
const WRITERS = 16;
const WATCHERS = 100;
const RESOURCES = ["alphas", "betas", "gammas"] as const;
const SPACES = ["north", "south", "east"] as const;
const APPS = ["shop", "blog", "mail"] as const;
const PHASES = ["up", "down"] as const;

const derivations: Derivations = {
  fields: (object) => ({ "spec.phase": String(Object(object.spec)["phase"]) }),
  links: () => [],
  wakes: () => [],
};

/** What a selector can see of a state, as small numbers; undefined = no object. */
interface State {
  readonly app: string;
  readonly phase: string;
}

interface Truth {
  readonly type: "added" | "modified" | "deleted";
  readonly key: ObjectKey;
  readonly before: State | undefined;
  readonly after: State | undefined;
}

/** All that was acknowledged, by version. */
const truth: (Truth | undefined)[] = [];

const random = mulberry32(SEED);
const pick = <T>(from: readonly T[]): T => {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
};

let database: TestDatabase;
let planes: PostgresStore[];
let running = true;
let over = false;

before(async () => {
  database = await testDatabase();
  planes = [];
  for (let index = 0; index < 2; index++) planes.push(await openPlane());
});
after(async () => {
  over = true;
  for (const plane of planes) await plane.close();
  await database.drop();
});

async function openPlane(): Promise<PostgresStore> {
  // A small ring, so that watchers are often behind it and must read the table.
  const plane = postgresStore({ connectionString: database.connectionString, derivations, ringBytes: 256 * 1024, readers: 8 });
  await plane.ready();
  return plane;
}

const planeOf = (index: number): PostgresStore => {
  const plane = planes[index % planes.length];
  if (plane === undefined) throw new Error("no control plane");
  return plane;
};

test(`${WATCHERS} watchers see ${CHANGES} changes of ${WRITERS} writers exactly once and in order, or are told to list again (SLIPWAY_SEED=${SEED})`, async (context) => {
  const started = performance.now();
  const watchers = Array.from({ length: WATCHERS }, (_, index) => new Watcher(index));
  const watching = watchers.map((watcher) => watcher.run());
  const disturbances = [compactOften(), cutConnections(), restartPlane(), plantLateCommits()];
  const failed = Promise.all([...watching, ...disturbances]); // ends only with an error while writers write
  await Promise.race([failed, Promise.all(Array.from({ length: WRITERS }, (_, index) => write(index)))]).finally(() => (running = false));
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(disturbances);
  await planeOf(0).resources.commit({ writes: [] });
  const { resourceVersion: last } = await planeOf(0).resources.list({ group: "test", resource: "nothing" });
  for (const watcher of watchers) watcher.goal = last;
  await Promise.all(watching);

  assert.deepEqual(
    truth.slice(2, last + 1).findIndex((one) => one === undefined),
    -1,
    "versions have gaps: a write was not acknowledged",
  );
  assert.equal(truth.length - 1, last);
  const states = replay(watchers);
  for (const watcher of watchers) watcher.verify(states);
  const sum = (of: (watcher: Watcher) => number) => watchers.reduce((total, watcher) => total + of(watcher), 0);
  assert.ok(sum((watcher) => watcher.resumed) > WATCHERS, "watchers resumed");
  assert.ok(sum((watcher) => watcher.expired) > 0, "some watcher was expired");
  context.diagnostic(
    `${last - 1} changes in ${seconds.toFixed(1)} s, ${sum((watcher) => watcher.seen)} events, ${sum((watcher) => watcher.resumed)} resumes, ${sum((watcher) => watcher.expired)} expired, ${lates} late commits, ${restarts} restarts, ${cuts} cuts`,
  );
});

/** Writes to keys of its own, so that it knows what each write meets. */
async function write(index: number): Promise<void> {
  const own = new Map<string, { readonly stored: StoredObject; readonly state: State }>();
  const keys = RESOURCES.flatMap((resource) =>
    SPACES.flatMap((namespace) =>
      Array.from({ length: 4 }, (_, number): ObjectKey => ({ group: "test", resource, namespace, name: `w${index}-${number}` })),
    ),
  );
  for (let done = 0; done < CHANGES / WRITERS && running;) {
    const chosen = [...new Set(Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(keys)))];
    const plans = chosen.map((key) => planOf(key, own.get(keyText(key)), done));
    try {
      const stored = await planeOf(index).resources.commit({ writes: plans.map((plan) => plan.write) });
      plans.forEach((plan, at) => {
        const now = stored[at];
        assert.ok(now);
        note(now.resourceVersion, plan.truth);
        if (plan.truth.after === undefined) own.delete(keyText(plan.truth.key));
        else own.set(keyText(plan.truth.key), { stored: now, state: plan.truth.after });
      });
      done += plans.length;
    } catch (error) {
      // Not done is safe to do again; anything else (a conflict: somebody wrote our keys; an unknown outcome that could not be found out) fails the test.
      if (!(error instanceof PortError) || error.outcome !== "notDone") throw error;
      await sleep(5);
    }
  }
}

let counter = 0;

function planOf(
  key: ObjectKey,
  known: { readonly stored: StoredObject; readonly state: State } | undefined,
  round: number,
): { readonly write: Write; readonly truth: Truth } {
  const state = { app: pick(APPS), phase: pick(PHASES) };
  const object = (uid: string): ApiObject => ({
    apiVersion: "test/v1",
    kind: "Thing",
    metadata: { name: key.name, namespace: key.namespace, uid, labels: { app: state.app } },
    spec: { phase: state.phase, round, counter: ++counter },
  });
  if (known === undefined)
    return { write: { verb: "create", key, object: object(randomUUID()) }, truth: { type: "added", key, before: undefined, after: state } };
  const { uid, resourceVersion: version } = known.stored;
  if (random() < 0.2)
    return {
      write: { verb: "delete", key, resourceVersion: version },
      truth: { type: "deleted", key, before: known.state, after: undefined },
    };
  return {
    write: { verb: "update", key, object: object(uid), resourceVersion: version },
    truth: { type: "modified", key, before: known.state, after: state },
  };
}

function note(version: number, one: Truth): void {
  assert.equal(truth[version], undefined, `version ${version} was given twice`);
  truth[version] = one;
}

async function compactOften(): Promise<void> {
  while (running) {
    await sleep(50 + random() * 250);
    await planeOf(1)
      .upkeep.compactChanges(milliseconds(300), 500 + Math.floor(random() * 4000))
      .catch((error: unknown) => {
        if (!(error instanceof PortError)) throw error;
      });
  }
}

let cuts = 0;
async function cutConnections(): Promise<void> {
  const client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  while (running) {
    await sleep(200 + random() * 500);
    const name = `slipway ${pick(["feed", "reader", "writer", "work"])}`;
    const { rowCount } = await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database() ORDER BY random() LIMIT 1",
      [name],
    );
    cuts += rowCount ?? 0;
  }
  await client.end();
}

let restarts = 0;
async function restartPlane(): Promise<void> {
  while (running) {
    await sleep(600 + random() * 900);
    const fresh = await openPlane().catch((error: unknown) => {
      if (error instanceof PortError) return undefined;
      throw error;
    });
    const old = planes[1];
    if (fresh === undefined || old === undefined) continue;
    planes[1] = fresh;
    await old.close();
    restarts++;
  }
}

let lates = 0;
async function plantLateCommits(): Promise<void> {
  while (running) {
    await sleep(100 + random() * 300);
    const app = pick(APPS);
    const key = { group: "test", resource: pick(RESOURCES), namespace: pick(SPACES), name: `late-${++lates}` };
    const { version } = await commitLate(database.connectionString, key, { app }, 30 + random() * 60);
    note(version, { type: "added", key, before: undefined, after: { app, phase: "" } });
  }
}

const TYPES = ["added", "modified", "deleted"] as const;

/** A stretch of a watch that began with a list and was never expired. */
interface Segment {
  readonly from: ResourceVersion;
  /** Of the versions of the listed objects. */
  readonly listed: number;
  to: ResourceVersion;
  /** version * 4 + type */
  readonly events: Growing;
}

class Watcher {
  readonly query: WatchQuery;
  readonly #index: number;
  readonly #app: string | undefined;
  readonly #phase: string | undefined;
  readonly segments: Segment[] = [];
  goal: ResourceVersion | undefined;
  resumed = 0;
  expired = 0;
  seen = 0;

  constructor(index: number) {
    this.#index = index;
    this.#app = index % 3 === 0 ? pick(APPS) : undefined;
    this.#phase = index % 5 === 0 ? pick(PHASES) : undefined;
    this.query = {
      group: "test",
      resource: pick(RESOURCES),
      ...(index % 2 === 0 ? { namespace: pick(SPACES) } : {}),
      ...(this.#app === undefined ? {} : { labels: [{ operator: "in", label: "app", values: [this.#app] }] }),
      ...(this.#phase === undefined ? {} : { fields: [{ field: "spec.phase", operator: "equals", value: this.#phase }] }),
    };
  }

  async run(): Promise<void> {
    while (!this.#isDone()) {
      try {
        const segment = this.segments.at(-1) ?? (await this.#list());
        await this.#watch(segment);
        this.resumed++;
      } catch (error) {
        if (error instanceof ResourceError && error.reason === "expired") {
          this.expired++;
          await this.#list().catch((failed: unknown) => {
            if (!(failed instanceof PortError)) throw failed;
          });
        } else if (!(error instanceof PortError)) throw error;
        await sleep(5 + random() * 20);
      }
    }
  }

  matches(key: ObjectKey, state: State | undefined): boolean {
    if (state === undefined || key.resource !== this.query.resource) return false;
    if (this.query.namespace !== undefined && key.namespace !== this.query.namespace) return false;
    return (this.#app === undefined || state.app === this.#app) && (this.#phase === undefined || state.phase === this.#phase);
  }

  verify(states: ReadonlyMap<string, number>): void {
    const who = `watcher ${this.#index} (SLIPWAY_SEED=${SEED})`;
    for (const segment of this.segments) {
      assert.equal(
        segment.listed,
        states.get(`${this.#index} ${segment.from}`),
        `${who}: the list at ${segment.from} is not what was stored then`,
      );
      let at = 0;
      for (let version = segment.from + 1; version <= segment.to; version++) {
        const one = truth[version];
        assert.ok(one);
        const was = this.matches(one.key, one.before);
        const is = this.matches(one.key, one.after);
        if (!was && !is) continue;
        const expected = is ? (was ? "modified" : "added") : "deleted";
        const got = segment.events.get(at++);
        assert.equal(
          `${Math.floor(got / 4)} ${TYPES[got % 4] ?? "nothing"}`,
          `${version} ${expected}`,
          `${who}: event ${at} after ${segment.from}`,
        );
      }
      assert.equal(segment.events.length, at, `${who}: more events than changes`);
    }
  }

  #isDone(): boolean {
    return over || (this.goal !== undefined && (this.segments.at(-1)?.to ?? 0) >= this.goal);
  }

  async #list(): Promise<Segment> {
    const { resources } = planeOf(Math.floor(random() * 2));
    // In pages, while others write: together they must show one moment.
    let page = await resources.list({ ...this.query, limit: 20 });
    const items = [...page.items];
    const at = page.resourceVersion;
    while (page.next !== undefined) items.push(...(page = await resources.list({ ...this.query, limit: 20, after: page.next })).items);
    const segment = { from: at, to: at, listed: items.reduce((sum, item) => sum + item.resourceVersion, 0), events: new Growing() };
    this.segments.push(segment);
    return segment;
  }

  /** Until it is cut off, by chance or by force. */
  async #watch(segment: Segment): Promise<void> {
    const cut = new AbortController();
    let patience = 1 + Math.floor(random() * 200);
    const timer = setTimeout(
      () => {
        cut.abort();
      },
      200 + random() * 3000,
    );
    try {
      for await (const batch of planeOf(Math.floor(random() * 2)).resources.watch(this.query, segment.to, cut.signal)) {
        // Cut off in the middle of a batch: what was not taken comes again.
        const taken = random() < 0.05 ? batch.events.slice(0, Math.floor(random() * batch.events.length)) : batch.events;
        for (const { type, object } of taken) {
          segment.events.push(object.resourceVersion * 4 + TYPES.indexOf(type));
          this.seen++;
        }
        segment.to = taken.length === batch.events.length ? batch.resourceVersion : (taken.at(-1)?.object.resourceVersion ?? segment.to);
        if (taken.length < batch.events.length || this.#isDone() || --patience === 0) return;
        if (this.#index % 10 === 0 && random() < 0.1) await sleep(random() * 1500); // slow
      }
    } finally {
      clearTimeout(timer);
      cut.abort();
    }
  }
}

/** For every list of every watcher: the sum of the versions of what it should have shown. */
function replay(watchers: readonly Watcher[]): ReadonlyMap<string, number> {
  const wanted = new Map<number, number[]>();
  watchers.forEach((watcher, index) => {
    for (const { from } of watcher.segments) wanted.set(from, [...(wanted.get(from) ?? []), index]);
  });
  const live = new Map<string, { readonly key: ObjectKey; readonly state: State; readonly version: number }>();
  const found = new Map<string, number>();
  for (let version = 1; version < truth.length; version++) {
    const one = truth[version];
    if (one !== undefined) {
      if (one.after === undefined) live.delete(keyText(one.key));
      else live.set(keyText(one.key), { key: one.key, state: one.after, version });
    }
    for (const index of wanted.get(version) ?? []) {
      const watcher = watchers[index];
      const shown = [...live.values()].filter(({ key, state }) => watcher?.matches(key, state) === true);
      found.set(
        `${index} ${resourceVersion(version)}`,
        shown.reduce((sum, { version: own }) => sum + own, 0),
      );
    }
  }
  return found;
}

/** Numbers in a typed array that doubles: a million changes for a hundred watchers. */
class Growing {
  #kept = new Uint32Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.#kept.length) {
      const more = new Uint32Array(this.length * 2);
      more.set(this.#kept);
      this.#kept = more;
    }
    this.#kept[this.length++] = value;
  }

  get(at: number): number {
    return at < this.length ? (this.#kept[at] ?? 3) : 3;
  }
}

/** https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
