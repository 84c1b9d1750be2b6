import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import pg from "pg";
import { resourceVersion } from "../../domain/object/api-object.ts";
import { milliseconds, seconds } from "../../domain/units.ts";
import { PortError } from "../../ports/port-error.ts";
import { ResourceError } from "../../ports/resources.ts";
import { take } from "../../ports/resources.contract.ts";
import { contractDerivations, create, key, leaseTime, only, update } from "../../ports/store.contract.ts";
import { cuttingProxy } from "../../../test/fixtures/cutting-proxy.ts";
import { commitLate } from "../../../test/fixtures/late-commit.ts";
import { dsn, testDatabase } from "../../../test/fixtures/postgres.ts";
import type { TestDatabase } from "../../../test/fixtures/postgres.ts";
import { postgresStore } from "./postgres-store.ts";
import type { PostgresStore, PostgresStoreOptions } from "./postgres-store.ts";

const widgets = { group: "test.slipway.dev", resource: "widgets" };

async function openStore(connectionString: string, more: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
  const store = postgresStore({ connectionString, derivations: contractDerivations, ...more });
  await store.ready();
  return store;
}

async function run(database: TestDatabase, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

describe("PostgreSQL with two control planes", () => {
  let database: TestDatabase;
  let here: PostgresStore;
  let there: PostgresStore;
  before(async () => {
    database = await testDatabase();
    // Both start on an empty database at once: one makes the schema, the other waits for it.
    [here, there] = await Promise.all([openStore(database.connectionString), openStore(database.connectionString)]);
  });
  after(async () => {
    await Promise.all([here.close(), there.close()]);
    await database.drop();
  });

  test("a foreign transaction that takes a version and commits late is skipped by nobody", async () => {
    const { resourceVersion: from } = await here.resources.list(widgets);
    const watches = [here, there].map((store) => take(store.resources, widgets, from, 7));
    const hold = Promise.withResolvers<undefined>();
    const late = commitLate(database.connectionString, key("widgets", "late", "late"), {}, hold.promise);
    const locked = async () => {
      const client = new pg.Client({ connectionString: database.connectionString });
      await client.connect();
      const { rows } = await client.query<{ held: boolean }>(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS held",
      );
      await client.end();
      return rows[0]?.held === true;
    };
    while (!(await locked())) await sleep(5);
    const others = [here, there, here, there, here, there].map((store, index) =>
      create(store.resources, key("widgets", "late", `n${index}`)),
    );
    const during = await here.resources.list(widgets);
    assert.equal(during.resourceVersion, from);
    hold.resolve(undefined);
    const { version } = await late;
    const versions = (await Promise.all(others)).map((stored) => stored.resourceVersion);
    assert.equal(version, from + 1);
    for (const events of await Promise.all(watches))
      assert.deepEqual(
        events.map((event) => event.object.resourceVersion),
        [version, ...[...versions].sort((a, b) => a - b)],
      );
  });

  test("what one writes the other sees, reads and is woken by", async () => {
    const at = key("watched", "cross", "one");
    const { resourceVersion: from } = await there.resources.list({ ...widgets, resource: "watched" });
    const due = there.work.due(["widget"], seconds(60), new AbortController().signal);
    const events = take(there.resources, { ...widgets, resource: "watched" }, from, 1);
    const stored = await create(here.resources, at);
    assert.equal((await there.resources.get(at))?.json, stored.json);
    await due;
    assert.equal(only(await events).object.json, stored.json);
    const lease = only(await there.work.claim("there", ["widget"], 10, leaseTime));
    assert.deepEqual(await here.work.claim("here", ["widget"], 10, leaseTime), []);
    await there.resources.commit({ writes: [], guard: lease, finish: {} });
  });

  test("of writers at both on one version one wins", async () => {
    const stored = await create(here.resources, key("widgets", "race", "one"));
    const results = await Promise.allSettled(
      [here, there, here, there].map((store, winner) => update(store.resources, stored, { winner })),
    );
    assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
  });

  test("an event is there as soon as its writer is answered", async () => {
    const { resourceVersion: from } = await here.resources.list(widgets);
    const done = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const batch of here.resources.watch(widgets, from, done.signal))
        seen.push(...batch.events.map((event) => event.object.json));
    })();
    await create(here.resources, key("widgets", "prompt", "first"));
    await sleep(20); // the watch has begun
    for (let round = 0; round < 10; round++) {
      const stored = await create(here.resources, key("widgets", "prompt", `n${round}`));
      const start = performance.now();
      while (seen.at(-1) !== stored.json && performance.now() - start < 1000) await new Promise(setImmediate);
      assert.ok(performance.now() - start < 100, "the event came late");
      assert.equal(seen.at(-1), stored.json);
    }
    done.abort();
    await watching;
  });

  test("a reader that is stuck in a snapshot holds up neither writers nor compaction", async () => {
    const release = Promise.withResolvers<undefined>();
    const entered = Promise.withResolvers<undefined>();
    const stuck = here.resources.snapshot(async (reader) => {
      await reader.list(widgets);
      entered.resolve(undefined);
      await release.promise;
      return (await reader.list({ ...widgets, namespace: "stuck" })).items.length;
    });
    await entered.promise;
    let stored = await create(here.resources, key("widgets", "stuck", "one"));
    for (let size = 0; size < 20; size++) stored = await update(there.resources, stored, { size });
    assert.ok((await here.upkeep.compactChanges(milliseconds(3_600_000), 3)).removed > 0);
    release.resolve(undefined);
    assert.equal(await stuck, 0);
  });

  test("a watcher that is far behind the ring is served from the table, each change once", async () => {
    const small = await openStore(database.connectionString, { ringBytes: 4096 });
    try {
      const { resourceVersion: from } = await small.resources.list(widgets);
      const versions: number[] = [];
      let stored = await create(small.resources, key("widgets", "slow", "one"));
      versions.push(stored.resourceVersion);
      const done = new AbortController();
      const seen: number[] = [];
      for await (const batch of small.resources.watch({ ...widgets, namespace: "slow" }, from, done.signal)) {
        seen.push(...batch.events.map((event) => event.object.resourceVersion));
        if (versions.length > 600) {
          if (seen.length === versions.length) break;
          continue;
        }
        // Not asked for anything while all this is written.
        for (let size = 0; size < 300; size++)
          versions.push((stored = await update(small.resources, stored, { size: versions.length })).resourceVersion);
      }
      done.abort();
      assert.deepEqual(seen, versions);
    } finally {
      await small.close();
    }
  });

  test("a feed whose connection is cut goes on without a gap", async () => {
    const { resourceVersion: from } = await there.resources.list(widgets);
    const events = take(there.resources, { ...widgets, namespace: "cut" }, from, 3);
    await create(here.resources, key("widgets", "cut", "a"));
    await run(
      database,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'slipway %' AND datname = current_database()",
    );
    const again = async (name: string): Promise<void> => {
      await create(here.resources, key("widgets", "cut", name)).catch((error: unknown) => {
        if (!(error instanceof PortError) || error.outcome !== "notDone") throw error;
        return again(name);
      });
    };
    await again("b");
    await again("c");
    assert.deepEqual(
      (await events).map((event) => event.object.key.name),
      ["a", "b", "c"],
    );
  });

  test("a watch ends with an error when its store is closed", async () => {
    const third = await openStore(database.connectionString);
    const { resourceVersion: from } = await third.resources.list(widgets);
    const watching = take(third.resources, { ...widgets, namespace: "nothing" }, from, 1);
    setImmediate(() => void third.close());
    await assert.rejects(watching, (error: unknown) => error instanceof PortError && error.reason === "Stopping");
  });

  test("after a restore of an older state a watch from the lost future is expired", async () => {
    const stored = await create(here.resources, key("widgets", "future", "one"));
    await assert.rejects(
      take(here.resources, widgets, resourceVersion(stored.resourceVersion + 1000), 1),
      (error: unknown) => error instanceof ResourceError && error.reason === "expired",
    );
  });
});

describe("PostgreSQL that fails in the middle of a write", () => {
  let database: TestDatabase;
  before(async () => {
    database = await testDatabase();
  });
  after(() => database.drop());

  test("a request that makes its batch fail in SQL fails alone", async () => {
    const store = await openStore(database.connectionString);
    await run(database, "ALTER TABLE slipway.objects ADD CONSTRAINT no_poison CHECK (name <> 'poison')");
    const results = await Promise.allSettled(["a", "poison", "b"].map((name) => create(store.resources, key("widgets", "batch", name))));
    assert.deepEqual(
      results.map((result) => result.status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.ok(results[1]?.status === "rejected" && results[1].reason instanceof PortError);
    const items = (await store.resources.list({ ...widgets, namespace: "batch" })).items.map((item) => item.key.name);
    assert.deepEqual(items, ["a", "b"]);
    await store.close();
  });

  for (const [when, ends] of [
    ["after", "is found out to be done, and answered"],
    ["before", "is found out not to be done, and said so"],
  ] as const) {
    test(`a COMMIT whose connection is lost ${when} the server got it ${ends}`, async () => {
      const proxy = await cuttingProxy(database.server.socketFolder);
      const store = await openStore(`postgres://slipway@127.0.0.1:${proxy.port}/${database.name}`);
      const at = key("widgets", "unknown", when);
      proxy.cutNext(when);
      const attempt = create(store.resources, at);
      if (when === "after") assert.equal((await attempt).json, (await store.resources.get(at))?.json);
      else {
        await assert.rejects(attempt, (error: unknown) => error instanceof PortError && error.outcome === "notDone");
        assert.equal(await store.resources.get(at), undefined);
      }
      assert.equal(store.stats.writer.unknown, 1);
      await create(store.resources, key("widgets", "unknown", `${when}-next`));
      await store.close();
      await proxy.close();
    });
  }
});

describe("PostgreSQL that cannot be used", () => {
  let database: TestDatabase;
  before(async () => {
    database = await testDatabase();
    await run(
      database,
      "DROP ROLE IF EXISTS limited",
      "DROP ROLE IF EXISTS guest",
      "CREATE ROLE limited LOGIN CONNECTION LIMIT 0 PASSWORD 'sesame-sesame'",
      "CREATE ROLE guest LOGIN",
    );
  });
  after(async () => {
    await database.drop();
  });

  const refuses = async (connectionString: string, reason: string, says: RegExp) => {
    await assert.rejects(openStore(connectionString), (error: unknown) => {
      assert.ok(error instanceof PortError, inspect(error));
      assert.equal(error.reason, reason, inspect(error));
      assert.match(error.message, says);
      assert.doesNotMatch(inspect(error, { depth: 10 }), /sesame-sesame/);
      return true;
    });
  };
  const as = (user: string) => database.connectionString.replace("slipway@", `${user}@`);

  for (const text of [
    "",
    "nonsense",
    "mysql://jane:sesame-sesame@db/x",
    "postgres://jane:sesame-sesame@db:99999/x",
    "postgres://jane:sesame-sesame@[/x",
  ]) {
    test(`${JSON.stringify(text.replace("sesame-sesame", "…"))} is no address`, () =>
      refuses(text, "DatabaseAddress", /postgres:\/\/USER/));
  }
  test("nothing listens", () =>
    refuses("postgres://jane:sesame-sesame@127.0.0.1:1/x", "DatabaseGone", /jane@127\.0\.0\.1:1\/x: nothing listens/));
  test("an unknown database", () => refuses(dsn(database.server, "nowhere"), "DatabaseMissing", /createdb/));
  test("an unknown user", () => refuses(as("stranger:sesame-sesame"), "DatabasePassword", /pg_hba/));
  test("too many connections", () => refuses(as("limited:sesame-sesame"), "DatabaseConnections", /max_connections/));
  test("a user who may not make tables", () => refuses(as("guest"), "DatabasePermission", /owner/));

  test("a read-only server", async () => {
    const own = await testDatabase();
    await run(own, `ALTER DATABASE ${own.name} SET default_transaction_read_only = on`);
    await refuses(own.connectionString, "DatabaseReadOnly", /primary/);
    await own.drop();
  });

  test("a schema of somebody else is left alone", async () => {
    const own = await testDatabase();
    await run(own, "CREATE SCHEMA slipway", "CREATE TABLE slipway.invoices (id int)");
    await refuses(own.connectionString, "DatabaseForeign", /invoices/);
    await own.drop();
  });

  test("a schema that a newer program wrote is left alone", async () => {
    const own = await testDatabase();
    await (await openStore(own.connectionString)).close();
    await run(own, "INSERT INTO slipway.schema_version (name, timestamp) VALUES ('9999-future', '2030-01-01')");
    await refuses(own.connectionString, "DatabaseNewer", /newer Slipway.*9999-future/);
    await own.drop();
  });

  test("a start that was cut off before the schema was made is taken up", async () => {
    const own = await testDatabase();
    await run(own, "CREATE SCHEMA slipway");
    const store = await openStore(own.connectionString);
    await create(store.resources, key("widgets", "x", "one"));
    await store.close();
    const again = await openStore(own.connectionString);
    assert.notEqual(await again.resources.get(key("widgets", "x", "one")), undefined);
    await again.close();
    await own.drop();
  });
});

test("objects lie in the database sealed where a sealer says so, labels in clear", async () => {
  const database = await testDatabase();
  const { contractSealer } = await import("../../ports/store.contract.ts");
  const store = await openStore(database.connectionString, { sealer: contractSealer });
  const stored = await create(store.resources, key("secrets", "x", "one"), { word: "open sesame" }, { app: "shop" });
  await update(store.resources, stored, { word: "abracadabra" });
  const client = new pg.Client({ connectionString: database.connectionString });
  await client.connect();
  const { rows } = await client.query<{ text: string }>("SELECT o::text || c::text AS text FROM slipway.objects o, slipway.changes c");
  await client.end();
  for (const { text } of rows) {
    assert.doesNotMatch(text, /sesame|abracadabra/);
    assert.match(text, /shop/);
  }
  assert.equal(rows.length, 2);
  const copy = await create(store.resources, key("secrets", "x", "two"));
  await run(database, "UPDATE slipway.objects SET json = (SELECT json FROM slipway.objects WHERE name = 'one') WHERE name = 'two'");
  await assert.rejects(store.resources.get(copy.key), /two/);
  // The row that does not open fails whoever looks at it, and nobody who writes at the same time.
  const other = { ...widgets, namespace: "x" };
  const { resourceVersion: from } = await store.resources.list(other);
  const results = await Promise.allSettled([
    create(store.resources, key("widgets", "x", "a")),
    update(store.resources, copy, { word: "new" }),
    create(store.resources, key("widgets", "x", "b")),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal((await take(store.resources, other, from, 2)).length, 2);
  await store.close();
  await database.drop();
});
