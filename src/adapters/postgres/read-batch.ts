import type pg from "pg";
import { keyText } from "../../domain/object/api-object.ts";
import type { Row } from "../../ports/decide-commit.ts";
import type { Transaction } from "../../ports/resources.ts";
import type { Lease } from "../../ports/work.ts";
import { KEY_ARRAYS, KEY_ARRAYS_AND, keyArrays } from "./key-arrays.ts";
import { TAKE_LOCK } from "./lock.ts";
import type { Found } from "./plan-batch.ts";
import { rowOf, tableOf, versionOf } from "./rows.ts";
import type { Codec, RowColumns } from "./rows.ts";

const COLUMNS = "o.api_group, o.resource, o.namespace, o.name, o.uid, o.resource_version, o.json, o.labels, o.fields, o.links";
const readRows = (table: string) => ({
  name: `read-${table}`,
  text: `SELECT ${COLUMNS} FROM ${KEY_ARRAYS} AS k (g, r, s, n) JOIN slipway.${table} o ON o.api_group = k.g AND o.resource = k.r AND o.namespace = k.s AND o.name = k.n`,
});
const readObjects = readRows("objects");
const readEvents = readRows("events");
const readRevision = { name: "read-revision", text: "SELECT last, last_record FROM slipway.revision" };
// Locked until the commit: nobody claims the row between this look and the write it allows. By the clock, not the start of the transaction, which was before the wait for the lock.
const readLeases = {
  name: "read-leases",
  text: `SELECT w.controller, w.api_group, w.resource, w.namespace, w.name, w.lease_owner, w.epoch
    FROM ${KEY_ARRAYS_AND}, $5::text[], $6::text[], $7::bigint[]) AS k (g, r, s, n, controller, owner, epoch)
    JOIN slipway.work w ON w.controller = k.controller AND w.api_group = k.g AND w.resource = k.r AND w.namespace = k.s AND w.name = k.n
      AND w.lease_owner = k.owner AND w.epoch = k.epoch AND w.lease_until > clock_timestamp()
    FOR UPDATE OF w`,
};

/** Opens the transaction, takes the lock and reads all that the batch depends on, in one exchange with the server. */
export async function readBatch(client: pg.Client, codec: Codec, transactions: readonly Transaction[]): Promise<Found> {
  const keys = new Map(transactions.flatMap(({ writes }) => writes.map(({ key }) => [keyText(key), key] as const)));
  const objects = [...keys.values()].filter((key) => tableOf(key) === "objects");
  const events = [...keys.values()].filter((key) => tableOf(key) === "events");
  const guards = transactions.flatMap(({ guard }) => guard ?? []);
  const none = { rows: [] };
  const [, , revision, foundObjects, foundEvents, leases] = await Promise.all([
    client.query("BEGIN"),
    client.query(TAKE_LOCK),
    client.query<{ last: string; last_record: string }>(readRevision),
    objects.length === 0 ? none : client.query<RowColumns>({ ...readObjects, values: keyArrays(objects) }),
    events.length === 0 ? none : client.query<RowColumns>({ ...readEvents, values: keyArrays(events) }),
    guards.length === 0 ? none : client.query<LeaseColumns>({ ...readLeases, values: leaseArrays(guards) }),
  ]);
  const [counters] = revision.rows;
  if (counters === undefined) throw new Error("the row of slipway.revision is missing; restore a backup");
  const rows = new Map<string, Row | undefined>();
  for (const columns of [...foundObjects.rows, ...foundEvents.rows]) {
    const row = rowOf(codec, columns);
    rows.set(keyText(row.stored.key), row);
  }
  return { last: versionOf(counters.last), lastRecord: Number(counters.last_record), rows, held: new Set(leases.rows.map(heldText)) };
}

interface LeaseColumns {
  readonly controller: string;
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly lease_owner: string;
  readonly epoch: string;
}

const heldText = (row: LeaseColumns): string =>
  `${row.controller} ${row.api_group}/${row.resource}/${row.namespace}/${row.name} ${row.epoch} ${row.lease_owner}`;

function leaseArrays(leases: readonly Lease[]): unknown[] {
  return [
    ...keyArrays(leases.map((lease) => lease.key)),
    leases.map((lease) => lease.controller),
    leases.map((lease) => lease.owner),
    leases.map((lease) => lease.epoch),
  ];
}
