import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../adapters/memory/memory-store.ts";
import { systemIds } from "../../adapters/system/system-ids.ts";
import { catalog } from "../../api/catalog.ts";
import { instant, type Instant } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { admission } from "../admitted.ts";
import type { WatchAsk } from "./watch.ts";
import { watch } from "./watch.ts";

/** Time that moves when told to. */
class ManualClock implements Clock {
  #now = instant(1_000_000);
  #waiting: { readonly at: Instant; readonly ring: () => void }[] = [];
  now(): Instant {
    return this.#now;
  }
  until(at: Instant, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (at <= this.#now) resolve();
      this.#waiting.push({ at, ring: resolve });
      signal.addEventListener("abort", () => {
        reject(new Error("cancelled"));
      });
    });
  }
  pass(length: number): void {
    this.#now = instant(this.#now + length);
    for (const { at, ring } of this.#waiting) if (at <= this.#now) ring();
  }
}

function world() {
  const clock = new ManualClock();
  const store = memoryStore({ clock, derivations: { fields: () => ({}), links: () => [], wakes: () => [] } });
  const allow = { authorize: () => Promise.resolve({ allowed: true, reason: "" }) };
  const parts = { resources: store.resources, catalog, clock, ids: systemIds };
  const verbs = { ...parts, admission: admission({ ...parts, authorizer: allow }) };
  const create = (name: string) => {
    const key = { group: "", resource: "namespaces", namespace: "", name };
    return store.resources.commit({
      writes: [{ verb: "create", key, object: { apiVersion: "v1", kind: "Namespace", metadata: { name, uid: name } } }],
    });
  };
  const asked = (more: Partial<WatchAsk> = {}): WatchAsk => ({
    query: { group: "", resource: "namespaces" },
    start: { list: undefined },
    bookmarks: true,
    marksInitialEnd: false,
    until: instant(clock.now() + 600_000),
    ...more,
  });
  return { clock, verbs, create, asked };
}

const none = new AbortController().signal;

test("a quiet watch says each minute how far it is", async () => {
  const { clock, verbs, create, asked } = world();
  await create("a");
  const portions = watch(verbs, asked(), none);
  assert.deepEqual(
    (await portions.next()).value?.map(({ type }) => type),
    ["added"],
  );
  for (const _minute of [1, 2]) {
    const next = portions.next();
    await new Promise(setImmediate);
    clock.pass(60_000);
    const { value } = await next;
    assert.deepEqual(
      value?.map(({ type }) => type),
      ["bookmark"],
    );
  }
  await portions.return(undefined);
});

test("who did not ask for bookmarks gets none, and the watch ends in time", async () => {
  const { clock, verbs, create, asked } = world();
  await create("a");
  const portions = watch(verbs, asked({ bookmarks: false }), none);
  await portions.next();
  const next = portions.next();
  for (let minute = 0; minute < 10; minute++) {
    clock.pass(60_000);
    await new Promise(setImmediate);
  }
  assert.equal((await next).done, true);
});

test("events go on while bookmarks come", async () => {
  const { clock, verbs, create, asked } = world();
  await create("a");
  const portions = watch(verbs, asked({ start: { from: "now" } }), none);
  const first = portions.next();
  await new Promise(setImmediate);
  clock.pass(60_000);
  assert.equal((await first).value?.[0]?.type, "bookmark");
  await create("b");
  const [event] = (await portions.next()).value ?? [];
  assert.deepEqual(event?.type === "added" && event.object.key.name, "b");
  await portions.return(undefined);
});

test("a watch ends at once when its client has gone", async () => {
  const { verbs, create, asked } = world();
  await create("a");
  const gone = new AbortController();
  const portions = watch(verbs, asked(), gone.signal);
  await portions.next();
  const next = portions.next();
  gone.abort();
  assert.equal((await next).done, true);
});

test("a list that must be newer than what is there is told as forgotten, so that the client begins anew", async () => {
  const { verbs, create, asked } = world();
  const [stored] = await create("a");
  const future = asked({ start: { list: (Number(stored?.resourceVersion) + 100) as NonNullable<typeof stored>["resourceVersion"] } });
  const { value } = await watch(verbs, future, none).next();
  assert.equal(value?.[0]?.type, "error");
});
