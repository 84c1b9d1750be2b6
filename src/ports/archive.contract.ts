import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { resourceVersion } from "../domain/object/api-object.ts";
import { milliseconds } from "../domain/units.ts";
import type { Archive, ArchiveEntry } from "./archive.ts";
import { PortError } from "./port-error.ts";
import { ResourceError } from "./resources.ts";
import { contractDerivations, contractSealer, create, key, leaseTime, only, remove, update, widget } from "./store.contract.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

export type ArchivedStore = StoreUnderTest & { readonly archive: Archive };
export type OpenArchivedStore = (...wiring: Parameters<OpenStore>) => Promise<ArchivedStore>;

/** Every promise of ports/archive.ts, for one adapter. */
export function archiveContract(adapter: string, open: OpenArchivedStore): void {
  describe(`Archive of ${adapter}`, () => {
    const wiring = { derivations: contractDerivations, sealer: contractSealer };
    const secretText = "the-planted-secret";
    let old: ArchivedStore;
    let entries: readonly ArchiveEntry[];
    const opened: ArchivedStore[] = [];
    const empty = async (): Promise<ArchivedStore> => {
      const store = await open(wiring);
      opened.push(store);
      return store;
    };
    before(async () => {
      old = await empty();
      await fill(old, secretText);
      entries = await collected(old.archive);
    });
    after(async () => {
      for (const store of opened) await store.close();
    });

    test("an export begins with its position and holds every object, record and key once", () => {
      assert.equal(entries[0]?.type, "position");
      const counts = Object.groupBy(entries, (entry) => entry.type);
      assert.equal(counts.position?.length, 1);
      assert.equal(counts.object?.length, 154);
      assert.equal(counts.record?.length, 2);
      assert.equal(counts.key?.length, 1);
    });

    test("what is sealed leaves sealed", () => {
      const sealed = entries.filter((entry) => entry.type === "object" && entry.sealed);
      assert.equal(sealed.length, 1);
      assert.ok(!JSON.stringify(entries).includes(secretText));
    });

    test("a restored store answers as the old one did: objects byte by byte, selections, links, records, keys", async () => {
      const fresh = await empty();
      const counts = await fresh.archive.restore(inBatches(entries));
      assert.deepEqual(counts, { objects: 153, events: 1, records: 2, keys: 1 });
      for (const kept of [
        { group: "test.slipway.dev", resource: "things" },
        { group: "test.slipway.dev", resource: "secrets" },
        { group: "", resource: "events" },
      ])
        assert.deepEqual(await texts(fresh, kept), await texts(old, kept));
      for (const more of [
        { linkedTo: "repo/a" },
        { labels: [{ operator: "exists" as const, label: "odd" }] },
        { fields: [{ field: "spec.phase", operator: "equals" as const, value: "Up" }] },
      ]) {
        const query = { group: "test.slipway.dev", resource: "things", ...more };
        const found = await texts(fresh, query);
        assert.ok(found.length > 0);
        assert.deepEqual(found, await texts(old, query));
      }
      assert.deepEqual(await fresh.records.query({ limit: 10 }), await old.records.query({ limit: 10 }));
      assert.deepEqual(await fresh.keys.read("ca"), await old.keys.read("ca"));
    });

    test("a second export of what was restored is the first one, at its own position", async () => {
      const fresh = await empty();
      await fresh.archive.restore(inBatches(entries));
      const again = await collected(fresh.archive);
      assert.deepEqual(again.slice(1), entries.slice(1));
      assert.ok(positionOf(again).resourceVersion > positionOf(entries).resourceVersion);
    });

    test("versions and positions go on above; a watch from the backup goes on, one from before is expired", async () => {
      const fresh = await empty();
      await fresh.archive.restore(inBatches(entries));
      const at = positionOf(entries).resourceVersion;
      const made = await create(fresh.resources, key("things", "space", "after"));
      assert.ok(made.resourceVersion > at + 1_000_000);
      await fresh.resources.commit({ writes: [], records: [record("later")] });
      assert.equal((await fresh.records.query({ limit: 1 }))[0]?.position, positionOf(entries).lastRecord + 1);
      assert.deepEqual(await firstEvent(fresh, at), ["added", "after"]);
      assert.deepEqual(
        await texts(fresh, { group: "test.slipway.dev", resource: "things", at }),
        await texts(old, { group: "test.slipway.dev", resource: "things", at }),
      );
      // The old store gave these to other changes after the backup.
      for (const given of [at + 1, at + 2, at + 100_000])
        await assert.rejects(
          firstEvent(fresh, resourceVersion(given)),
          (error) => error instanceof ResourceError && error.reason === "expired",
        );
      while ((await fresh.upkeep.compactChanges(milliseconds(0), 0)).more);
      await assert.rejects(firstEvent(fresh, at), (error) => error instanceof ResourceError && error.reason === "expired");
      await assert.rejects(
        firstEvent(fresh, resourceVersion(at - 1)),
        (error) => error instanceof ResourceError && error.reason === "expired",
      );
    });

    test("an update decided on the version of before goes through, and one on an older version conflicts", async () => {
      const fresh = await empty();
      await fresh.archive.restore(inBatches(entries));
      const stored = await old.resources.get(key("things", "space", "t1"));
      assert.ok(stored);
      await update(fresh.resources, stored, { phase: "Down" });
      await assert.rejects(
        update(fresh.resources, stored, { phase: "Up" }),
        (error) => error instanceof ResourceError && error.reason === "conflict",
      );
    });

    test("every object makes due what it would if it had just been added, also by link", async () => {
      const fresh = await empty();
      await fresh.archive.restore(inBatches(entries));
      const leases = await fresh.work.claim("me", ["widget", "linked"], 100, leaseTime);
      const due = leases.map(({ controller, key: { name } }) => `${controller} ${name}`).sort();
      assert.deepEqual(due, ["linked t5", "widget seen"]);
    });

    test("a store that holds anything is refused and left as it is", async () => {
      const used = await empty();
      assert.equal(await used.archive.isEmpty(), true);
      const stored = await create(used.resources, key("things", "space", "mine"));
      assert.equal(await used.archive.isEmpty(), false);
      await assert.rejects(used.archive.restore(inBatches(entries)), refusedFor("StoreNotEmpty"));
      await remove(used.resources, stored);
      assert.equal(await used.archive.isEmpty(), false); // its versions are used up
      const withKey = await empty();
      await withKey.keys.putIfAbsent("x", Uint8Array.of(1));
      await assert.rejects(withKey.archive.restore(inBatches(entries)), refusedFor("StoreNotEmpty"));
    });

    test("a restore that breaks off leaves an empty store, and the next one succeeds", async () => {
      const fresh = await empty();
      const broken = async function* () {
        yield* inBatches(entries.slice(0, 120));
        throw new PortError("refused", "the file ends here", { reason: "Truncated" });
      };
      await assert.rejects(fresh.archive.restore(broken()), refusedFor("Truncated"));
      assert.equal(await fresh.archive.isEmpty(), true);
      assert.deepEqual(await texts(fresh, { group: "test.slipway.dev", resource: "things" }), []);
      await fresh.archive.restore(inBatches(entries));
    });

    const whole = widget(key("things", "space", "t1"));
    const object = {
      type: "object" as const,
      key: key("things", "space", "t1"),
      uid: whole.metadata.uid ?? "",
      resourceVersion: resourceVersion(3),
      text: JSON.stringify(whole),
      sealed: false,
    };
    const position = { type: "position" as const, resourceVersion: resourceVersion(5), lastRecord: 0 };
    const bad: Readonly<Record<string, readonly ArchiveEntry[]>> = {
      "no position": [object],
      nothing: [],
      "a version above the backup's": [position, { ...object, resourceVersion: resourceVersion(6) }],
      "another uid than it is listed with": [position, { ...object, uid: "other" }],
      "a name that is not its key's": [position, { ...object, key: key("things", "space", "t2") }],
      "text that is no JSON": [position, { ...object, text: "{" }],
      "text that is no object": [position, { ...object, text: "[]" }],
      "a sealed text of another key": [position, { ...object, sealed: true, text: "sealed:other:e30=" }],
      "a key that no store holds": [position, { ...object, key: { ...object.key, name: "a/b" } }],
    };
    for (const [what, entries_] of Object.entries(bad))
      test(`an archive with ${what} is refused whole`, async () => {
        const fresh = await empty();
        await assert.rejects(fresh.archive.restore(inBatches(entries_)), refusedFor("BadBackup"));
        assert.equal(await fresh.archive.isEmpty(), true);
      });

    test("an export shows one moment, however many writes come while it is read", async () => {
      const busy = await empty();
      for (let index = 0; index < 40; index++) await create(busy.resources, key("things", "space", `b${index}`), { n: 0 });
      const seen: ArchiveEntry[] = [];
      let round = 0;
      for await (const batch of busy.archive.export()) {
        seen.push(...batch);
        round++;
        const stored = await busy.resources.get(key("things", "space", `b${39 - (round % 40)}`));
        if (stored !== undefined) await update(busy.resources, stored, { n: round });
        await create(busy.resources, key("things", "space", `new${round}`));
      }
      const at = positionOf(seen).resourceVersion;
      const objects = seen.filter((entry) => entry.type === "object");
      assert.equal(objects.length, 40);
      assert.ok(objects.every((entry) => entry.resourceVersion <= at && JSON.parse(entry.text).spec.n === 0));
    });
  });
}

async function fill(store: ArchivedStore, secretText: string): Promise<void> {
  const { resources } = store;
  for (let index = 0; index < 150; index++) {
    const links = index % 50 === 0 ? ["repo/a"] : index === 5 ? ["told"] : [];
    await create(
      resources,
      key("things", index % 3 === 0 ? "" : "space", `t${index}`),
      { phase: index % 2 === 0 ? "Up" : "", links },
      index % 2 === 0 ? {} : { odd: "yes" },
    );
  }
  const hostile = key("things", "space", "hostile");
  await create(resources, hostile, {
    text: '\u0000 \ud83d\ude00 \u2028 "\\ {',
    numbers: [0.1, 1e21, -0, 1],
    "10": 1,
    "9": 2,
    __proto__: { x: 1 },
  });
  const changed = await create(resources, key("watched", "space", "seen"), { tells: "nobody" });
  await update(resources, changed, { tells: "nobody", again: true });
  await remove(resources, await create(resources, key("things", "space", "gone")));
  const secret = key("secrets", "space", "token");
  await create(resources, secret, { text: secretText });
  const event = { group: "", resource: "events", namespace: "space", name: "e1" };
  await resources.commit({ writes: [{ verb: "create", key: event, object: { ...widget(event), involvedObject: { name: "t1" } } }] });
  const teller = await resources.get(key("things", "space", "t1"));
  assert.ok(teller);
  await update(resources, teller, { phase: "", links: [], tells: "told" });
  await resources.commit({ writes: [], records: [record("one"), { ...record("two"), type: "timeline", uid: "u-2" }] });
  await store.keys.putIfAbsent("ca", Uint8Array.of(0, 1, 254, 255));
  await store.passes(milliseconds(2));
}

const record = (name: string) => ({
  type: "audit" as const,
  about: key("things", "space", name),
  actor: "jane",
  reason: "Changed",
  message: `jane changed ${name}`,
  details: { zebra: "\u0000", apple: [1, null] },
  retention: "long" as const,
});

async function collected(archive: Archive): Promise<readonly ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for await (const batch of archive.export()) entries.push(...batch);
  const text = (entry: ArchiveEntry) =>
    entry.type === "object" ? `${entry.key.group}/${entry.key.resource}/${entry.key.namespace}/${entry.key.name}` : "";
  // Which object comes first is no promise.
  return entries.toSorted((a, b) => (a.type === "object" && b.type === "object" ? (text(a) < text(b) ? -1 : 1) : 0));
}

async function* inBatches(entries: readonly ArchiveEntry[]): AsyncGenerator<readonly ArchiveEntry[]> {
  await Promise.resolve();
  for (let at = 0; at < entries.length; at += 37) yield entries.slice(at, at + 37);
}

function positionOf(entries: readonly ArchiveEntry[]): Extract<ArchiveEntry, { type: "position" }> {
  return only(entries.filter((entry) => entry.type === "position"));
}

async function texts(store: ArchivedStore, query: Parameters<ArchivedStore["resources"]["list"]>[0]): Promise<readonly string[]> {
  return (await store.resources.list(query)).items.map(({ json }) => json);
}

async function firstEvent(store: ArchivedStore, from: ReturnType<typeof resourceVersion>): Promise<readonly [string, string]> {
  const stop = new AbortController();
  const query = { group: "test.slipway.dev", resource: "things" };
  for await (const { events } of store.resources.watch(query, from, stop.signal)) {
    const [event] = events;
    if (event !== undefined) return [event.type, event.object.key.name];
  }
  throw new Error("the watch ended");
}

const refusedFor = (reason: string) => (error: unknown) => {
  assert.ok(error instanceof PortError, String(error));
  assert.equal(error.outcome, "refused");
  assert.equal(error.reason, reason, error.message);
  return true;
};
