import type pg from "pg";
import type { JsonObject } from "../../domain/object/json.ts";
import { instant } from "../../domain/units.ts";
import type { ArchivedObject, ArchiveEntry } from "../../ports/archive.ts";
import type { RecordType, RetentionClass } from "../../ports/records.ts";
import type { Sealer } from "../../ports/sealer.ts";
import type { ArchiveParts } from "./archive.ts";
import { versionOf } from "./rows.ts";
import { storeError } from "./store-error.ts";

/** What one FETCH should bring, in characters; the number of rows follows the size of those before. */
const PORTION = 512 * 1024;
const MOST_ROWS = 500;
const FEWEST_ROWS = 8;
/** A reader of the export that takes longer between two batches has gone; its snapshot must not hold up vacuum for ever. */
const LONGEST_PAUSE = "5min";

/** One read-only snapshot on a connection of its own, read through cursors. */
export async function* exportAll({ database, sealer }: ArchiveParts): AsyncGenerator<readonly ArchiveEntry[]> {
  const client = database.client("backup");
  try {
    await client.connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query(`SET LOCAL idle_in_transaction_session_timeout = '${LONGEST_PAUSE}'`);
    yield [await position(client)];
    yield* read<ObjectRow>(client, "objects", objectsOf("objects", ""), objectEntry(sealer));
    yield* read<ObjectRow>(client, "events", objectsOf("events", ", last_seen"), objectEntry(sealer));
    yield* read<RecordRow>(client, "records", "SELECT * FROM slipway.records ORDER BY position", recordEntry);
    yield* read<KeyRow>(client, "keys", "SELECT name, value FROM slipway.keys ORDER BY name", keyEntry);
    await client.query("COMMIT");
  } catch (error) {
    throw storeError(error, database.place);
  } finally {
    await client.end().catch(() => undefined); // what it had open ends with it
  }
}

async function position(client: pg.Client): Promise<ArchiveEntry> {
  const { rows } = await client.query<{ last: string; last_record: string }>("SELECT last, last_record FROM slipway.revision");
  const [row] = rows;
  if (row === undefined) throw new Error("the row of slipway.revision is missing; restore a backup");
  return { type: "position", resourceVersion: versionOf(row.last), lastRecord: Number(row.last_record) };
}

interface Sized {
  readonly size: number;
}

async function* read<R extends pg.QueryResultRow>(
  client: pg.Client,
  name: string,
  query: string,
  entryOf: (row: R) => ArchiveEntry & Sized,
): AsyncGenerator<readonly ArchiveEntry[]> {
  await client.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${query}`);
  for (let count = FEWEST_ROWS; ;) {
    const { rows } = await client.query<R>(`FETCH ${count} FROM ${name}`);
    if (rows.length === 0) break;
    const entries = rows.map(entryOf);
    yield entries.map(({ size: _size, ...entry }) => entry);
    const average = entries.reduce((sum, { size }) => sum + size, 0) / entries.length;
    count = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, count * 4, Math.floor(PORTION / Math.max(1, average))));
  }
  await client.query(`CLOSE ${name}`);
}

interface ObjectRow {
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resource_version: string;
  readonly json: string;
  readonly last_seen?: Date;
}

const objectsOf = (table: string, more: string): string =>
  `SELECT api_group, resource, namespace, name, uid, resource_version, json${more} FROM slipway.${table} ORDER BY api_group, resource, namespace, name`;

const objectEntry =
  (sealer: Sealer | undefined) =>
  (row: ObjectRow): ArchivedObject & Sized => {
    const key = { group: row.api_group, resource: row.resource, namespace: row.namespace, name: row.name };
    return {
      type: "object",
      key,
      uid: row.uid,
      resourceVersion: versionOf(row.resource_version),
      ...(row.last_seen === undefined ? {} : { lastSeen: instant(row.last_seen.getTime()) }),
      text: row.json,
      sealed: sealer?.seals(key) === true,
      size: row.json.length,
    };
  };

interface RecordRow {
  readonly position: string;
  readonly type: RecordType;
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | null;
  readonly actor: string;
  readonly reason: string;
  readonly message: string;
  readonly details: string;
  readonly retention: RetentionClass;
  readonly at: Date;
}

function recordEntry(row: RecordRow): ArchiveEntry & Sized {
  const { type, actor, reason, message, retention } = row;
  const details = JSON.parse(row.details) as JsonObject; // written by the writer from NewRecord.details
  const about = { group: row.api_group, resource: row.resource, namespace: row.namespace, name: row.name };
  const at = instant(row.at.getTime());
  const uid = row.uid === null ? {} : { uid: row.uid };
  const record = { position: Number(row.position), at, type, about, ...uid, actor, reason, message, details, retention };
  return { type: "record", record, size: row.details.length + message.length };
}

interface KeyRow {
  readonly name: string;
  readonly value: Buffer;
}

const keyEntry = ({ name, value }: KeyRow): ArchiveEntry & Sized => ({
  type: "key",
  name,
  value: new Uint8Array(value),
  size: value.length,
});
