import type pg from "pg";
import type { Milliseconds } from "../../domain/units.ts";
import { ResourceError } from "../../ports/resources.ts";
import type { Upkeep } from "../../ports/upkeep.ts";
import type { BatchingWriter } from "./batching-writer.ts";
import { told } from "./database.ts";
import type { Database } from "./database.ts";
import { versionOf } from "./rows.ts";

/** At most this many rows go in one call. */
const PIECE = 5000;
const EVENT_PIECE = 500;

// How far to go: what is too old or too many, of the oldest PIECE. Ages follow versions, so the last old one ends the old ones.
const compactTo = `SELECT greatest(
    (SELECT max(c.resource_version) FROM (SELECT resource_version, at FROM slipway.changes ORDER BY resource_version LIMIT $3::bigint) c WHERE c.at < clock_timestamp() - $1::float8 * interval '1 millisecond'),
    least((SELECT last - $2::bigint FROM slipway.revision), (SELECT max(resource_version) FROM (SELECT resource_version FROM slipway.changes ORDER BY resource_version LIMIT $3::bigint) c))) AS upto,
  (SELECT min(resource_version) FROM slipway.changes) AS first`;

export function postgresUpkeep(database: Database, writer: BatchingWriter): Upkeep {
  return {
    compactChanges: (olderThan, keepAtMost) =>
      told(database, () => inTransaction(database.workers, (client) => compact(client, olderThan, keepAtMost))),
    expireEvents: async (olderThan) => {
      const old = await told(database, () =>
        database.workers.query<{ namespace: string; name: string; resource_version: string }>(
          "SELECT namespace, name, resource_version FROM slipway.events WHERE last_seen < clock_timestamp() - $1::float8 * interval '1 millisecond' ORDER BY last_seen LIMIT $2",
          [olderThan, EVENT_PIECE + 1],
        ),
      );
      const removed = await Promise.all(old.rows.slice(0, EVENT_PIECE).map((row) => removeUnchanged(writer, row)));
      return { removed: removed.filter(Boolean).length, more: old.rows.length > EVENT_PIECE };
    },
    dropRecords: (keep) =>
      told(database, async () => {
        const { rowCount } = await database.workers.query(
          `DELETE FROM slipway.records WHERE position IN (
            (SELECT position FROM slipway.records WHERE retention = 'short' AND at < clock_timestamp() - $1::float8 * interval '1 millisecond' ORDER BY at LIMIT $3)
            UNION ALL
            (SELECT position FROM slipway.records WHERE retention = 'long' AND at < clock_timestamp() - $2::float8 * interval '1 millisecond' ORDER BY at LIMIT $3))`,
          [keep.short, keep.long, PIECE],
        );
        return { removed: rowCount ?? 0, more: (rowCount ?? 0) >= PIECE };
      }),
  };
}

async function compact(
  client: pg.ClientBase,
  olderThan: Milliseconds,
  keepAtMost: number,
): Promise<{ readonly removed: number; readonly more: boolean }> {
  // One compactor at a time; writers are not held up.
  await client.query("SELECT forgotten FROM slipway.horizon FOR UPDATE");
  const { rows } = await client.query<{ upto: string | null; first: string | null }>(compactTo, [olderThan, keepAtMost, PIECE]);
  const { upto, first } = rows[0] ?? {};
  if (upto === undefined || upto === null || first === undefined || first === null || Number(upto) < Number(first))
    return { removed: 0, more: false };
  await client.query("UPDATE slipway.horizon SET forgotten = greatest(forgotten, $1::bigint)", [upto]);
  const { rowCount } = await client.query("DELETE FROM slipway.changes WHERE resource_version <= $1", [upto]);
  return { removed: rowCount ?? 0, more: (rowCount ?? 0) >= PIECE };
}

async function inTransaction<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await use(client);
    await client.query("COMMIT");
    client.release();
    return result;
  } catch (error) {
    // The connection is thrown away: its transaction ends with it, whatever state it is in.
    client.release(true);
    throw error;
  }
}

/** An Event that was seen again meanwhile stays. */
async function removeUnchanged(
  writer: BatchingWriter,
  row: { readonly namespace: string; readonly name: string; readonly resource_version: string },
): Promise<boolean> {
  const key = { group: "", resource: "events", namespace: row.namespace, name: row.name };
  try {
    await writer.commit({ writes: [{ verb: "delete", key, resourceVersion: versionOf(row.resource_version) }] });
    return true;
  } catch (error) {
    if (error instanceof ResourceError && (error.reason === "conflict" || error.reason === "notFound")) return false;
    throw error;
  }
}
