import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { isStorable, storableText } from "../../domain/object/storable-text.ts";
import { instant } from "../../domain/units.ts";
import type { JsonObject } from "../../domain/object/json.ts";
import type { RecordQuery, Records, RecordType, RetentionClass, StoredRecord } from "../../ports/records.ts";
import { compiler, told } from "./database.ts";
import type { Database } from "./database.ts";

interface RecordColumns {
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

export function postgresRecords(database: Database): Records {
  return {
    query: (query) =>
      told(database, async () => {
        const conditions = conditionsOf(query);
        if (conditions === undefined) return [];
        const where = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
        const limit = Math.min(1000, Math.max(1, query.limit));
        const { sql: text, parameters } = sql`SELECT * FROM slipway.records ${where} ORDER BY position DESC LIMIT ${limit}`.compile(
          compiler,
        );
        const { rows } = await database.readers.query<RecordColumns>(text, [...parameters]);
        return rows.map(recordOf);
      }),
  };
}

const aboutColumns = { group: "api_group", resource: "resource", namespace: "namespace", name: "name" } as const;

/** undefined: asks for a key that cannot be stored. */
function conditionsOf({ type, about = {}, actor, since, before }: RecordQuery): readonly RawBuilder<unknown>[] | undefined {
  const parts = (["group", "resource", "namespace", "name"] as const).flatMap((part) => {
    const value = about[part];
    return value === undefined ? [] : [{ part, value }];
  });
  if (parts.some(({ value }) => !isStorable(value))) return undefined;
  return [
    ...parts.map(({ part, value }) => sql`${sql.ref(aboutColumns[part])} = ${value}`),
    ...(type === undefined ? [] : [sql`type = ${type}`]),
    ...(actor === undefined ? [] : [sql`actor = ${storableText(actor)}`]),
    ...(since === undefined ? [] : [sql`at >= to_timestamp(${since}::float8 / 1000.0)`]),
    ...(before === undefined ? [] : [sql`position < ${before}`]),
  ];
}

function recordOf(row: RecordColumns): StoredRecord {
  const details = JSON.parse(row.details) as JsonObject; // written by the writer from NewRecord.details
  return {
    position: Number(row.position),
    at: instant(row.at.getTime()),
    type: row.type,
    about: { group: row.api_group, resource: row.resource, namespace: row.namespace, name: row.name },
    ...(row.uid === null ? {} : { uid: row.uid }),
    actor: row.actor,
    reason: row.reason,
    message: row.message,
    details,
    retention: row.retention,
  };
}
