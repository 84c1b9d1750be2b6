import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type pg from "pg";
import type { ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import type { FieldRequirement, LabelRequirement } from "../../domain/object/selector.ts";
import { isStorable, isStorableKey, storableSelection, storableText } from "../../domain/object/storable-text.ts";
import { expiredError } from "../../ports/decide-commit.ts";
import type { ListPage, ListQuery, Reader, StoredObject } from "../../ports/resources.ts";
import { compiler, told } from "./database.ts";
import type { Database } from "./database.ts";
import { storedOf, tableOf, versionOf } from "./rows.ts";
import type { Codec, ObjectColumns } from "./rows.ts";

type Queries = Pick<pg.ClientBase, "query">;

const getFrom = (table: string) => ({
  name: `get-${table}`,
  text: `SELECT namespace, name, uid, resource_version, json FROM slipway.${table} WHERE api_group = $1 AND resource = $2 AND namespace = $3 AND name = $4`,
});
const getObject = getFrom("objects");
const getEvent = getFrom("events");
const getPosition = {
  name: "get-position",
  text: "SELECT last, forgotten, CASE WHEN restored_at = forgotten THEN restored_from END AS restored_from FROM slipway.revision, slipway.horizon",
};

export interface Position {
  readonly last: ResourceVersion;
  readonly horizon: ResourceVersion;
  /** The version of the backup that this store was restored from, which shows the same as `horizon`; absent once changes since then are forgotten. */
  readonly restoredFrom?: ResourceVersion;
}

/** The version itself, or of a restored store where it went on. Throws `expired` for one that cannot be shown. */
export function shownVersion({ last, horizon, restoredFrom }: Position, asked: ResourceVersion): ResourceVersion {
  if (asked === restoredFrom) return horizon;
  if (asked > last || asked < horizon) throw expiredError(asked, horizon, last);
  return asked;
}

export async function readPosition(queries: Queries): Promise<Position> {
  const { rows } = await queries.query<{ last: string; forgotten: string; restored_from: string | null }>(getPosition);
  const [row] = rows;
  if (row === undefined) throw new Error("the row of slipway.revision is missing; restore a backup");
  const restored = row.restored_from === null ? {} : { restoredFrom: versionOf(row.restored_from) };
  return { last: versionOf(row.last), horizon: versionOf(row.forgotten), ...restored };
}

export async function readObject(queries: Queries, codec: Codec, key: ObjectKey): Promise<StoredObject | undefined> {
  if (!isStorableKey(key)) return undefined;
  const { rows } = await queries.query<ObjectColumns>({
    ...(tableOf(key) === "objects" ? getObject : getEvent),
    values: [key.group, key.resource, key.namespace, key.name],
  });
  const [row] = rows;
  return row === undefined ? undefined : storedOf(codec, key, row);
}

/** Reads within a transaction that shows one moment. */
export function snapshotReader(database: Pick<Database, "place">, client: pg.ClientBase, codec: Codec): Reader {
  return {
    get: (key) => told(database, () => readObject(client, codec, key)),
    list: (query) => told(database, () => readList(client, codec, query)),
  };
}

/** One page. `client` must be in a transaction that shows one moment. */
async function readList(client: Queries, codec: Codec, asked: ListQuery): Promise<ListPage> {
  const query = storableSelection(asked);
  const wanted = query.after?.at ?? query.at;
  // The common case in one exchange; the position decides whether the rows were the right ones.
  const [position, current] = await Promise.all([
    readPosition(client),
    wanted === undefined ? readRows(client, query, undefined) : undefined,
  ]);
  const then = wanted === undefined ? undefined : shownVersion(position, wanted);
  const rows = current ?? (await readRows(client, query, then === position.last ? undefined : then));
  const items = rows.slice(0, query.limit).map((row) => storedOf(codec, query, row));
  const version = then ?? position.last;
  const end = items.at(-1);
  if (end === undefined || items.length === rows.length) return { items, resourceVersion: version };
  return { items, resourceVersion: version, next: { at: version, namespace: end.key.namespace, name: end.key.name } };
}

/** One row more than the limit, to see whether there is a next page. */
async function readRows(client: Queries, query: ListQuery, then: ResourceVersion | undefined): Promise<readonly ObjectColumns[]> {
  if (!isStorable(query.group) || !isStorable(query.resource) || !isStorable(query.namespace ?? "")) return [];
  const limit = query.limit === undefined ? sql`` : sql`LIMIT ${Math.max(0, query.limit) + 1}`;
  const rows = then === undefined ? currentRows(query, sql``) : rowsThen(query, then);
  const { sql: text, parameters } = sql`${rows} ORDER BY namespace, name ${limit}`.compile(compiler);
  const found = await client.query<ObjectColumns>(text, [...parameters]);
  return found.rows;
}

function currentRows(query: ListQuery, more: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`SELECT namespace, name, uid, resource_version, json FROM ${sql.table(`slipway.${tableOf(query)}`)}
    WHERE ${placeOf(query)} ${more} ${selectionOf(query, { labels: sql`labels`, fields: sql`fields`, links: sql`links` })}`;
}

/** The state at an earlier version: what has not changed since, and of the rest what it was before its first change after that version. */
function rowsThen(query: ListQuery, then: ResourceVersion): RawBuilder<unknown> {
  const earlier = { labels: sql`previous_labels`, fields: sql`previous_fields`, links: sql`previous_links` };
  return sql`SELECT * FROM (
    ${currentRows(query, sql`AND resource_version <= ${then}`)}
    UNION ALL
    SELECT namespace, name, uid, previous_version, previous_json FROM (
      SELECT DISTINCT ON (namespace, name) * FROM slipway.changes WHERE ${placeOf(query)} AND resource_version > ${then} ORDER BY namespace, name, resource_version
    ) AS since WHERE previous_json IS NOT NULL ${selectionOf(query, earlier)}) AS page`;
}

function placeOf({ group, resource, namespace, after }: ListQuery): RawBuilder<unknown> {
  const within = namespace === undefined ? sql`` : sql`AND namespace = ${namespace}`;
  const behind = after === undefined ? sql`` : sql`AND (namespace, name) > (${storableText(after.namespace)}, ${storableText(after.name)})`;
  return sql`api_group = ${group} AND resource = ${resource} ${within} ${behind}`;
}

interface Columns {
  readonly labels: RawBuilder<unknown>;
  readonly fields: RawBuilder<unknown>;
  readonly links: RawBuilder<unknown>;
}

function selectionOf({ labels = [], fields = [], linkedTo }: ListQuery, columns: Columns): RawBuilder<unknown> {
  const all = [
    ...labels.map((requirement) => labelHolds(requirement, columns.labels)),
    ...fields.map((requirement) => fieldHolds(requirement, columns.fields)),
    ...(linkedTo === undefined ? [] : [sql`${columns.links} @> ARRAY[${storableText(linkedTo)}::text]`]),
  ];
  return all.length === 0 ? sql`` : sql`AND ${sql.join(all, sql` AND `)}`;
}

/** The same as matchesLabels in domain/object/selector.ts, in SQL; the contract suite holds the two together. */
function labelHolds(requirement: LabelRequirement, labels: RawBuilder<unknown>): RawBuilder<unknown> {
  const value = sql`(${labels} ->> ${requirement.label}::text)`;
  switch (requirement.operator) {
    case "exists":
      return sql`${value} IS NOT NULL`;
    case "notExists":
      return sql`${value} IS NULL`;
    case "in":
      return sql`${value} = ANY (${requirement.values}::text[])`;
    case "notIn":
      return sql`coalesce(${value} <> ALL (${requirement.values}::text[]), true)`;
    case "greaterThan":
      return sql`CASE WHEN ${value} ~ '^-?[0-9]{1,255}$' THEN ${value}::numeric > ${requirement.than}::numeric ELSE false END`;
    case "lessThan":
      return sql`CASE WHEN ${value} ~ '^-?[0-9]{1,255}$' THEN ${value}::numeric < ${requirement.than}::numeric ELSE false END`;
  }
}

function fieldHolds({ field, operator, value }: FieldRequirement, fields: RawBuilder<unknown>): RawBuilder<unknown> {
  const found =
    field === "metadata.name"
      ? sql`name`
      : field === "metadata.namespace"
        ? sql`namespace`
        : sql`coalesce(${fields} ->> ${field}::text, '')`;
  return operator === "equals" ? sql`${found} = ${value}` : sql`${found} <> ${value}`;
}
