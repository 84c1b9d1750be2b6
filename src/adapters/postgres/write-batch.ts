import type pg from "pg";
import { storableText } from "../../domain/object/storable-text.ts";
import type { Row } from "../../ports/decide-commit.ts";
import { KEY_ARRAYS, KEY_ARRAYS_AND, keyArrays } from "./key-arrays.ts";
import type { BatchPlan } from "./plan-batch.ts";
import { arrayLiteral, tableOf } from "./rows.ts";
import type { Codec } from "./rows.ts";

const upsert = (table: string, more: { readonly columns: string; readonly values: string; readonly set: string }) => ({
  name: `upsert-${table}`,
  text: `INSERT INTO slipway.${table} AS o (api_group, resource, namespace, name, uid, resource_version, json, labels, fields, links${more.columns})
    SELECT g, r, s, n, u, v, j, l::jsonb, f::jsonb, k::text[]${more.values}
    FROM ${KEY_ARRAYS_AND}, $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) AS t (g, r, s, n, u, v, j, l, f, k)
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
    FROM ${KEY_ARRAYS_AND}, $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[])
      AS x (g, r, s, n, u, v, j, l, f, t, pv, pj, pl, pf, pk)`,
};
const setRevision = { name: "set-revision", text: "UPDATE slipway.revision SET last = $1, last_record = $2" };
const insertRecords = {
  name: "insert-records",
  text: `INSERT INTO slipway.records (position, type, api_group, resource, namespace, name, uid, actor, reason, message, details, retention, at)
    SELECT p, t, g, r, s, n, u, a, e, m, d, c, clock_timestamp()
    FROM ${KEY_ARRAYS_AND}, $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) AS x (g, r, s, n, p, t, u, a, e, m, d, c)`,
};
// Rows are taken in one order by everybody who takes more than one.
const upsertWork = `ON CONFLICT (controller, api_group, resource, namespace, name) DO UPDATE SET wake_at = EXCLUDED.wake_at WHERE w.wake_at IS NULL OR w.wake_at > EXCLUDED.wake_at`;
const insertWakes = {
  name: "insert-wakes",
  text: `INSERT INTO slipway.work AS w (controller, api_group, resource, namespace, name, wake_at)
    SELECT c, g, r, s, n, min(coalesce(to_timestamp(at / 1000.0), clock_timestamp()))
    FROM ${KEY_ARRAYS_AND}, $5::text[], $6::float8[]) AS x (g, r, s, n, c, at) GROUP BY c, g, r, s, n ORDER BY c COLLATE "C", g COLLATE "C", r COLLATE "C", s COLLATE "C", n COLLATE "C" ${upsertWork}`,
};
const insertLinkedWakes = (table: string) => ({
  name: `insert-linked-wakes-${table}`,
  text: `INSERT INTO slipway.work AS w (controller, api_group, resource, namespace, name, wake_at)
    SELECT DISTINCT x.c COLLATE "C", o.api_group, o.resource, o.namespace, o.name, statement_timestamp()
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS x (c, link, g, r)
    JOIN slipway.${table} o ON o.links @> ARRAY[x.link] AND o.api_group = x.g AND o.resource = x.r
    ORDER BY 1, 2, 3, 4, 5 ${upsertWork}`,
});
const linkedObjects = insertLinkedWakes("objects");
const linkedEvents = insertLinkedWakes("events");
const finishWork = {
  name: "finish-work",
  text: `UPDATE slipway.work w SET lease_owner = NULL, lease_until = NULL, attempts = k.attempts, wake_at = least(w.wake_at, to_timestamp(k.at / 1000.0))
    FROM ${KEY_ARRAYS_AND}, $5::text[], $6::float8[], $7::int[]) AS k (g, r, s, n, c, at, attempts)
    WHERE w.controller = k.c AND w.api_group = k.g AND w.resource = k.r AND w.namespace = k.s AND w.name = k.n`,
};
const dropIdle = {
  name: "drop-idle-work",
  text: `DELETE FROM slipway.work w USING ${KEY_ARRAYS_AND}, $5::text[]) AS k (g, r, s, n, c)
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
          {
            ...finishWork,
            values: [...finishKeys, finishes.map(({ wakeAt }) => wakeAt ?? null), finishes.map(({ attempts }) => attempts)],
          },
          { ...dropIdle, values: finishKeys },
        ]),
  ];
}
