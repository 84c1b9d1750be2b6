import { test } from "node:test";
import assert from "node:assert/strict";
import { memoryStore } from "../../adapters/memory/memory-store.ts";
import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Resources, Write } from "../../ports/resources.ts";
import { ResourceError } from "../../ports/resources.ts";
import { handClock, role, type HandClock } from "../../../test/fixtures/access/world.ts";
import { mirror, telling, type Mirror } from "./mirror.ts";

const ROLES = { group: "rbac.authorization.k8s.io", resource: "clusterroles" };
const key = (name: string): ObjectKey => ({ ...ROLES, namespace: "", name });

interface Setting {
  readonly clock: HandClock;
  readonly store: Resources;
  readonly faults: Faults;
  begin(): Mirror;
  create(name: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** What the store does instead of answering. */
interface Faults {
  list?: () => Promise<never>;
  /** Thrown once, by the watch under way. */
  breakWatch?: (error: Error) => void;
}

/** The name of the test, and what it does; the watches end with it. */
function promise(name: string, run: (setting: Setting) => Promise<void>): void {
  test(name, async () => {
    const clock = handClock();
    const derivations = { fields: () => ({}), links: () => [], wakes: () => [] };
    const store = memoryStore({ clock, derivations }).resources;
    const faults: Faults = {};
    const ended = new AbortController();
    const faulty: Resources = {
      ...store,
      list: (query) => faults.list?.() ?? store.list(query),
      watch: (query, from, signal) => breakable(store, faults, query, from, signal),
    };
    const write = async (each: Write): Promise<void> => {
      await store.commit({ writes: [each] });
    };
    try {
      await run({
        ...{ clock, store: faulty, faults },
        begin: () => mirror(faulty, [ROLES], clock, ended.signal),
        create: (each) => write({ verb: "create", key: key(each), object: withUid(role("", each, [])) }),
        async remove(each) {
          const stored = await store.get(key(each));
          assert.ok(stored !== undefined);
          await write({ verb: "delete", key: key(each), resourceVersion: stored.resourceVersion });
        },
      });
    } finally {
      ended.abort();
    }
  });
}

const withUid = (object: ApiObject): ApiObject => ({
  ...object,
  metadata: { ...object.metadata, uid: `uid-${object.metadata.name ?? ""}` },
});

async function* breakable(
  store: Resources,
  faults: Faults,
  ...[query, from, signal]: Parameters<Resources["watch"]>
): ReturnType<Resources["watch"]> {
  const broken = new AbortController();
  let cause: Error | undefined;
  faults.breakWatch = (error) => {
    cause = error;
    broken.abort();
  };
  yield* store.watch(query, from, AbortSignal.any([signal, broken.signal]));
  if (cause !== undefined) throw cause;
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !holds(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(holds(), "it did not come true");
}

const names = (copy: Mirror): readonly string[] =>
  copy
    .all(ROLES)
    .map((stored) => stored.key.name)
    .sort();

promise("a mirror has what was there and what comes", async ({ begin, create, remove }) => {
  await create("a");
  const copy = begin();
  await copy.ready();
  assert.deepEqual(names(copy), ["a"]);
  await create("b");
  await remove("a");
  await until(() => names(copy).join() === "b");
  assert.equal(copy.get(key("b"))?.key.name, "b");
});

promise(
  "a mirror waits for its first list, and says that the store cannot be read after five seconds",
  async ({ begin, clock, faults, create }) => {
    await create("a");
    faults.list = () => Promise.reject(new PortError("notDone", "the store is away"));
    const copy = begin();
    const ready = copy.ready();
    await turn();
    clock.advance(5000);
    await assert.rejects(
      ready,
      (error) => error instanceof PortError && error.outcome === "notDone" && error.message.includes("clusterroles"),
    );
    delete faults.list;
    const again = copy.ready();
    await turn();
    clock.advance(4000);
    await again;
    assert.deepEqual(names(copy), ["a"]);
  },
);

promise("a watch that has fallen behind the horizon is replaced by a list", async ({ begin, create, remove, faults }) => {
  await create("a");
  const copy = begin();
  await copy.ready();
  await until(() => faults.breakWatch !== undefined);
  await remove("a");
  await create("b");
  faults.breakWatch?.(new ResourceError("expired", "too old"));
  await until(() => names(copy).join() === "b");
  await create("c");
  await until(() => names(copy).join() === "b,c");
});

promise(
  "while the store is away a mirror answers with what it knows, and follows again when it is back",
  async ({ begin, create, faults, clock }) => {
    await create("a");
    const copy = begin();
    await copy.ready();
    await until(() => faults.breakWatch !== undefined);
    faults.breakWatch?.(new PortError("notDone", "the connection is gone"));
    await turn();
    await create("b");
    assert.deepEqual(names(copy), ["a"]);
    await copy.ready();
    clock.advance(5000);
    await until(() => names(copy).join() === "a,b");
  },
);

promise("what is written through is seen by the next question", async ({ begin, store }) => {
  const copy = begin();
  await copy.ready();
  const through = telling(store, [copy]);
  for (let round = 0; round < 50; round += 1) {
    await through.commit({ writes: [{ verb: "create", key: key(`r${round}`), object: withUid(role("", `r${round}`, [])) }] });
    await copy.ready();
    assert.ok(copy.get(key(`r${round}`)) !== undefined);
  }
});

promise("a write that the watch does not bring delays questions by a second, no more", async ({ begin, store, faults, clock }) => {
  const copy = begin();
  await copy.ready();
  await until(() => faults.breakWatch !== undefined);
  faults.breakWatch?.(new PortError("notDone", "the connection is gone"));
  faults.list = () => Promise.reject(new PortError("notDone", "the store is away"));
  await turn();
  const [stored] = await telling(store, []).commit({
    writes: [{ verb: "create", key: key("late"), object: withUid(role("", "late", [])) }],
  });
  assert.ok(stored !== undefined);
  copy.noted(stored.key, stored.resourceVersion);
  let answered = false;
  const ready = copy.ready().then(() => (answered = true));
  clock.advance(90);
  await turn();
  assert.equal(answered, false);
  clock.advance(1000);
  await ready;
});

promise("a dry run is not waited for", async ({ begin, store }) => {
  const copy = begin();
  await copy.ready();
  const before = copy.generation;
  await telling(store, [copy]).commit({
    dryRun: true,
    writes: [{ verb: "create", key: key("never"), object: withUid(role("", "never", [])) }],
  });
  await copy.ready();
  assert.equal(copy.generation, before);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
