import type pg from "pg";
import { instant, milliseconds } from "../../domain/units.ts";
import type { Milliseconds } from "../../domain/units.ts";
import { evenTurns, turnsAfter } from "../../domain/work/turns.ts";
import type { Lease, WorkQueue } from "../../ports/work.ts";
import { told } from "./database.ts";
import type { Database } from "./database.ts";
import type { BatchingWriter } from "./batching-writer.ts";

export interface WorkSignal {
  /** Wakes whoever waits for work of these controllers; undefined = of any. */
  tell(controllers: readonly string[] | undefined): void;
  wait(
    controllers: readonly string[],
    atMost: Milliseconds,
    signal: AbortSignal,
  ): { readonly done: Promise<void>; readonly shorten: (to: Milliseconds) => void };
}

// Who has due work is found by jumping through the index from party to party, so that ten thousand due rows of one do not hide the single row of another.
// $5 and $6: how many turns each party is ahead (domain/work/turns.ts). Candidates are more than needed, as others may hold some of them locked.
const claim = {
  name: "claim",
  text: `WITH RECURSIVE party AS (
      (SELECT controller, namespace FROM slipway.work WHERE due_at IS NOT NULL AND controller = ANY ($2::text[]) ORDER BY controller, namespace LIMIT 1)
      UNION ALL
      SELECT n.controller, n.namespace FROM party p CROSS JOIN LATERAL (
        SELECT controller, namespace FROM slipway.work WHERE due_at IS NOT NULL AND controller = ANY ($2::text[]) AND (controller, namespace) > (p.controller, p.namespace)
        ORDER BY controller, namespace LIMIT 1) n
    ), candidate AS MATERIALIZED (
      SELECT w.*, coalesce(a.ahead, 0) + row_number() OVER (PARTITION BY w.controller, w.namespace ORDER BY w.due_at, w.api_group, w.resource, w.name) - 1 AS turn
      FROM party p CROSS JOIN LATERAL (
        SELECT controller, api_group, resource, namespace, name, due_at FROM slipway.work
        WHERE due_at IS NOT NULL AND controller = p.controller AND namespace = p.namespace AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $3::int * 4) w
      LEFT JOIN unnest($5::text[], $6::float8[]) AS a (party, ahead) ON a.party = w.controller || '/' || w.namespace
    ), chosen AS MATERIALIZED (
      SELECT w.controller, w.api_group, w.resource, w.namespace, w.name, c.turn, c.due_at FROM candidate c
      JOIN slipway.work w USING (controller, api_group, resource, namespace, name)
      WHERE w.due_at <= clock_timestamp()
      ORDER BY c.turn, c.due_at, w.controller, w.api_group, w.resource, w.namespace, w.name LIMIT $3::int FOR UPDATE OF w SKIP LOCKED
    ), taken AS (
      UPDATE slipway.work w SET lease_owner = $1, lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond', epoch = nextval('slipway.work_epoch'),
        wake_at = CASE WHEN w.wake_at <= clock_timestamp() THEN NULL ELSE w.wake_at END
      FROM chosen c WHERE w.controller = c.controller AND w.api_group = c.api_group AND w.resource = c.resource AND w.namespace = c.namespace AND w.name = c.name
      RETURNING w.controller, w.api_group, w.resource, w.namespace, w.name, w.lease_owner, w.epoch, w.attempts, extract(epoch FROM clock_timestamp())::float8 * 1000 AS at, c.turn, c.due_at
    ) SELECT * FROM taken ORDER BY turn, due_at, controller, api_group, resource, namespace, name`,
};
const ONE =
  "controller = $1 AND api_group = $2 AND resource = $3 AND namespace = $4 AND name = $5 AND lease_owner = $6 AND epoch = $7 AND lease_until > clock_timestamp()";
const renew = {
  name: "renew",
  text: `UPDATE slipway.work SET lease_until = clock_timestamp() + $8::float8 * interval '1 millisecond' WHERE ${ONE} RETURNING epoch`,
};
// One statement: the row stays where it still waits for something, or remembers failures.
const release = {
  name: "release",
  text: `WITH gone AS (DELETE FROM slipway.work WHERE ${ONE} AND wake_at IS NULL AND $8::float8 IS NULL AND $9::int = 0 RETURNING epoch)
    UPDATE slipway.work SET lease_owner = NULL, lease_until = NULL, wake_at = least(wake_at, to_timestamp($8::float8 / 1000.0)), attempts = $9::int
    WHERE ${ONE} AND NOT EXISTS (SELECT FROM gone)`,
};
const next = {
  name: "next-due",
  text: `SELECT extract(epoch FROM min(w.due_at) - clock_timestamp())::float8 * 1000 AS wait FROM unnest($1::text[]) AS c (controller)
    CROSS JOIN LATERAL (SELECT due_at FROM slipway.work WHERE controller = c.controller AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) w`,
};

interface ClaimedColumns {
  readonly controller: string;
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly lease_owner: string;
  readonly epoch: string;
  readonly attempts: number;
  readonly at: number;
}

/** Claims, renewals and releases are single statements of their own; wake-ups go with the writer's batches. */
export function workQueue({
  database,
  writer,
  signal: news,
}: {
  readonly database: Database;
  readonly writer: BatchingWriter;
  readonly signal: WorkSignal;
}): WorkQueue {
  const { workers } = database;
  let turns = evenTurns;
  return {
    claim: (owner, controllers, limit, leaseFor) =>
      told(database, async () => {
        if (limit < 1 || controllers.length === 0) return [];
        const ahead = [...turns.finished].map(([party, tag]) => [party, tag - turns.virtualTime] as const);
        const { rows } = await workers.query<ClaimedColumns>({
          ...claim,
          values: [owner, [...controllers], limit, leaseFor, ahead.map(([party]) => party), ahead.map(([, by]) => by)],
        });
        turns = turnsAfter(turns, rows);
        return rows.map(leaseOf);
      }),
    renew: (leases, leaseFor) =>
      told(database, async () => {
        const kept = await Promise.all(leases.map((lease) => isRenewed(workers, lease, leaseFor)));
        return leases.filter((_, index) => kept[index] === true);
      }),
    release: (lease, { wakeAt, failed }) =>
      told(database, async () => {
        await workers.query({ ...release, values: [...leaseValues(lease), wakeAt ?? null, failed ? lease.attempts + 1 : 0] });
        news.tell([lease.controller]);
      }),
    wake: async (wakes) => {
      if (wakes.length > 0) await writer.commit({ writes: [], wakes });
    },
    due: (controllers, atMost, signal) =>
      told(database, async () => {
        if (signal.aborted) return;
        // Listen first, then look: what comes in between is not lost.
        const waiting = news.wait(controllers, atMost, signal);
        const { rows } = await workers.query<{ wait: number | null }>({ ...next, values: [[...controllers]] });
        const wait = rows[0]?.wait;
        if (wait !== undefined && wait !== null) waiting.shorten(milliseconds(wait));
        await waiting.done;
      }),
  };
}

async function isRenewed(workers: pg.Pool, lease: Lease, leaseFor: Milliseconds): Promise<boolean> {
  const { rowCount } = await workers.query({ ...renew, values: [...leaseValues(lease), leaseFor] });
  return rowCount === 1;
}

function leaseValues({ controller, key, owner, epoch }: Lease): unknown[] {
  return [controller, key.group, key.resource, key.namespace, key.name, owner, epoch];
}

function leaseOf(row: ClaimedColumns): Lease {
  const key = { group: row.api_group, resource: row.resource, namespace: row.namespace, name: row.name };
  return {
    controller: row.controller,
    key,
    owner: row.lease_owner,
    epoch: Number(row.epoch),
    attempts: row.attempts,
    at: instant(Math.floor(row.at)),
  };
}

/** Within this control plane: told by its writer, and by the feed for the others. */
export function workSignal(): WorkSignal {
  const waiting = new Set<{ readonly controllers: readonly string[]; readonly go: () => void }>();
  return {
    tell: (controllers) => {
      for (const one of waiting)
        if (controllers === undefined || controllers.some((controller) => one.controllers.includes(controller))) one.go();
    },
    wait: (controllers, atMost, signal) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      let timer: NodeJS.Timeout | undefined;
      const go = () => {
        clearTimeout(timer);
        waiting.delete(one);
        signal.removeEventListener("abort", go);
        resolve(undefined);
      };
      const one = { controllers, go };
      const end = performance.now() + atMost;
      const shorten = (to: Milliseconds) => {
        clearTimeout(timer);
        if (waiting.has(one)) timer = setTimeout(go, Math.max(0, Math.min(to, end - performance.now(), 2 ** 31 - 1)));
      };
      waiting.add(one);
      signal.addEventListener("abort", go);
      shorten(atMost);
      return { done: promise, shorten };
    },
  };
}
