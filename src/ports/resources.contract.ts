import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { resourceVersion } from "../domain/object/api-object.ts";
import type { ResourceVersion } from "../domain/object/api-object.ts";
import { milliseconds } from "../domain/units.ts";
import { MAX_OBJECT_BYTES, ResourceError } from "./resources.ts";
import type {
  ListQuery,
  ResourceErrorReason,
  Resources,
  Selection,
  StoredObject,
  WatchBatch,
  WatchEvent,
  WatchQuery,
} from "./resources.ts";
import { contractDerivations, contractSealer, create, key, leaseTime, only, remove, update, widget } from "./store.contract.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Every promise of ports/resources.ts, for one adapter. */
export function resourcesContract(adapter: string, open: OpenStore): void {
  describe(`Resources of ${adapter}`, () => {
    let store: StoreUnderTest;
    let resources: Resources;
    before(async () => {
      store = await open({ derivations: contractDerivations, sealer: contractSealer });
      resources = store.resources;
    });
    after(() => store.close());
    const suite = { resources: () => resources, store: () => store, open };
    writes(suite);
    transactions(suite);
    lists(suite);
    pages(suite);
    watches(suite);
    compaction(suite);
  });
}

interface Suite {
  readonly resources: () => Resources;
  readonly store: () => StoreUnderTest;
  readonly open: OpenStore;
}

let spaces = 0;
/** A namespace that no other test uses. */
const space = (): string => `space-${++spaces}`;

const refuses = (reason: ResourceErrorReason, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ResourceError, String(error));
  assert.equal(error.reason, reason, error.message);
  if (message !== undefined) assert.match(error.message, message);
  return true;
};

const inSpace = (namespace: string, more: Partial<ListQuery> = {}): ListQuery => ({
  group: "test.slipway.dev",
  resource: "widgets",
  namespace,
  ...more,
});

const namesOf = (items: readonly StoredObject[]): readonly string[] => items.map((item) => item.key.name);

function writes({ resources }: Suite): void {
  test("what was created can be read, with the version in its text", async () => {
    const at = key("widgets", space(), "one");
    const stored = await create(resources(), at, { size: 1 });
    const read = await resources().get(at);
    assert.equal(read?.json, stored.json);
    assert.equal(read.object.metadata.resourceVersion, String(stored.resourceVersion));
    assert.deepEqual(read.object, JSON.parse(stored.json));
    assert.equal(read.uid, stored.object.metadata.uid);
    assert.deepEqual(read.key, at);
  });

  test("an object comes back with every character and in the order it was written", async () => {
    const at = key("widgets", space(), "hostile");
    const spec = {
      zebra: "\u0000 \ud800 \u2028 😀 \\u0000",
      apple: { "": null, "10": 1, a: [1e300, -0.5, [], {}] },
      phase: "a\u0000b\udfff",
    };
    const stored = await create(resources(), at, spec, { odd: "x\u0000" });
    assert.equal((await resources().get(at))?.json, stored.json);
    assert.match(stored.json, /zebra.*apple.*phase/s);
    const found = await resources().list({
      ...inSpace(at.namespace),
      fields: [{ field: "spec.phase", operator: "equals", value: "a\u0000b\udfff" }],
      labels: [{ operator: "in", label: "odd", values: ["x\u0000"] }],
    });
    assert.deepEqual(namesOf(found.items), ["hostile"]);
  });

  test("what is not there is undefined, also under a name that cannot be stored", async () => {
    for (const name of ["nobody", "a/b", "a\u0000b", "\ud800", ""])
      assert.equal(await resources().get(key("widgets", "nowhere", name)), undefined);
  });

  test("a name that is taken is alreadyExists", async () => {
    const at = key("widgets", space(), "one");
    await create(resources(), at);
    await assert.rejects(create(resources(), at), refuses("alreadyExists", /widgets\.test\.slipway\.dev ".*\/one" already exists/));
  });

  test("a write on a version that is not the stored one is a conflict that names both", async () => {
    const first = await create(resources(), key("widgets", space(), "one"), { size: 1 });
    const second = await update(resources(), first, { size: 2 });
    assert.ok(second.resourceVersion > first.resourceVersion);
    await assert.rejects(
      update(resources(), first, { size: 3 }),
      refuses("conflict", new RegExp(`${second.resourceVersion}.*${first.resourceVersion}`)),
    );
    await assert.rejects(remove(resources(), first), refuses("conflict"));
    assert.equal((await resources().get(first.key))?.json, second.json);
  });

  test("a deletion returns the last state at the version of the deletion; after it the object is gone", async () => {
    const stored = await create(resources(), key("widgets", space(), "one"), { size: 1 });
    const last = await remove(resources(), stored);
    assert.ok(last.resourceVersion > stored.resourceVersion);
    assert.deepEqual(last.object.spec, { size: 1 });
    assert.equal(last.object.metadata.resourceVersion, String(last.resourceVersion));
    assert.equal(await resources().get(stored.key), undefined);
    await assert.rejects(remove(resources(), stored), refuses("notFound"));
    await assert.rejects(update(resources(), stored, {}), refuses("notFound"));
  });

  test("an update that changes nothing writes nothing", async () => {
    const stored = await create(resources(), key("widgets", space(), "one"), { size: 1 });
    assert.equal((await update(resources(), stored, { size: 1 })).resourceVersion, stored.resourceVersion);
  });

  test("an update of an object that was made again under its name is a conflict", async () => {
    const first = await create(resources(), key("widgets", space(), "one"));
    await remove(resources(), first);
    const second = await create(resources(), first.key);
    const object = { ...second.object, metadata: { ...second.object.metadata, uid: first.uid } };
    await assert.rejects(
      resources().commit({ writes: [{ verb: "update", key: first.key, object, resourceVersion: second.resourceVersion }] }),
      refuses("conflict", /uid/),
    );
  });

  test("merges that race all count", async () => {
    const at = key("widgets", space(), "counter");
    const object = widget(at, { count: 1 });
    const count = (of: unknown): number => Number(Object(of)["count"]);
    const raise = {
      verb: "merge",
      key: at,
      merge: (current: typeof object | undefined) =>
        current === undefined ? object : { ...current, spec: { count: count(current.spec) + 1 } },
    } as const;
    await Promise.all(Array.from({ length: 20 }, () => resources().commit({ writes: [raise] })));
    assert.deepEqual((await resources().get(at))?.object.spec, { count: 20 });
  });

  test("an object over the limit is tooLarge, with its size and the limit", async () => {
    const at = key("widgets", space(), "big");
    await assert.rejects(
      create(resources(), at, { text: "ä".repeat(MAX_OBJECT_BYTES / 2) }),
      refuses("tooLarge", new RegExp(`262\\d\\d\\d.*${MAX_OBJECT_BYTES}`)),
    );
    await create(resources(), at, { text: "x".repeat(MAX_OBJECT_BYTES - 400) });
  });

  for (const [name, bad] of Object.entries({
    "a name with a slash": key("widgets", "x", "a/b"),
    "a name with NUL": key("widgets", "x", "a\u0000"),
    "half a character": key("widgets", "x", "\udc00"),
    "no name": key("widgets", "x", ""),
  })) {
    test(`a key with ${name} is invalid`, () => assert.rejects(create(resources(), bad), refuses("invalid")));
  }

  test("an object that is not the one of its key, or has no uid, is invalid", async () => {
    const at = key("widgets", space(), "one");
    const other = widget({ ...at, name: "other" });
    const nameless = { ...widget(at), metadata: { name: at.name, namespace: at.namespace } };
    const nested: unknown[] = [];
    let inner = nested;
    for (let depth = 0; depth < 100_000; depth++) inner.push((inner = []));
    for (const object of [other, widget({ ...at, namespace: "elsewhere" }), nameless, { ...widget(at), spec: nested as never[] }]) {
      await assert.rejects(resources().commit({ writes: [{ verb: "create", key: at, object }] }), refuses("invalid"));
    }
  });

  test("a sealed resource reads, lists, watches and pages like any other", async () => {
    const namespace = space();
    const stored = await create(resources(), key("secrets", namespace, "one"), { word: "open sesame" }, { app: "shop" });
    const second = await update(resources(), stored, { word: "abracadabra" });
    const selection = { group: "test.slipway.dev", resource: "secrets", namespace };
    assert.equal((await resources().get(stored.key))?.json, second.json);
    assert.equal(only((await resources().list({ ...selection, labels: [{ operator: "exists", label: "app" }] })).items).json, second.json);
    assert.equal(only((await resources().list({ ...selection, at: stored.resourceVersion })).items).json, stored.json);
    const events = await take(resources(), selection, resourceVersion(stored.resourceVersion - 1), 2);
    assert.deepEqual(
      events.map((event) => event.object.json),
      [stored.json, second.json],
    );
  });
}

function transactions({ resources, store }: Suite): void {
  test("all writes of a transaction happen or none", async () => {
    const namespace = space();
    const first = await create(resources(), key("widgets", namespace, "first"));
    const fresh = key("widgets", namespace, "fresh");
    const { length } = await store().records.query({ limit: 1000 });
    const attempt = resources().commit({
      writes: [
        { verb: "create", key: fresh, object: widget(fresh) },
        { verb: "delete", key: first.key, resourceVersion: resourceVersion(first.resourceVersion - 1) },
      ],
      records: [{ type: "audit", about: fresh, actor: "jane", reason: "Tried", message: "tried", details: {}, retention: "short" }],
    });
    await assert.rejects(attempt, refuses("conflict"));
    assert.deepEqual(namesOf((await resources().list(inSpace(namespace))).items), ["first"]);
    assert.equal((await store().records.query({ limit: 1000 })).length, length);
  });

  test("one transaction that fails leaves those that were sent with it alone", async () => {
    const namespace = space();
    const taken = key("widgets", namespace, "taken");
    await create(resources(), taken);
    const results = await Promise.allSettled(
      ["a", "taken", "b", "taken", "c"].map((name) => create(resources(), key("widgets", namespace, name))),
    );
    assert.deepEqual(
      results.map((result) => result.status),
      ["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(namesOf((await resources().list(inSpace(namespace))).items), ["a", "b", "c", "taken"]);
  });

  test("of many that write on the same version one wins", async () => {
    const stored = await create(resources(), key("widgets", space(), "one"), { winner: -1 });
    const results = await Promise.allSettled(Array.from({ length: 16 }, (_, winner) => update(resources(), stored, { winner })));
    const won = results.filter((result) => result.status === "fulfilled");
    for (const lost of results.filter((result) => result.status === "rejected")) refuses("conflict")(lost.reason);
    assert.equal(only(won).value.json, (await resources().get(stored.key))?.json);
  });

  test("a merge that throws fails its own transaction with that error", async () => {
    const at = key("widgets", space(), "one");
    const thrown = new Error("no merge today");
    const fine = create(resources(), { ...at, name: "fine" });
    const merge = () => {
      throw thrown;
    };
    await assert.rejects(resources().commit({ writes: [{ verb: "merge", key: at, merge }] }), thrown);
    await fine;
  });

  test("one key written twice is invalid", async () => {
    const at = key("widgets", space(), "one");
    const write = { verb: "create", key: at, object: widget(at) } as const;
    await assert.rejects(resources().commit({ writes: [write, write] }), refuses("invalid", /twice/));
  });

  test("versions grow in the order of writes, without gaps within a transaction", async () => {
    const namespace = space();
    const stored = await resources().commit({
      writes: ["c", "a", "b"].map((name) => ({
        verb: "create",
        key: key("widgets", namespace, name),
        object: widget(key("widgets", namespace, name)),
      })),
    });
    const [first] = stored;
    assert.deepEqual(namesOf(stored), ["c", "a", "b"]);
    assert.deepEqual(
      stored.map((object) => object.resourceVersion),
      [0, 1, 2].map((step) => (first?.resourceVersion ?? 0) + step),
    );
  });

  test("a dry run checks everything and changes nothing", async () => {
    const namespace = space();
    const stored = await create(resources(), key("widgets", namespace, "one"), { size: 1 });
    const { resourceVersion: version } = await resources().list(inSpace(namespace));
    const fresh = key("watched", namespace, "fresh");
    const results = await resources().commit({
      dryRun: true,
      writes: [
        { verb: "create", key: fresh, object: widget(fresh, { size: 7 }) },
        { verb: "update", key: stored.key, object: { ...stored.object, spec: { size: 2 } }, resourceVersion: stored.resourceVersion },
      ],
      records: [{ type: "audit", about: fresh, actor: "dry", reason: "Dry", message: "dry", details: {}, retention: "short" }],
      wakes: [{ controller: "dry", key: fresh }],
    });
    assert.deepEqual(
      results.map((result) => result.object.spec),
      [{ size: 7 }, { size: 2 }],
    );
    assert.equal(results[1]?.resourceVersion, stored.resourceVersion);
    await assert.rejects(
      resources().commit({ dryRun: true, writes: [{ verb: "create", key: stored.key, object: stored.object }] }),
      refuses("alreadyExists"),
    );
    assert.equal((await resources().get(stored.key))?.json, stored.json);
    assert.equal(await resources().get(fresh), undefined);
    assert.equal((await resources().list(inSpace(namespace))).resourceVersion, version);
    assert.deepEqual(await store().records.query({ actor: "dry", limit: 10 }), []);
    assert.deepEqual(await store().work.claim("me", ["dry", "widget"], 10, leaseTime), []);
  });

  test("a snapshot goes on showing its moment while others write", async () => {
    const stored = await create(resources(), key("widgets", space(), "one"), { size: 1 });
    await resources().snapshot(async (reader) => {
      const version = (await reader.list(inSpace(stored.key.namespace))).resourceVersion;
      const second = await update(resources(), stored, { size: 2 });
      await create(resources(), { ...stored.key, name: "two" });
      assert.equal((await reader.get(stored.key))?.json, stored.json);
      const list = await reader.list(inSpace(stored.key.namespace));
      assert.deepEqual(
        list.items.map((item) => item.json),
        [stored.json],
      );
      assert.equal(list.resourceVersion, version);
      assert.equal((await resources().get(stored.key))?.json, second.json);
    });
  });

  test("what a snapshot's reader throws comes out, and the next one works", async () => {
    const thrown = new Error("reader gave up");
    await assert.rejects(
      resources().snapshot(() => Promise.reject(thrown)),
      thrown,
    );
    assert.equal(await resources().snapshot(() => Promise.resolve(7)), 7);
  });
}

function lists({ resources }: Suite): void {
  test("a list is ordered by namespace, then name, by bytes", async () => {
    const resource = `ordered-${space()}`;
    const places = [
      ["b", "a"],
      ["a", "B"],
      ["a", "a-1"],
      ["a", "a.1"],
      ["a", "\u{10000}"],
      ["a", "\uffee"],
      ["a-b", "x"],
      ["a", "ä"],
      ["", "x"],
    ] as const;
    for (const [namespace, name] of places) await create(resources(), key(resource, namespace, name));
    const { items } = await resources().list({ group: "test.slipway.dev", resource });
    const expected = [...places].sort(
      (a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])) || Buffer.compare(Buffer.from(a[1]), Buffer.from(b[1])),
    );
    assert.deepEqual(
      items.map((item) => [item.key.namespace, item.key.name]),
      expected,
    );
    assert.deepEqual(await pagedNames(resources(), { group: "test.slipway.dev", resource }, 2), namesOf(items));
  });

  const labelled = {
    a: { app: "shop", tier: "1" },
    b: { app: "shop", tier: "20" },
    c: { app: "blog" },
    d: {},
    e: { tier: "x", "slipway.dev/odd'\"": "y" },
  } as const;
  const cases: readonly (readonly [string, Omit<Selection, "group" | "resource">, readonly string[]])[] = [
    ["app=shop", { labels: [{ operator: "in", label: "app", values: ["shop"] }] }, ["a", "b"]],
    ["app in (blog,shop)", { labels: [{ operator: "in", label: "app", values: ["blog", "shop"] }] }, ["a", "b", "c"]],
    ["app in ()", { labels: [{ operator: "in", label: "app", values: [] }] }, []],
    ["app!=shop", { labels: [{ operator: "notIn", label: "app", values: ["shop"] }] }, ["c", "d", "e"]],
    ["app", { labels: [{ operator: "exists", label: "app" }] }, ["a", "b", "c"]],
    ["!app", { labels: [{ operator: "notExists", label: "app" }] }, ["d", "e"]],
    ["tier>3", { labels: [{ operator: "greaterThan", label: "tier", than: 3 }] }, ["b"]],
    ["tier<3", { labels: [{ operator: "lessThan", label: "tier", than: 3 }] }, ["a"]],
    [
      "app=shop,tier=1",
      {
        labels: [
          { operator: "in", label: "app", values: ["shop"] },
          { operator: "in", label: "tier", values: ["1"] },
        ],
      },
      ["a"],
    ],
    ["a label with quotes", { labels: [{ operator: "exists", label: "slipway.dev/odd'\"" }] }, ["e"]],
    ["metadata.name=c", { fields: [{ field: "metadata.name", operator: "equals", value: "c" }] }, ["c"]],
    ["metadata.name!=c", { fields: [{ field: "metadata.name", operator: "notEquals", value: "c" }] }, ["a", "b", "d", "e"]],
    ["spec.phase=up", { fields: [{ field: "spec.phase", operator: "equals", value: "up" }] }, ["a"]],
    ["spec.phase!=up", { fields: [{ field: "spec.phase", operator: "notEquals", value: "up" }] }, ["b", "c", "d", "e"]],
    ["an absent field is empty", { fields: [{ field: "spec.nothing", operator: "equals", value: "" }] }, ["a", "b", "c", "d", "e"]],
  ];
  for (const [name, selection, expected] of cases) {
    test(`a list selects by ${name}, now and at an earlier version`, async () => {
      const namespace = space();
      for (const [object, labels] of Object.entries(labelled))
        await create(resources(), key("widgets", namespace, object), object === "a" ? { phase: "up" } : {}, labels);
      const full = await resources().list({ ...inSpace(namespace), ...selection });
      assert.deepEqual(namesOf(full.items), expected);
      assert.deepEqual(await pagedNames(resources(), { ...inSpace(namespace), ...selection }, 1), expected);
      for (const item of (await resources().list(inSpace(namespace))).items)
        await update(resources(), item, { phase: "down" }, { app: "other", tier: "5" });
      assert.deepEqual(
        namesOf((await resources().list({ ...inSpace(namespace), ...selection, at: full.resourceVersion })).items),
        expected,
      );
    });
  }

  test("a list without a namespace spans all; one with a namespace stays in it", async () => {
    const resource = `spanning-${space()}`;
    for (const namespace of ["one", "two", ""]) await create(resources(), key(resource, namespace, "x"));
    assert.deepEqual(
      (await resources().list({ group: "test.slipway.dev", resource })).items.map((item) => item.key.namespace),
      ["", "one", "two"],
    );
    assert.equal((await resources().list({ group: "test.slipway.dev", resource, namespace: "two" })).items.length, 1);
    assert.equal((await resources().list({ group: "other.slipway.dev", resource })).items.length, 0);
  });

  test("linkedTo finds the objects that carry the link, now and then", async () => {
    const namespace = space();
    const a = await create(resources(), key("widgets", namespace, "a"), { links: ["git/x", "git/x", "owner/1"] });
    await create(resources(), key("widgets", namespace, "b"), { links: ["owner/1"] });
    const { resourceVersion: then } = await resources().list(inSpace(namespace));
    await update(resources(), a, { links: ["git/y"] });
    const names = async (more: Partial<ListQuery>) => namesOf((await resources().list(inSpace(namespace, more))).items);
    assert.deepEqual(await names({ linkedTo: "owner/1" }), ["b"]);
    assert.deepEqual(await names({ linkedTo: "git/y" }), ["a"]);
    assert.deepEqual(await names({ linkedTo: "owner/1", at: then }), ["a", "b"]);
    assert.deepEqual(await names({ linkedTo: "git/x", at: then }), ["a"]);
  });
}

function pages({ resources }: Suite): void {
  test("the pages of a list show the moment of its first page whatever happens meanwhile", async () => {
    const namespace = space();
    const places = Array.from({ length: 12 }, (_, index) => key("widgets", namespace, `w${String(index).padStart(2, "0")}`));
    const objects = await Promise.all(places.map((at) => create(resources(), at, { round: 0 })));
    const expected = (await resources().list(inSpace(namespace))).items.map((item) => item.json);
    const first = await resources().list(inSpace(namespace, { limit: 5 }));
    const [, , , deleted, , , again, changed, changedTwice] = objects;
    assert.ok(deleted && again && changed && changedTwice);
    await remove(resources(), deleted);
    await remove(resources(), again);
    await create(resources(), again.key, { round: 1 });
    await update(resources(), await update(resources(), changedTwice, { round: 1 }), { round: 2 });
    await update(resources(), changed, { round: 1 });
    await create(resources(), key("widgets", namespace, "w05-new"));
    const seen = [...first.items];
    for (let page = first; page.next !== undefined; seen.push(...page.items)) {
      page = await resources().list(inSpace(namespace, { limit: 3, after: page.next }));
      assert.equal(page.resourceVersion, first.resourceVersion);
    }
    assert.deepEqual(
      seen.map((item) => item.json),
      expected,
    );
  });

  test("a page that holds the rest has no next", async () => {
    const namespace = space();
    for (const name of ["a", "b"]) await create(resources(), key("widgets", namespace, name));
    assert.equal((await resources().list(inSpace(namespace, { limit: 2 }))).next, undefined);
    assert.notEqual((await resources().list(inSpace(namespace, { limit: 1 }))).next, undefined);
  });

  test("a list at a version shows exactly that version", async () => {
    const namespace = space();
    const states: { readonly at: ResourceVersion; readonly json: readonly string[] }[] = [];
    const note = async () => {
      const page = await resources().list(inSpace(namespace));
      states.push({ at: page.resourceVersion, json: page.items.map((item) => item.json) });
    };
    await note();
    const a = await create(resources(), key("widgets", namespace, "a"));
    await note();
    const changed = await update(resources(), a, { size: 2 });
    await note();
    await remove(resources(), changed);
    await note();
    await create(resources(), a.key, { size: 3 });
    await note();
    for (const { at, json } of states)
      assert.deepEqual(
        (await resources().list(inSpace(namespace, { at }))).items.map((item) => item.json),
        json,
      );
  });

  test("a version that is still to come is expired", async () => {
    const at = resourceVersion(Number.MAX_SAFE_INTEGER);
    await assert.rejects(resources().list(inSpace("x", { at })), refuses("expired"));
    await assert.rejects(take(resources(), inSpace("x"), at, 1), refuses("expired"));
  });
}

function watches({ resources }: Suite): void {
  test("a watch from a list misses nothing and doubles nothing", async () => {
    const namespace = space();
    const a = await create(resources(), key("widgets", namespace, "a"), { size: 1 });
    const { resourceVersion: from } = await resources().list(inSpace(namespace));
    const events = take(resources(), inSpace(namespace), from, 3);
    const changed = await update(resources(), a, { size: 2 });
    await create(resources(), key("widgets", "elsewhere", space()));
    const b = await create(resources(), key("widgets", namespace, "b"));
    const last = await remove(resources(), changed);
    assert.deepEqual(told(await events), [`modified ${changed.json}`, `added ${b.json}`, `deleted ${last.json}`]);
  });

  test("a watch from the past replays what came since", async () => {
    const namespace = space();
    const { resourceVersion: from } = await resources().list(inSpace(namespace));
    const a = await create(resources(), key("widgets", namespace, "a"));
    const changed = await update(resources(), a, { size: 2 });
    assert.deepEqual(told(await take(resources(), inSpace(namespace), from, 2)), [`added ${a.json}`, `modified ${changed.json}`]);
    assert.deepEqual(told(await take(resources(), inSpace(namespace), a.resourceVersion, 1)), [`modified ${changed.json}`]);
  });

  for (const [name, query] of Object.entries({
    labels: { labels: [{ operator: "in", label: "app", values: ["shop"] }] },
    fields: { fields: [{ field: "spec.phase", operator: "equals", value: "up" }] },
  } satisfies Record<string, Partial<WatchQuery>>)) {
    test(`to a watch by ${name} an object is added when it begins to match and deleted when it stops, shown as it was`, async () => {
      const at = key("widgets", space(), "a");
      const { resourceVersion: from } = await resources().list(inSpace(at.namespace));
      const on = [{ phase: "up" }, { app: "shop" }] as const;
      const made = await create(resources(), at, { phase: "down" }, { app: "blog" });
      const begins = await update(resources(), made, ...on);
      const stays = await update(resources(), begins, { phase: "up", size: 2 }, { app: "shop" });
      const stops = await update(resources(), stays, { phase: "down", size: 3 }, { app: "blog" });
      await remove(resources(), stops);
      const again = await create(resources(), at, ...on);
      const last = await remove(resources(), again);
      const events = await take(resources(), { ...inSpace(at.namespace), ...query }, from, 5);
      assert.deepEqual(
        events.map((event) => event.type),
        ["added", "modified", "deleted", "added", "deleted"],
      );
      assert.deepEqual(
        events.map((event) => event.object.resourceVersion),
        [begins, stays, stops, again, last].map((object) => object.resourceVersion),
      );
      assert.deepEqual(events[2]?.object.object.spec, { phase: "up", size: 2 });
      assert.equal(events[2].object.object.metadata.resourceVersion, String(stops.resourceVersion));
    });
  }

  test("versions only grow within a watch, also in batches that hold no event", async () => {
    const namespace = space();
    const { resourceVersion: from } = await resources().list(inSpace(namespace));
    const done = new AbortController();
    const batches: WatchBatch[] = [];
    const watching = (async () => {
      for await (const batch of resources().watch(inSpace(namespace), from, done.signal)) {
        batches.push(batch);
        if (batch.events.some((event) => event.object.key.name === "last")) return;
      }
    })();
    for (let index = 0; index < 20; index++)
      await create(resources(), key("widgets", index % 2 === 0 ? namespace : `${namespace}-other`, `n${index}`));
    await create(resources(), key("widgets", namespace, "last"));
    await watching;
    done.abort();
    const positions = batches.flatMap((batch) => [...batch.events.map((event) => event.object.resourceVersion), batch.resourceVersion]);
    assert.deepEqual(
      positions,
      [...positions].sort((a, b) => a - b),
    );
  });

  test("a watch tells an idle watcher how far the store is", async () => {
    const namespace = space();
    const { resourceVersion: from } = await resources().list(inSpace(namespace));
    const done = new AbortController();
    const reached = (async () => {
      for await (const batch of resources().watch(inSpace(namespace), from, done.signal)) if (batch.resourceVersion > from) return batch;
      return undefined;
    })();
    await create(resources(), key("others", namespace, "x"));
    assert.deepEqual((await reached)?.events, []);
    done.abort();
  });

  test("a watch ends when it is cancelled, before and while it waits", async () => {
    const { resourceVersion: from } = await resources().list(inSpace("x"));
    for await (const batch of resources().watch(inSpace("x"), from, AbortSignal.abort()))
      assert.fail(`a cancelled watch gave ${batch.resourceVersion}`);
    const done = new AbortController();
    const waiting = take(resources(), inSpace(space()), from, 1, done.signal);
    setImmediate(() => {
      done.abort();
    });
    assert.deepEqual(await waiting, []);
  });
}

function compaction({ open }: Suite): void {
  test("what is compacted is expired for lists and watches; the rest goes on", async () => {
    const store = await open({ derivations: contractDerivations });
    try {
      const { resources, upkeep } = store;
      const namespace = space();
      const a = await create(resources, key("widgets", namespace, "a"), { size: 0 });
      const page = await resources.list(inSpace(namespace, { limit: 1 }));
      let newest = a;
      for (let size = 1; size <= 20; size++) newest = await update(resources, newest, { size });
      assert.deepEqual(await upkeep.compactChanges(milliseconds(3_600_000), 1000), { removed: 0, more: false });
      assert.deepEqual(await upkeep.compactChanges(milliseconds(3_600_000), 5), { removed: 16, more: false });
      await assert.rejects(resources.list(inSpace(namespace, { at: page.resourceVersion })), refuses("expired", /list again/));
      await assert.rejects(
        resources.list(inSpace(namespace, { after: { at: page.resourceVersion, namespace, name: "" } })),
        refuses("expired"),
      );
      await assert.rejects(take(resources, inSpace(namespace), a.resourceVersion, 1), refuses("expired"));
      const kept = resourceVersion(newest.resourceVersion - 5);
      assert.deepEqual(
        (await take(resources, inSpace(namespace), kept, 5)).map((event) => event.object.object.spec),
        [16, 17, 18, 19, 20].map((size) => ({ size })),
      );
      assert.deepEqual(only((await resources.list(inSpace(namespace, { at: kept }))).items).object.spec, { size: 15 });
      assert.equal(only((await resources.list(inSpace(namespace))).items).json, newest.json);
    } finally {
      await store.close();
    }
  });

  test("changes go by their age", async () => {
    const store = await open({ derivations: contractDerivations });
    try {
      const a = await create(store.resources, key("widgets", "x", "a"), { size: 0 });
      await store.passes(50);
      assert.equal((await store.upkeep.compactChanges(milliseconds(40), 1000)).removed, 1);
      await assert.rejects(take(store.resources, inSpace("x"), resourceVersion(a.resourceVersion - 1), 1), refuses("expired"));
    } finally {
      await store.close();
    }
  });

  test("a watcher that waits at the newest version lives through compaction", async () => {
    const store = await open({ derivations: contractDerivations });
    try {
      const a = await create(store.resources, key("widgets", "x", "a"));
      const waiting = take(store.resources, inSpace("x"), a.resourceVersion, 1);
      await store.upkeep.compactChanges(milliseconds(0), 0);
      const b = await create(store.resources, key("widgets", "x", "b"));
      assert.deepEqual(told(await waiting), [`added ${b.json}`]);
    } finally {
      await store.close();
    }
  });
}

/** The first `count` events of a watch; fewer when it is cancelled. */
export async function take(
  resources: Resources,
  query: WatchQuery,
  from: ResourceVersion,
  count: number,
  signal?: AbortSignal,
): Promise<readonly WatchEvent[]> {
  const done = new AbortController();
  const events: WatchEvent[] = [];
  try {
    for await (const batch of resources.watch(query, from, signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]))) {
      events.push(...batch.events);
      if (events.length >= count) break;
    }
  } finally {
    done.abort();
  }
  return events;
}

const told = (events: readonly WatchEvent[]): readonly string[] => events.map((event) => `${event.type} ${event.object.json}`);

async function pagedNames(resources: Resources, query: ListQuery, limit: number): Promise<readonly string[]> {
  const names: string[] = [];
  let page = await resources.list({ ...query, limit });
  names.push(...namesOf(page.items));
  while (page.next !== undefined) {
    page = await resources.list({ ...query, limit, after: page.next });
    names.push(...namesOf(page.items));
  }
  return names;
}
