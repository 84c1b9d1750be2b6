import type pg from "pg";
import { jsonEqual } from "../../domain/object/json.ts";
import type { ResourceVersion } from "../../domain/object/api-object.ts";
import type { Selectable } from "../../domain/object/watch-event.ts";
import type { Change, StoredObject } from "../../ports/resources.ts";
import type { RowChange } from "../../ports/decide-commit.ts";
import { unparsed } from "../../ports/stored-object.ts";
import type { FeedChange } from "./change-ring.ts";
import type { Position } from "./reader.ts";
import { unopenedOf, versionOf } from "./rows.ts";
import type { Codec, ObjectColumns } from "./rows.ts";

interface ChangeColumns extends ObjectColumns {
  readonly type: Change["type"];
  readonly api_group: string;
  readonly resource: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
  readonly previous_version: string | null;
  readonly previous_json: string | null;
  readonly previous_labels: Readonly<Record<string, string>> | null;
  readonly previous_fields: Readonly<Record<string, string>> | null;
}

/** A change read from the table. */
export interface ReadChange {
  readonly type: Change["type"];
  readonly stored: StoredObject;
  readonly state: Selectable;
  readonly before: Selectable | undefined;
  readonly previous: StoredObject | undefined;
  readonly bytes: number;
}

export interface ChangePage extends Position {
  readonly changes: readonly ReadChange[];
}

// The state before is sent only where a selector could have been left. One statement, so one moment: the horizon belongs to these rows.
const columns = `c.type, c.api_group, c.resource, c.namespace, c.name, c.uid, c.resource_version, c.json, c.labels, c.fields, c.previous_version, c.previous_labels, c.previous_fields,
  CASE WHEN c.type = 'modified' AND (c.labels <> c.previous_labels OR c.fields <> c.previous_fields) THEN c.previous_json END AS previous_json`;
const page = (of: string) => `SELECT r.last, h.forgotten, p.* FROM slipway.revision r CROSS JOIN slipway.horizon h
  LEFT JOIN LATERAL (SELECT ${columns} FROM slipway.changes c WHERE c.resource_version > $1 ${of} ORDER BY c.resource_version LIMIT $2) p ON true`;
const readAll = { name: "changes-all", text: page("") };
const readOfResource = { name: "changes-of-resource", text: page("AND c.api_group = $3 AND c.resource = $4") };

/** At most `limit` changes after `after`, in order, and how far the log reached at that moment. */
export async function readChanges(
  queries: Pick<pg.ClientBase, "query">,
  codec: Codec,
  of: { readonly group: string; readonly resource: string } | undefined,
  after: ResourceVersion,
  limit: number,
): Promise<ChangePage> {
  const statement =
    of === undefined ? { ...readAll, values: [after, limit] } : { ...readOfResource, values: [after, limit, of.group, of.resource] };
  const { rows } = await queries.query<(ChangeColumns | { readonly type: null }) & { readonly last: string; readonly forgotten: string }>(
    statement,
  );
  const [first] = rows;
  if (first === undefined) throw new Error("the row of slipway.revision is missing; restore a backup");
  const changes = rows
    .flatMap((row) => (row.type === null ? [] : [readChangeOf(codec, row)]))
    .sort((a, b) => a.stored.resourceVersion - b.stored.resourceVersion);
  return { last: versionOf(first.last), horizon: versionOf(first.forgotten), changes };
}

function readChangeOf(codec: Codec, row: ChangeColumns): ReadChange {
  const of = { group: row.api_group, resource: row.resource };
  const { type, previous_labels: labels, previous_fields: fields, previous_json: json, previous_version: version } = row;
  return {
    type,
    stored: unopenedOf(codec, of, row),
    state: { labels: row.labels, fields: row.fields },
    before: labels === null || fields === null ? undefined : { labels, fields },
    previous: json === null || version === null ? undefined : unopenedOf(codec, of, { ...row, resource_version: version, json }),
    bytes: row.json.length + (json?.length ?? 0),
  };
}

export function feedChangeOfColumns({ type, stored, state, before, previous, bytes }: ReadChange): FeedChange {
  return {
    version: stored.resourceVersion,
    event: { type, object: stored },
    before,
    after: type === "deleted" ? undefined : state,
    previous,
    bytes,
  };
}

/** Unparsed: the ring keeps thousands of them for minutes. */
export function feedChangeOf({ type, row, previous }: RowChange): FeedChange {
  const same = previous === undefined || (jsonEqual(previous.labels, row.labels) && jsonEqual(previous.fields, row.fields));
  return {
    version: row.stored.resourceVersion,
    event: { type, object: unparsed(row.stored) },
    before: previous === undefined ? undefined : { labels: previous.labels, fields: previous.fields },
    after: type === "deleted" ? undefined : { labels: row.labels, fields: row.fields },
    previous: same ? undefined : unparsed(previous.stored),
    bytes: row.stored.json.length + (same ? 0 : previous.stored.json.length),
  };
}
