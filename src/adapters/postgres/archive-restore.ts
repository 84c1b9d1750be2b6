import type pg from "pg";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import { instant } from "../../domain/units.ts";
import { storableText } from "../../domain/object/storable-text.ts";
import { counted, isEvent, NOTHING_COUNTED, restoredVersion } from "../../ports/archive.ts";
import type { ArchiveCounts, ArchivedObject, ArchiveEntry } from "../../ports/archive.ts";
import { PortError } from "../../ports/port-error.ts";
import type { StoredRecord } from "../../ports/records.ts";
import type { WakeRule } from "../../ports/resources.ts";
import { restoredRow } from "../../ports/restored-row.ts";
import type { ArchiveParts } from "./archive.ts";
import { TAKE_LOCK } from "./lock.ts";
import { arrayLiteral, codecOf } from "./rows.ts";

type Position = Extract<ArchiveEntry, { type: "position" }>;
type Key = Extract<ArchiveEntry, { type: "key" }>;

/** One transaction under the writers' lock: whoever looks sees nothing, or all of it. */
export async function restoreAll(parts: ArchiveParts, entries: AsyncIterable<readonly ArchiveEntry[]>): Promise<ArchiveCounts> {
  const { database } = parts;
  const client = database.client("restore");
  try {
    await client.connect();
    await client.query("BEGIN");
    await client.query("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '10min'");
    await client.query(TAKE_LOCK);
    await client.query("LOCK TABLE slipway.keys IN EXCLUSIVE MODE");
    if ((await emptiness(client)) === "used") throw notEmpty(database.place);
    await client.query("CREATE TEMPORARY TABLE restored_links (c text, link text, g text, r text) ON COMMIT DROP");
    const counts = await insertAll(client, parts, entries);
    await wakeLinked(client);
    await client.query("COMMIT");
    return counts;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined); // ends with the connection otherwise
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether anything was ever written. */
export async function emptiness(queries: Pick<pg.ClientBase, "query">): Promise<"empty" | "used"> {
  const { rows } = await queries.query<{ used: boolean }>(
    `SELECT (SELECT last > 1 OR last_record > 0 FROM slipway.revision) OR EXISTS (SELECT FROM slipway.objects) OR EXISTS (SELECT FROM slipway.events)
      OR EXISTS (SELECT FROM slipway.records) OR EXISTS (SELECT FROM slipway.keys) AS used`,
  );
  return rows[0]?.used === false ? "empty" : "used";
}

function notEmpty(place: string): PortError {
  return new PortError(
    "refused",
    `the database at ${place} already holds a Slipway; a backup is restored onto an empty one only: choose another data directory (or database), or move this one aside`,
    { reason: "StoreNotEmpty" },
  );
}

async function insertAll(client: pg.Client, parts: ArchiveParts, batches: AsyncIterable<readonly ArchiveEntry[]>): Promise<ArchiveCounts> {
  let position: Position | undefined;
  let counts = NOTHING_COUNTED;
  for await (const batch of batches) {
    const [first] = batch;
    if (first?.type === "position") position ??= first;
    if (position === undefined) throw outOfOrder();
    await insertObjects(
      client,
      parts,
      position,
      batch.flatMap((entry) => (entry.type === "object" ? [entry] : [])),
    );
    await insertRecords(
      client,
      position,
      batch.flatMap((entry) => (entry.type === "record" ? [entry.record] : [])),
    );
    await insertKeys(
      client,
      batch.flatMap((entry) => (entry.type === "key" ? [entry] : [])),
    );
    counts = counted(counts, batch);
  }
  if (position === undefined) throw outOfOrder();
  const next = restoredVersion(position.resourceVersion, instant(Date.now()));
  await client.query("UPDATE slipway.revision SET last = $1, last_record = $2", [next, position.lastRecord]);
  // What changed before is not known here; a watcher that has seen the version of the backup has seen it all.
  await client.query("UPDATE slipway.horizon SET forgotten = $1, restored_at = $1, restored_from = $2", [next, position.resourceVersion]);
  return counts;
}

const outOfOrder = (): PortError =>
  new PortError("refused", "the backup does not begin with its position; use another one", { reason: "BadBackup" });

async function insertObjects(
  client: pg.Client,
  parts: ArchiveParts,
  { resourceVersion }: Position,
  objects: readonly ArchivedObject[],
): Promise<void> {
  if (objects.length === 0) return;
  const restored = objects.map((object) => ({ object, ...restoredRow(object, resourceVersion, parts.derivations, parts.sealer) }));
  const codec = codecOf(parts.sealer);
  for (const table of ["objects", "events"] as const) {
    const rows = restored.filter(({ object }) => isEvent(object.key) === (table === "events"));
    if (rows.length === 0) continue;
    const [column, value] = table === "events" ? [", last_seen", ", coalesce(to_timestamp(e / 1000.0), clock_timestamp())"] : ["", ""];
    await client.query(
      `INSERT INTO slipway.${table} (api_group, resource, namespace, name, uid, resource_version, json, labels, fields, links${column})
        SELECT g, r, s, n, u, v, j, l::jsonb, f::jsonb, k::text[]${value}
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::float8[]) AS t (g, r, s, n, u, v, j, l, f, k, e)`,
      [
        ...keyArrays(rows.map(({ object }) => object.key)),
        rows.map(({ object }) => object.uid),
        rows.map(({ object }) => object.resourceVersion),
        rows.map(({ row }) => codec.seal(row.stored.json, row.stored.key)),
        rows.map(({ row }) => JSON.stringify(row.labels)),
        rows.map(({ row }) => JSON.stringify(row.fields)),
        rows.map(({ row }) => arrayLiteral(row.links)),
        rows.map(({ object }) => object.lastSeen ?? null),
      ],
    );
  }
  await insertWakes(
    client,
    restored.flatMap(({ wakes }) => wakes),
  );
}

/** Those of a link wait until everything that may carry it is there. */
async function insertWakes(client: pg.Client, rules: readonly WakeRule[]): Promise<void> {
  const direct = rules.filter((rule) => "key" in rule);
  const linked = rules.filter((rule) => "linkedTo" in rule);
  if (direct.length > 0)
    await client.query(
      `INSERT INTO slipway.work (controller, api_group, resource, namespace, name, wake_at)
        SELECT DISTINCT c, g, r, s, n, clock_timestamp() FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS x (g, r, s, n, c)
        ON CONFLICT DO NOTHING`,
      [...keyArrays(direct.map(({ key }) => key)), direct.map(({ controller }) => controller)],
    );
  if (linked.length > 0)
    await client.query("INSERT INTO restored_links SELECT DISTINCT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])", [
      linked.map(({ controller }) => controller),
      linked.map(({ linkedTo }) => storableText(linkedTo)),
      linked.map(({ group }) => group),
      linked.map(({ resource }) => resource),
    ]);
}

async function wakeLinked(client: pg.Client): Promise<void> {
  // So that the planner knows what has just come and takes the index of the links.
  await client.query("ANALYZE slipway.objects, slipway.events, slipway.records, restored_links");
  for (const table of ["objects", "events"])
    await client.query(
      `INSERT INTO slipway.work (controller, api_group, resource, namespace, name, wake_at)
        SELECT DISTINCT x.c COLLATE "C", o.api_group, o.resource, o.namespace, o.name, clock_timestamp()
        FROM (SELECT DISTINCT * FROM restored_links) x JOIN slipway.${table} o ON o.links @> ARRAY[x.link] AND o.api_group = x.g AND o.resource = x.r
        ON CONFLICT DO NOTHING`,
    );
}

async function insertRecords(client: pg.Client, { lastRecord }: Position, records: readonly StoredRecord[]): Promise<void> {
  if (records.length === 0) return;
  const beyond = records.find(({ position }) => position > lastRecord);
  if (beyond !== undefined)
    throw new PortError("refused", `the backup has a record ${beyond.position} above its last, ${lastRecord}; use another one`, {
      reason: "BadBackup",
    });
  await client.query(
    `INSERT INTO slipway.records (api_group, resource, namespace, name, position, type, uid, actor, reason, message, details, retention, at)
      SELECT g, r, s, n, p, t, u, a, e, m, d, c, to_timestamp(w / 1000.0)
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::float8[])
        AS x (g, r, s, n, p, t, u, a, e, m, d, c, w)`,
    [
      ...keyArrays(records.map(({ about }) => about)),
      records.map(({ position }) => position),
      records.map(({ type }) => type),
      records.map(({ uid }) => (uid === undefined ? null : storableText(uid))),
      records.map(({ actor }) => storableText(actor)),
      records.map(({ reason }) => storableText(reason)),
      records.map(({ message }) => storableText(message)),
      records.map(({ details }) => JSON.stringify(details)),
      records.map(({ retention }) => retention),
      records.map(({ at }) => at),
    ],
  );
}

async function insertKeys(client: pg.Client, keys: readonly Key[]): Promise<void> {
  for (const { name, value } of keys)
    await client.query("INSERT INTO slipway.keys (name, value) VALUES ($1, $2)", [name, Buffer.from(value)]);
}

const keyArrays = (keys: readonly ObjectKey[]): unknown[] => [
  keys.map((key) => key.group),
  keys.map((key) => key.resource),
  keys.map((key) => key.namespace),
  keys.map((key) => key.name),
];
