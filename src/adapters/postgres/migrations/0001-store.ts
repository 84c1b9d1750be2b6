import { sql } from "kysely";
import type { Kysely } from "kysely";

/** The tables of the store. Migrations are only ever added, never changed: a database may stand at any of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

// Names sort by bytes. The object itself is text, not jsonb: jsonb cannot hold \u0000, loses the order of names, and would have to be written out again to be sent.
const KEY = `
  api_group text COLLATE "C" NOT NULL,
  resource text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL`;

const objectColumns = `${KEY},
  uid text NOT NULL,
  resource_version bigint NOT NULL,
  json text NOT NULL,
  labels jsonb NOT NULL,
  fields jsonb NOT NULL,
  links text[] NOT NULL,
  PRIMARY KEY (api_group, resource, namespace, name)`;

const statements: readonly string[] = [
  // One row: the last resourceVersion and the last position of a record. Only written under the advisory lock (lock.ts), so both are dense and in commit order.
  `CREATE TABLE slipway.revision (single boolean PRIMARY KEY DEFAULT true CHECK (single), last bigint NOT NULL, last_record bigint NOT NULL)`,
  `INSERT INTO slipway.revision (last, last_record) VALUES (1, 0)`,
  // One row, apart from revision so that compaction does not wait for writers: changes up to here are forgotten.
  `CREATE TABLE slipway.horizon (single boolean PRIMARY KEY DEFAULT true CHECK (single), forgotten bigint NOT NULL)`,
  `INSERT INTO slipway.horizon (forgotten) VALUES (0)`,

  `CREATE TABLE slipway.objects (${objectColumns}) WITH (fillfactor = 85)`,
  `CREATE INDEX objects_links ON slipway.objects USING gin (links)`,
  `CREATE TABLE slipway.events (${objectColumns}, last_seen timestamptz NOT NULL) WITH (fillfactor = 85)`,
  `CREATE INDEX events_links ON slipway.events USING gin (links)`,
  `CREATE INDEX events_last_seen ON slipway.events (last_seen)`,

  // batch: which batch of which control plane wrote it, to find out about a COMMIT whose answer was lost.
  `CREATE TABLE slipway.changes (
    resource_version bigint PRIMARY KEY,
    type text NOT NULL CHECK (type IN ('added', 'modified', 'deleted')),
    ${KEY},
    uid text NOT NULL,
    json text NOT NULL,
    labels jsonb NOT NULL,
    fields jsonb NOT NULL,
    previous_version bigint,
    previous_json text,
    previous_labels jsonb,
    previous_fields jsonb,
    previous_links text[],
    batch uuid NOT NULL,
    at timestamptz NOT NULL)`,
  `CREATE INDEX changes_by_resource ON slipway.changes (api_group, resource, resource_version)`,

  `CREATE SEQUENCE slipway.work_epoch`,
  // due_at: when somebody may take the row. Under lease that is when the lease ends unfinished.
  `CREATE TABLE slipway.work (
    controller text COLLATE "C" NOT NULL,
    ${KEY},
    wake_at timestamptz,
    lease_owner text,
    lease_until timestamptz,
    epoch bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz GENERATED ALWAYS AS (CASE WHEN lease_owner IS NULL THEN wake_at ELSE lease_until END) STORED,
    PRIMARY KEY (controller, api_group, resource, namespace, name)
  ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200)`,
  `CREATE INDEX work_due ON slipway.work (controller, due_at) WHERE due_at IS NOT NULL`,
  `CREATE INDEX work_due_by_namespace ON slipway.work (controller, namespace, due_at) WHERE due_at IS NOT NULL`,

  `CREATE TABLE slipway.records (
    position bigint PRIMARY KEY,
    type text NOT NULL,
    ${KEY},
    uid text,
    actor text NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    details text NOT NULL,
    retention text NOT NULL CHECK (retention IN ('short', 'long')),
    at timestamptz NOT NULL)`,
  `CREATE INDEX records_about ON slipway.records (api_group, resource, namespace, name, position)`,
  `CREATE INDEX records_by_name ON slipway.records (name, position)`,
  `CREATE INDEX records_by_actor ON slipway.records (actor, position)`,
  `CREATE INDEX records_by_age ON slipway.records (retention, at)`,

  `CREATE TABLE slipway.keys (name text COLLATE "C" PRIMARY KEY, value bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now())`,
];
