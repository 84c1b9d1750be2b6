import assert from "node:assert/strict";
import { test } from "node:test";
import { Kysely, PostgresDialect } from "kysely";
import { Migrator } from "kysely/migration";
import pg from "pg";
import { testDatabase } from "../../../test/fixtures/postgres.ts";
import { resourceVersion } from "../../domain/object/api-object.ts";
import { contractDerivations, create, key } from "../../ports/store.contract.ts";
import { migrations } from "./migrate.ts";
import { postgresStore } from "./postgres-store.ts";

/** What a program of that schema may have left, in SQL of that schema. A new migration adds the sample of the one before it, if it changed what can be written. */
const samples: Readonly<Record<string, readonly string[]>> = {
  "0001-store": [
    `INSERT INTO slipway.objects SELECT 'test.slipway.dev', 'things', 'space', 't' || n, 'u' || n, n, '{"apiVersion":"test.slipway.dev/v1","kind":"Widget","metadata":{"name":"t' || n || '","namespace":"space","uid":"u' || n || '","resourceVersion":"' || n || '"},"spec":{"links":["l"]}}', '{}', '{}', '{l}' FROM generate_series(2, 41) n`,
    `INSERT INTO slipway.changes (resource_version, type, api_group, resource, namespace, name, uid, json, labels, fields, batch, at)
      SELECT resource_version, 'added', api_group, resource, namespace, name, uid, json, labels, fields, gen_random_uuid(), now() FROM slipway.objects`,
    "UPDATE slipway.revision SET last = 41, last_record = 1",
    "INSERT INTO slipway.records VALUES (1, 'audit', '', 'secrets', 'space', 's', NULL, 'jane', 'Created', 'm', '{}', 'long', now())",
    "INSERT INTO slipway.keys (name, value) VALUES ('ca', '\\x00ff')",
    "INSERT INTO slipway.work (controller, api_group, resource, namespace, name, wake_at) VALUES ('widget', 'test.slipway.dev', 'things', 'space', 't2', now())",
  ],
  "0002-restored": ["UPDATE slipway.horizon SET forgotten = 20, restored_at = 20, restored_from = 7"],
};

const names = Object.keys(migrations);

for (const [at, name] of names.entries())
  test(`data written at schema ${name} is there, whole and usable, after the migrations since`, async () => {
    const database = await testDatabase();
    await upTo(database.connectionString, names.slice(0, at + 1));
    const store = postgresStore({ connectionString: database.connectionString, derivations: contractDerivations });
    try {
      await store.ready();
      const things = { group: "test.slipway.dev", resource: "things" };
      assert.equal((await store.resources.list(things)).items.length, 40);
      assert.equal((await store.resources.list({ ...things, linkedTo: "l" })).items.length, 40);
      assert.equal((await store.resources.list({ ...things, at: resourceVersion(30) })).items.length, 29);
      assert.equal((await store.records.query({ limit: 10 })).length, 1);
      assert.deepEqual(await store.keys.read("ca"), Uint8Array.of(0, 255));
      assert.equal((await create(store.resources, key("things", "space", "new"))).resourceVersion, 42);
      const first = await store.resources.watch(things, resourceVersion(40), new AbortController().signal)[Symbol.asyncIterator]().next();
      assert.equal(first.value?.events[0]?.object.key.name, "t41");
      const { rows } = await query(database.connectionString, "SELECT count(*)::int AS work FROM slipway.work");
      assert.deepEqual(rows, [{ work: 1 }]);
    } finally {
      await store.close();
      await database.drop();
    }
  });

test("every migration has its sample", () => {
  assert.deepEqual(Object.keys(samples), names);
});

/** Applies these migrations one by one, each followed by what a program of that time wrote. */
async function upTo(connectionString: string, wanted: readonly string[]): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString, max: 2 }) }) });
  const tables = { migrationTableSchema: "slipway", migrationTableName: "schema_version", migrationLockTableName: "schema_version_lock" };
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) }, ...tables });
  try {
    for (const name of wanted) {
      const { error } = await migrator.migrateTo(name);
      assert.equal(error, undefined);
      for (const statement of samples[name] ?? []) await query(connectionString, statement);
    }
  } finally {
    await db.destroy();
  }
}

async function query(connectionString: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}
