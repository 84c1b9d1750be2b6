import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { keyText, resourceVersion } from "../../domain/object/api-object.ts";
import { compareBytes } from "../../domain/object/byte-order.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import { instant, milliseconds } from "../../domain/units.ts";
import { ResourceError } from "../../ports/resources.ts";
import type { Continuation, ListQuery, StoredObject, Transaction, Write } from "../../ports/resources.ts";
import { contractDerivations, widget } from "../../ports/store.contract.ts";
import type { Lease } from "../../ports/work.ts";
import { memoryStore } from "../memory/memory-store.ts";
import { testDatabase } from "../../../test/fixtures/postgres.ts";
import type { TestDatabase } from "../../../test/fixtures/postgres.ts";
import { postgresStore } from "./postgres-store.ts";
import type { PostgresStore } from "./postgres-store.ts";

// The memory store is the model: whatever is asked of both, in whatever order, both answer the same.

type Ports = Pick<PostgresStore, "resources" | "work" | "records" | "upkeep">;

/** What a sequence remembers of its own store, so that later steps can refer to earlier answers. */
interface Memory {
  readonly versions: Map<string, number>;
  readonly leases: Lease[];
  page: { readonly query: ListQuery; readonly next: Continuation } | undefined;
}

const keyOf = (space: string, resource: string, name: string): ObjectKey => ({
  group: resource === "events" ? "" : "test.slipway.dev",
  resource,
  namespace: space,
  name,
});

const places = fc.record({ resource: fc.constantFrom("widgets", "watched", "events"), name: fc.constantFrom("a", "b", "ä", "\u{1f600}") });
const specs = fc.record(
  {
    phase: fc.constantFrom("up", "down", "x\u0000"),
    links: fc.subarray(["l1", "l2", 'l"{3}\\']),
    tells: fc.constantFrom("l1", "l2"),
    text: fc.string({ unit: "binary", maxLength: 8 }),
  },
  { requiredKeys: [] },
);
const labels = fc.record({ app: fc.constantFrom("shop", "blog"), tier: fc.constantFrom("1", "20", "-3", "x") }, { requiredKeys: [] });
// "put" creates or updates, whichever the sequence so far allows; the others may be refused.
const verbs = fc.oneof(
  { weight: 8, arbitrary: fc.constant("put" as const) },
  { weight: 3, arbitrary: fc.constantFrom("create", "update", "merge", "delete", "drop") },
);
const stale = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const writes = fc.record({ verb: verbs, at: places, spec: specs, labels, stale });
const distinct = fc.uniqueArray(writes, { minLength: 1, maxLength: 4, selector: ({ at }) => `${at.resource}/${at.name}` });
const rarely = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const selections = fc.record(
  {
    labels: fc.array(
      fc.oneof(
        fc.record({ operator: fc.constantFrom("exists", "notExists"), label: fc.constantFrom("app", "tier") }),
        fc.record({
          operator: fc.constantFrom("in", "notIn"),
          label: fc.constantFrom("app", "tier"),
          values: fc.subarray(["shop", "blog", "20"]),
        }),
        fc.record({
          operator: fc.constantFrom("greaterThan", "lessThan"),
          label: fc.constant("tier"),
          than: fc.integer({ min: -5, max: 25 }),
        }),
      ),
      { maxLength: 2 },
    ),
    fields: fc.array(
      fc.record({
        field: fc.constantFrom("spec.phase", "metadata.name"),
        operator: fc.constantFrom("equals", "notEquals"),
        value: fc.constantFrom("up", "a", "", "x\u0000"),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const controllers = ["widget", "linked"] as const;
const steps = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      step: fc.constant("commit"),
      writes: fc.oneof({ weight: 9, arbitrary: distinct }, { weight: 1, arbitrary: fc.array(writes, { maxLength: 4 }) }),
      dryRun: rarely,
      record: fc.boolean(),
      lease: fc.option(fc.nat({ max: 3 }), { freq: 3 }),
      finish: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("list"),
      resource: fc.constantFrom("widgets", "watched", "events"),
      selection: selections,
      linkedTo: fc.option(fc.constantFrom("l1", 'l"{3}\\')),
      limit: fc.option(fc.integer({ min: 1, max: 3 })),
      back: fc.option(fc.nat({ max: 8 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("more") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("watch"),
      resource: fc.constantFrom("widgets", "watched", "events"),
      selection: selections,
      back: fc.nat({ max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("claim") }) },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constant("release"), lease: fc.nat({ max: 3 }), failed: fc.boolean(), again: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("compact"), keep: fc.integer({ min: 3, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("records") }) },
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

let database: TestDatabase;
let real: PostgresStore;
const model = memoryStore({
  clock: { now: () => instant(1_700_000_000_000), until: () => new Promise(() => undefined) },
  derivations: contractDerivations,
});
before(async () => {
  database = await testDatabase();
  real = postgresStore({ connectionString: database.connectionString, derivations: contractDerivations });
  await real.ready();
});
after(async () => {
  await real.close();
  await database.drop();
});

let spaces = 0;

test("any sequence of requests is answered by PostgreSQL as by the memory store", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 30 }), async (sequence) => {
      const space = `space-${++spaces}`;
      const [left, right] = [remember(), remember()];
      for (const step of sequence) {
        assert.deepEqual(await answer(real, right, space, step), await answer(model, left, space, step), JSON.stringify(step));
      }
      // What waits for work is emptied, so that the next sequence starts even.
      assert.deepEqual(await drain(real, right), await drain(model, left));
    }),
    { numRuns: Number(process.env["SLIPWAY_RUNS"] ?? (process.env["SLIPWAY_TEST_FULL"] === undefined ? 60 : 2000)) },
  );
});

const remember = (): Memory => ({ versions: new Map(), leases: [], page: undefined });

/** The answer without what must differ (uids are the writer's, and the same; epochs count per store). */
async function answer(ports: Ports, memory: Memory, space: string, step: Step): Promise<unknown> {
  try {
    return await answerOrThrow(ports, memory, space, step);
  } catch (error) {
    if (error instanceof ResourceError) return { refused: error.reason, message: error.message };
    throw error;
  }
}

async function answerOrThrow(ports: Ports, memory: Memory, space: string, step: Step): Promise<unknown> {
  switch (step.step) {
    case "commit": {
      const stored = await ports.resources.commit(transactionOf(memory, space, step));
      if (!step.dryRun) stored.forEach((one, index) => noteVersion(memory, one, step.writes[index]?.verb));
      return stored.map(({ json }) => json);
    }
    case "list": {
      const query: ListQuery = {
        ...selected(space, step.resource, step.selection),
        ...(step.linkedTo === null ? {} : { linkedTo: step.linkedTo }),
        ...(step.limit === null ? {} : { limit: step.limit }),
        ...(step.back === null ? {} : { at: resourceVersion(Math.max(0, (await newest(ports)) - step.back)) }),
      };
      const page = await ports.resources.list(query);
      memory.page = page.next === undefined ? memory.page : { query, next: page.next };
      return { ...page, items: page.items.map(({ json, uid, key }) => ({ json, uid, key })) };
    }
    case "more": {
      if (memory.page === undefined) return "nothing";
      const { at: _, ...query } = memory.page.query;
      const page = await ports.resources.list({ ...query, after: memory.page.next });
      return { ...page, items: page.items.map(({ json }) => json) };
    }
    case "watch": {
      const from = resourceVersion(Math.max(0, (await newest(ports)) - step.back));
      const query = selected(space, step.resource, step.selection);
      const done = new AbortController();
      const events: string[] = [];
      const last = await newest(ports);
      if (from === last) return events;
      for await (const batch of ports.resources.watch(query, from, done.signal)) {
        events.push(...batch.events.map((event) => `${event.type} ${event.object.json}`));
        if (batch.resourceVersion >= last) break;
      }
      done.abort();
      return events;
    }
    case "claim": {
      // All that is due: which of those that became due at the same moment comes first is the store's affair.
      const leases = await ports.work.claim("me", controllers, 1000, milliseconds(3_600_000));
      memory.leases.unshift(...[...leases].sort((a, b) => compareBytes(leaseText(a), leaseText(b))));
      return leases.map((lease) => `${leaseText(lease)} ${lease.attempts}`).sort();
    }
    case "release": {
      const lease = memory.leases[step.lease];
      if (lease === undefined) return "nothing";
      await ports.work.release(lease, { failed: step.failed, ...(step.again ? { wakeAt: instant(0) } : {}) });
      return "released";
    }
    case "compact":
      return ports.upkeep.compactChanges(milliseconds(3_600_000), step.keep);
    case "records":
      return (await ports.records.query({ limit: 20, about: { namespace: space } })).map(({ at: _, ...record }) => record);
  }
}

const leaseText = (lease: Lease): string => `${lease.controller}/${keyText(lease.key)}`;

function noteVersion(memory: Memory, { key, resourceVersion: version }: StoredObject, verb: string | undefined): void {
  const name = `${key.resource}/${key.name}`;
  if (verb === "delete" || verb === "drop") memory.versions.delete(name);
  else memory.versions.set(name, version);
}

function transactionOf(memory: Memory, space: string, step: Extract<Step, { step: "commit" }>): Transaction {
  const about = keyOf(space, "widgets", "a");
  const guard = step.lease === null ? undefined : memory.leases[step.lease];
  return {
    writes: step.writes.map((write) => writeOf(memory, space, write)),
    dryRun: step.dryRun,
    ...(step.record
      ? { records: [{ type: "audit", about, actor: "law", reason: "Tried", message: "tried", details: {}, retention: "short" }] }
      : {}),
    ...(guard === undefined ? {} : { guard, ...(step.finish ? { finish: {} } : {}) }),
  };
}

function writeOf(
  memory: Memory,
  space: string,
  { verb, at, spec, labels: wanted, stale }: Extract<Step, { step: "commit" }>["writes"][number],
): Write {
  const key = keyOf(space, at.resource, at.name);
  const known = memory.versions.get(`${at.resource}/${at.name}`);
  const version = resourceVersion((known ?? 1) - (stale ? 1 : 0));
  const base = widget(key, spec, wanted);
  const object = { ...base, metadata: { ...base.metadata, uid: `uid-of-${at.name}` } };
  switch (verb) {
    case "put":
      return known === undefined ? { verb: "create", key, object } : { verb: "update", key, object, resourceVersion: version };
    case "drop":
      return known === undefined ? { verb: "create", key, object } : { verb: "delete", key, resourceVersion: version };
    case "create":
      return { verb, key, object };
    case "update":
      return { verb, key, object, resourceVersion: version };
    case "merge":
      return {
        verb,
        key,
        merge: (current) => ({ ...object, spec: { ...spec, seen: current?.metadata.resourceVersion === undefined ? 0 : 1 } }),
      };
    case "delete":
      return { verb, key, resourceVersion: version };
  }
}

function selected(space: string, resource: string, selection: Extract<Step, { step: "watch" }>["selection"]) {
  return { group: resource === "events" ? "" : "test.slipway.dev", resource, namespace: space, ...selection };
}

async function newest(ports: Ports): Promise<number> {
  return (await ports.resources.list({ group: "none", resource: "none" })).resourceVersion;
}

async function drain(ports: Ports, memory: Memory): Promise<readonly string[]> {
  const all = [...memory.leases];
  for (let rest: readonly Lease[] = all; rest.length > 0; rest = await ports.work.claim("me", controllers, 100, milliseconds(3_600_000))) {
    all.push(...rest);
    for (const lease of rest) await ports.work.release(lease, { failed: false });
  }
  return [...new Set(all.map((lease) => `${lease.controller}/${lease.key.resource}/${lease.key.name}`))].sort();
}
