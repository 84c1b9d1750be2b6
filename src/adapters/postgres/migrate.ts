import { Kysely, PostgresDialect, sql } from "kysely";
import { Migrator } from "kysely/migration";
import type { Migration } from "kysely/migration";
import type pg from "pg";
import { PortError } from "../../ports/port-error.ts";
import * as store from "./migrations/0001-store.ts";
import * as restored from "./migrations/0002-restored.ts";

/** All migrations in order. Append only; each comes with a sample of data in archive-migrations.world.test.ts. */
export const migrations: Readonly<Record<string, Migration>> = { "0001-store": store, "0002-restored": restored };

const TABLE = "schema_version";
const LOWEST_MAJOR = 15;

/**
 * Brings the database to this program's schema, from any earlier one; of several that start at once one does it and the rest wait.
 * Refuses a server below 15, a schema `slipway` that is not ours, and one written by a newer program.
 */
export async function migrate(pool: pg.Pool, place: string): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  await checkServer(db, place);
  await checkSchema(db, place);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableSchema: "slipway",
    migrationTableName: TABLE,
    migrationLockTableName: "schema_version_lock",
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error("the schema could not be brought up to date", { cause: error });
}

async function checkServer(db: Kysely<unknown>, place: string): Promise<void> {
  const found = await sql<{
    number: string;
    text: string;
  }>`SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS text`.execute(db);
  const problem = serverProblem(found.rows[0] ?? { number: "0", text: "unknown" }, place);
  if (problem !== undefined) throw problem;
}

/** Why a server of this version cannot be used. */
export function serverProblem({ number, text }: { readonly number: string; readonly text: string }, place: string): PortError | undefined {
  if (Number(number) >= LOWEST_MAJOR * 10_000) return undefined;
  return new PortError(
    "refused",
    `PostgreSQL at ${place} is version ${text}; Slipway needs ${LOWEST_MAJOR} or newer: upgrade that server, or unset DATABASE_URL to use the embedded one`,
    { reason: "DatabaseTooOld" },
  );
}

async function checkSchema(db: Kysely<unknown>, place: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'slipway'`.execute(db);
  const tables = new Set(rows.map((row) => row.name));
  if (tables.size === 0) return;
  // A start that was cut off may have left only the migrator's own tables.
  if (!tables.has(TABLE)) throw foreign(place, [...tables]);
  const applied = await sql<{ name: string }>`SELECT name FROM slipway.schema_version ORDER BY name`.execute(db).catch((cause: unknown) => {
    throw foreign(place, [...tables], cause);
  });
  const unknown = applied.rows.map((row) => row.name).filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0) {
    throw new PortError(
      "refused",
      `the database at ${place} was written by a newer Slipway (it has ${unknown.join(", ")}, this program ends at ${Object.keys(migrations).at(-1) ?? "nothing"}): start that version or a newer one, or restore a backup made with this one`,
      { reason: "DatabaseNewer" },
    );
  }
  if (applied.rows.length > 0 && !tables.has("revision")) throw foreign(place, [...tables]);
}

function foreign(place: string, tables: readonly string[], cause?: unknown): PortError {
  const some = tables.slice(0, 3).join(", ");
  return new PortError(
    "refused",
    `the schema "slipway" in the database at ${place} belongs to something else (it has ${some}): give Slipway a database of its own in DATABASE_URL, or rename that schema`,
    { reason: "DatabaseForeign", cause },
  );
}
