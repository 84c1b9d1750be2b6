import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import { milliseconds } from "../domain/units.ts";
import { contractDerivations, widget } from "./store.contract.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** What ports/upkeep.ts promises of Events. Compaction is in resources.contract.ts, records in records.contract.ts. */
export function upkeepContract(adapter: string, open: OpenStore): void {
  describe(`Upkeep of ${adapter}`, () => {
    const eventKey = (name: string): ObjectKey => ({ group: "", resource: "events", namespace: "space", name });
    const see = async (store: StoreUnderTest, name: string) => {
      const object = widget(eventKey(name), { count: 1 });
      const count = (of: ApiObject): number => Number(Object(of.spec)["count"]);
      const merge = (current: ApiObject | undefined): ApiObject =>
        current === undefined ? object : { ...current, spec: { count: count(current) + 1 } };
      await store.resources.commit({ writes: [{ verb: "merge", key: eventKey(name), merge }] });
    };
    const events = { group: "", resource: "events" };
    const within = async (use: (store: StoreUnderTest) => Promise<void>) => {
      const store = await open({ derivations: contractDerivations });
      try {
        await use(store);
      } finally {
        await store.close();
      }
    };

    test("Events that were not seen for long go, and watchers see them go; what was seen again stays", () =>
      within(async (store) => {
        await see(store, "old");
        await see(store, "again");
        const { resourceVersion: from } = await store.resources.list(events);
        await store.passes(450);
        await see(store, "again");
        assert.deepEqual(await store.upkeep.expireEvents(milliseconds(400)), { removed: 1, more: false });
        assert.deepEqual(
          (await store.resources.list(events)).items.map((item) => [item.key.name, item.object.spec]),
          [["again", { count: 2 }]],
        );
        const done = new AbortController();
        const seen: string[] = [];
        for await (const batch of store.resources.watch(events, from, done.signal)) {
          seen.push(...batch.events.map((event) => `${event.type} ${event.object.key.name}`));
          if (seen.length >= 2) break;
        }
        done.abort();
        assert.deepEqual(seen, ["modified again", "deleted old"]);
      }));

    test("Events page, select and expire by version like any object", () =>
      within(async (store) => {
        for (const name of ["a", "b", "c"]) await see(store, name);
        const first = await store.resources.list({ ...events, limit: 2 });
        await see(store, "c");
        assert.ok(first.next);
        const rest = await store.resources.list({ ...events, limit: 2, after: first.next });
        assert.deepEqual(
          rest.items.map((item) => item.object.spec),
          [{ count: 1 }],
        );
      }));

    test("upkeep at several control planes at once removes everything once", () =>
      within(async (store) => {
        for (const name of ["a", "b", "c", "d"]) await see(store, name);
        await store.passes(20);
        const events_ = await Promise.all([1, 2, 3].map(() => store.upkeep.expireEvents(milliseconds(10))));
        assert.equal(
          events_.reduce((sum, { removed }) => sum + removed, 0),
          4,
        );
        await store.passes(20);
        const changes = await Promise.all([1, 2, 3].map(() => store.upkeep.compactChanges(milliseconds(10), 1000)));
        assert.equal(
          changes.reduce((sum, { removed }) => sum + removed, 0),
          8,
        );
      }));
  });
}
