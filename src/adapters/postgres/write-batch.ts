import type pg from "pg";
import { keyText, resourceVersion } from "../../domain/object/api-object.ts";
import type { ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import { storableText } from "../../domain/object/storable-text.ts";
import type { Instant } from "../../domain/units.ts";
import { decideCommit, fencedError } from "../../ports/decide-commit.ts";
import type { Row, RowChange } from "../../ports/decide-commit.ts";
import type { NewRecord } from "../../ports/records.ts";
import type { Derivations, StoredObject, Transaction, WakeRule } from "../../ports/resources.ts";
import type { Lease, Wake } from "../../ports/work.ts";
import { TAKE_LOCK } from "./lock.ts";
import { arrayLiteral, rowOf, tableOf, versionOf } from "./rows.ts";
import type { Codec, RowColumns } from "./rows.ts";

/** What a batch found under the lock. */
interface Found {
  readonly last: ResourceVersion;
  readonly lastRecord: number;
  readonly rows: Map<string, Row | undefined>;
  readonly held: ReadonlySet<string>;
}

interface Finish {
  readonly lease: Lease;
  readonly wakeAt: Instant | undefined;
}

type LinkRule = Extract<WakeRule, { linkedTo: string }>;

/** All that a batch will write, and what each of its transactions is answered. */
export interface BatchPlan {
  readonly answers: readonly PromiseSettledResult<readonly StoredObject[]>[];
  readonly first: ResourceVersion;
  readonly last: ResourceVersion;
  readonly changes: readonly RowChange[];
  readonly rows: ReadonlyMap<string, { readonly key: ObjectKey; readonly row: Row | undefined }>;
  readonly records: readonly NewRecord[];
  readonly firstRecord: number;
  readonly wakes: readonly Wake[];
  readonly links: readonly LinkRule[];
  readonly finishes: readonly Finish[];
  /** Controllers that got work. */
  readonly woken: readonly string[];
}

const KEY_ARRAYS = "unnest($1::text[], $2::text[], $3::text[], $4::text[])";
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
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[]) AS k (g, r, s, n, controller, owner, epoch)
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
const leaseText = (lease: Lease): string => `${lease.controller} ${keyText(lease.key)} ${lease.epoch} ${lease.owner}`;

/** Decides the transactions one after the other, each on what those before it leave. Pure but for the merges it calls. */
export function planBatch(found: Found, transactions: readonly Transaction[], derivations: Derivations): BatchPlan {
  const rows = new Map(found.rows);
  const touched = new Map<string, { readonly key: ObjectKey; readonly row: Row | undefined }>();
  const finished = new Set<string>();
  const changes: RowChange[] = [];
  const records: NewRecord[] = [];
  const wakes: Wake[] = [];
  const rules: WakeRule[] = [];
  const finishes: Finish[] = [];
  let last = found.last;
  const decide = (transaction: Transaction): readonly StoredObject[] => {
    const { guard, finish } = transaction;
    if (guard !== undefined && (!found.held.has(leaseText(guard)) || finished.has(leaseText(guard))))
      throw fencedError(guard.controller, guard.key);
    const decided = decideCommit(transaction, (key) => rows.get(keyText(key)), last, derivations);
    if (transaction.dryRun === true) return decided.stored;
    for (const change of decided.changes) {
      const { key } = change.row.stored;
      const row = change.type === "deleted" ? undefined : change.row;
      rows.set(keyText(key), row);
      touched.set(keyText(key), { key, row });
    }
    last = decided.last;
    changes.push(...decided.changes);
    records.push(...(transaction.records ?? []));
    wakes.push(...(transaction.wakes ?? []));
    rules.push(...decided.wakes);
    if (guard !== undefined && finish !== undefined) {
      finished.add(leaseText(guard));
      finishes.push({ lease: guard, wakeAt: finish.wakeAt });
    }
    return decided.stored;
  };
  const answers = transactions.map((transaction) => settled(() => decide(transaction)));
  const direct = [...wakes, ...rules.filter((rule) => "key" in rule)];
  const links = rules.filter((rule) => "linkedTo" in rule);
  return {
    answers,
    first: resourceVersion(found.last + 1),
    last,
    changes,
    rows: touched,
    records,
    firstRecord: found.lastRecord + 1,
    wakes: direct,
    links,
    finishes,
    woken: [...new Set([...direct, ...links, ...finishes.map(({ lease }) => lease)].map(({ controller }) => controller))],
  };
}

function settled<T>(decide: () => T): PromiseSettledResult<T> {
  try {
    return { status: "fulfilled", value: decide() };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}

const upsert = (table: string, more: { readonly columns: string; readonly values: string; readonly set: string }) => ({
  name: `upsert-${table}`,
  text: `INSERT INTO slipway.${table} AS o (api_group, resource, namespace, name, uid, resource_version, json, labels, fields, links${more.columns})
    SELECT g, r, s, n, u, v, j, l::jsonb, f::jsonb, k::text[]${more.values}
    FROM ${KEY_ARRAYS.slice(0, -1)}, $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) AS t (g, r, s, n, u, v, j, l, f, k)
    ON CONFLICT (api_group, resource, namespace, name) DO UPDATE
    SET uid = EXCLUDED.uid, resource_version = EXCLUDED.resource_version, json = EXCLUDED.json, labels = EXCLUDED.labels, fields = EXCLUDED.fields, links = EXCLUDED.links${more.set}`,
});
const upsertObjects = upsert("objects", { columns: "", values: "", set: "" });
const upsertEvents = upsert("events", { columns: ", last_seen", values: ", clock_timestamp()", set: ", last_seen = EXCLUDED.last_seen" });
const remove = (table: string) => ({
  name: `delete-${table}`,
  text: `DELETE FROM slipway.${table} o USING ${KEY_ARRAYS} AS k (g, r, s, n) WHERE o.api_group = k.g AND o.resource = k.r AND o.namespace = k.s AND o.name = k.n`,
});
const deleteObjects = remove("objects");
const deleteEvents = remove("events");
const insertChanges = {
  name: "insert-changes",
  text: `INSERT INTO slipway.changes (resource_version, type, api_group, resource, namespace, name, uid, json, labels, fields, previous_version, previous_json, previous_labels, previous_fields, previous_links, batch, at)
    SELECT v, t, g, r, s, n, u, j, l::jsonb, f::jsonb, pv, pj, pl::jsonb, pf::jsonb, pk::text[], $16::uuid, clock_timestamp()
    FROM ${KEY_ARRAYS.slice(0, -1)}, $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[])
      AS x (g, r, s, n, u, v, j, l, f, t, pv, pj, pl, pf, pk)`,
};
const setRevision = { name: "set-revision", text: "UPDATE slipway.revision SET last = $1, last_record = $2" };
const insertRecords = {
  name: "insert-records",
  text: `INSERT INTO slipway.records (position, type, api_group, resource, namespace, name, uid, actor, reason, message, details, retention, at)
    SELECT p, t, g, r, s, n, u, a, e, m, d, c, clock_timestamp()
    FROM ${KEY_ARRAYS.slice(0, -1)}, $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) AS x (g, r, s, n, p, t, u, a, e, m, d, c)`,
};
// Rows are taken in one order by everybody who takes more than one.
const upsertWork = `ON CONFLICT (controller, api_group, resource, namespace, name) DO UPDATE SET wake_at = EXCLUDED.wake_at WHERE w.wake_at IS NULL OR w.wake_at > EXCLUDED.wake_at`;
const insertWakes = {
  name: "insert-wakes",
  text: `INSERT INTO slipway.work AS w (controller, api_group, resource, namespace, name, wake_at)
    SELECT c, g, r, s, n, min(coalesce(to_timestamp(at / 1000.0), clock_timestamp()))
    FROM ${KEY_ARRAYS.slice(0, -1)}, $5::text[], $6::float8[]) AS x (g, r, s, n, c, at) GROUP BY c, g, r, s, n ORDER BY c COLLATE "C", g COLLATE "C", r COLLATE "C", s COLLATE "C", n COLLATE "C" ${upsertWork}`,
};
const insertLinkedWakes = (table: string) => ({
  name: `insert-linked-wakes-${table}`,
  text: `INSERT INTO slipway.work AS w (controller, api_group, resource, namespace, name, wake_at)
    SELECT DISTINCT x.c COLLATE "C", o.api_group, o.resource, o.namespace, o.name, transaction_timestamp()
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS x (c, link, g, r)
    JOIN slipway.${table} o ON o.links @> ARRAY[x.link] AND o.api_group = x.g AND o.resource = x.r
    ORDER BY 1, 2, 3, 4, 5 ${upsertWork}`,
});
const linkedObjects = insertLinkedWakes("objects");
const linkedEvents = insertLinkedWakes("events");
const finishWork = {
  name: "finish-work",
  text: `UPDATE slipway.work w SET lease_owner = NULL, lease_until = NULL, attempts = 0, wake_at = least(w.wake_at, to_timestamp(k.at / 1000.0))
    FROM ${KEY_ARRAYS.slice(0, -1)}, $5::text[], $6::float8[]) AS k (g, r, s, n, c, at)
    WHERE w.controller = k.c AND w.api_group = k.g AND w.resource = k.r AND w.namespace = k.s AND w.name = k.n`,
};
const dropIdle = {
  name: "drop-idle-work",
  text: `DELETE FROM slipway.work w USING ${KEY_ARRAYS.slice(0, -1)}, $5::text[]) AS k (g, r, s, n, c)
    WHERE w.controller = k.c AND w.api_group = k.g AND w.resource = k.r AND w.namespace = k.s AND w.name = k.n AND w.lease_owner IS NULL AND w.wake_at IS NULL AND w.attempts = 0`,
};

/** Writes the plan and commits, in one exchange with the server. A statement that fails makes the COMMIT a ROLLBACK and rejects. */
export async function writeBatch(client: pg.Client, codec: Codec, plan: BatchPlan, batch: string, notice: string): Promise<void> {
  const statements: pg.QueryConfig[] = [
    ...objectStatements(codec, plan),
    ...changeStatements(codec, plan, batch),
    ...recordStatements(plan),
    ...workStatements(plan),
  ];
  if (statements.length === 0) {
    await client.query("ROLLBACK");
    return;
  }
  statements.push({ name: "notify", text: "SELECT pg_notify('slipway', $1)", values: [notice] });
  const results = await Promise.all([...statements.map((statement) => client.query(statement)), client.query("COMMIT")]);
  if (results.at(-1)?.command !== "COMMIT") throw new Error("PostgreSQL rolled the batch back without saying why");
}

function objectStatements(codec: Codec, plan: BatchPlan): readonly pg.QueryConfig[] {
  const touched = [...plan.rows.values()];
  return (["objects", "events"] as const).flatMap((table) => {
    const ofTable = touched.filter(({ key }) => tableOf(key) === table);
    const kept = ofTable.flatMap(({ row }) => row ?? []);
    const gone = ofTable.filter(({ row }) => row === undefined).map(({ key }) => key);
    return [
      ...(gone.length === 0 ? [] : [{ ...(table === "objects" ? deleteObjects : deleteEvents), values: keyArrays(gone) }]),
      ...(kept.length === 0 ? [] : [{ ...(table === "objects" ? upsertObjects : upsertEvents), values: rowArrays(codec, kept) }]),
    ];
  });
}

function rowArrays(codec: Codec, rows: readonly Row[]): unknown[] {
  return [...stateArrays(codec, rows), rows.map((row) => arrayLiteral(row.links))];
}

function stateArrays(codec: Codec, rows: readonly Row[]): unknown[] {
  return [
    ...keyArrays(rows.map((row) => row.stored.key)),
    rows.map((row) => row.stored.uid),
    rows.map((row) => row.stored.resourceVersion),
    rows.map((row) => codec.seal(row.stored.json, row.stored.key)),
    rows.map((row) => JSON.stringify(row.labels)),
    rows.map((row) => JSON.stringify(row.fields)),
  ];
}

function changeStatements(codec: Codec, plan: BatchPlan, batch: string): readonly pg.QueryConfig[] {
  const { changes, records } = plan;
  if (changes.length === 0 && records.length === 0) return [];
  const revision = { ...setRevision, values: [plan.last, plan.firstRecord + records.length - 1] };
  if (changes.length === 0) return [revision];
  const previous = changes.map((change) => change.previous);
  const values = [
    ...stateArrays(
      codec,
      changes.map((change) => change.row),
    ),
    changes.map((change) => change.type),
    previous.map((row) => row?.stored.resourceVersion ?? null),
    previous.map((row) => (row === undefined ? null : codec.seal(row.stored.json, row.stored.key))),
    previous.map((row) => (row === undefined ? null : JSON.stringify(row.labels))),
    previous.map((row) => (row === undefined ? null : JSON.stringify(row.fields))),
    previous.map((row) => (row === undefined ? null : arrayLiteral(row.links))),
    batch,
  ];
  return [{ ...insertChanges, values }, revision];
}

function recordStatements({ records, firstRecord }: BatchPlan): readonly pg.QueryConfig[] {
  if (records.length === 0) return [];
  const values = [
    ...keyArrays(records.map((record) => record.about)),
    records.map((_, index) => firstRecord + index),
    records.map((record) => record.type),
    records.map((record) => (record.uid === undefined ? null : storableText(record.uid))),
    records.map((record) => storableText(record.actor)),
    records.map((record) => storableText(record.reason)),
    records.map((record) => storableText(record.message)),
    records.map((record) => JSON.stringify(record.details)),
    records.map((record) => record.retention),
  ];
  return [{ ...insertRecords, values }];
}

function workStatements({ wakes, links, finishes }: BatchPlan): readonly pg.QueryConfig[] {
  const leases = finishes.map(({ lease }) => lease);
  const finishKeys = [...keyArrays(leases.map((lease) => lease.key)), leases.map((lease) => lease.controller)];
  return [
    ...(wakes.length === 0
      ? []
      : [
          {
            ...insertWakes,
            values: [
              ...keyArrays(wakes.map((wake) => wake.key)),
              wakes.map((wake) => wake.controller),
              wakes.map((wake) => wake.at ?? null),
            ],
          },
        ]),
    ...(["objects", "events"] as const).flatMap((table) => {
      const rules = links.filter((rule) => tableOf(rule) === table);
      if (rules.length === 0) return [];
      const values = [
        rules.map((rule) => rule.controller),
        rules.map((rule) => storableText(rule.linkedTo)),
        rules.map((rule) => rule.group),
        rules.map((rule) => rule.resource),
      ];
      return [{ ...(table === "objects" ? linkedObjects : linkedEvents), values }];
    }),
    ...(finishes.length === 0
      ? []
      : [
          { ...finishWork, values: [...finishKeys, finishes.map(({ wakeAt }) => wakeAt ?? null)] },
          { ...dropIdle, values: finishKeys },
        ]),
  ];
}

function keyArrays(keys: readonly ObjectKey[]): unknown[] {
  return [keys.map((key) => key.group), keys.map((key) => key.resource), keys.map((key) => key.namespace), keys.map((key) => key.name)];
}

function leaseArrays(leases: readonly Lease[]): unknown[] {
  return [
    ...keyArrays(leases.map((lease) => lease.key)),
    leases.map((lease) => lease.controller),
    leases.map((lease) => lease.owner),
    leases.map((lease) => lease.epoch),
  ];
}
