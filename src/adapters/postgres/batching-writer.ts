import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { checkTransaction } from "../../ports/decide-commit.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Derivations, StoredObject, Transaction } from "../../ports/resources.ts";
import type { Database } from "./database.ts";
import { TAKE_LOCK } from "./lock.ts";
import { noticeText } from "./notice.ts";
import type { Codec } from "./rows.ts";
import { isAnswer, isLost, storeError } from "./store-error.ts";
import { readBatch } from "./read-batch.ts";
import { planBatch } from "./plan-batch.ts";
import type { BatchPlan } from "./plan-batch.ts";
import { writeBatch } from "./write-batch.ts";

interface Request {
  readonly transaction: Transaction;
  readonly resolve: (stored: readonly StoredObject[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface BatchingWriter {
  commit(transaction: Transaction): Promise<readonly StoredObject[]>;
  /** Waits for what is under way, then refuses. */
  close(): Promise<void>;
  readonly stats: WriterStats;
}

export interface WriterStats {
  batches: number;
  transactions: number;
  /** Batches whose COMMIT was lost with the connection. */
  unknown: number;
}

export interface WriterParts {
  readonly database: Database;
  readonly codec: Codec;
  readonly derivations: Derivations;
  /** Names this control plane in its notices, so that it need not listen to itself. */
  readonly self: string;
  /** Called with every batch right after its commit, before anybody is answered. */
  readonly committed: (plan: BatchPlan) => void;
}

/** A batch is joined of at most so many writes; with objects of 256 KiB that stays below what one exchange can carry. */
const MAX_WRITES = 256;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_WAITING = 10_000;
/** How long to look for the outcome of a lost COMMIT before saying that it is not known. */
const FIND_OUT_FOR = 10_000;

/**
 * The one writer of this control plane: requests that come while a batch is under way are joined into the next transaction.
 * (16 writers: 2,200 commits/s one by one, 17,500/s joined.) Each request is all or nothing by itself; a request that makes the batch fail in SQL is tried alone.
 */
export function batchingWriter(parts: WriterParts): BatchingWriter {
  const waiting: Request[] = [];
  const stats: WriterStats = { batches: 0, transactions: 0, unknown: 0 };
  let running: Promise<void> | undefined;
  let closed = false;
  const connection = writerConnection(parts.database);

  const run = async () => {
    while (waiting.length > 0) {
      const batch = takeBatch(waiting);
      stats.batches++;
      stats.transactions += batch.length;
      await runBatch(parts, connection, batch, stats);
    }
    running = undefined;
  };
  return {
    stats,
    commit: (transaction) =>
      new Promise((resolve, reject) => {
        checkTransaction(transaction);
        if (closed) throw new PortError("notDone", "the store is closed; this server is stopping", { reason: "Stopping" });
        if (waiting.length >= MAX_WAITING)
          throw new PortError("notDone", `${MAX_WAITING} writes wait for PostgreSQL at ${parts.database.place} already; try again later`, {
            reason: "Busy",
          });
        waiting.push({ transaction, resolve, reject });
        // Not before the next turn: requests of one tick share the first batch.
        running ??= Promise.resolve().then(run);
      }),
    close: async () => {
      closed = true;
      await running;
      await connection.close();
    },
  };
}

function takeBatch(waiting: Request[]): readonly Request[] {
  let count = 0;
  let writes = 0;
  let bytes = 0;
  for (const { transaction } of waiting) {
    writes += transaction.writes.length + 1;
    bytes += transaction.writes.reduce((sum, write) => sum + roughBytes(write), 0);
    if (count > 0 && (writes > MAX_WRITES || bytes > MAX_BYTES)) break;
    count++;
  }
  return waiting.splice(0, count);
}

/** An upper bound is not needed here, only that huge objects do not pile up: the large ones hold their bulk in few long texts. */
function roughBytes(write: Transaction["writes"][number]): number {
  return "object" in write ? textBytes(write.object, 3) : 1024;
}

function textBytes(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  const members = Object.values(value);
  return depth === 0 ? members.length * 64 : members.reduce((sum: number, member: unknown) => sum + textBytes(member, depth - 1), 0);
}

async function runBatch(parts: WriterParts, connection: WriterConnection, batch: readonly Request[], stats: WriterStats): Promise<void> {
  let plan: BatchPlan;
  try {
    const transactions = batch.map(({ transaction }) => transaction);
    plan = await commitBatch(parts, connection, transactions, stats);
  } catch (error) {
    await failed(parts, connection, batch, stats, error);
    return;
  }
  // From here on it is done: nothing may lead to doing it again.
  parts.committed(plan);
  plan.answers.forEach((answer, index) => {
    if (answer.status === "fulfilled") batch[index]?.resolve(answer.value);
    else batch[index]?.reject(answer.reason);
  });
}

async function failed(
  parts: WriterParts,
  connection: WriterConnection,
  batch: readonly Request[],
  stats: WriterStats,
  error: unknown,
): Promise<void> {
  if (batch.length > 1 && !isLost(error)) {
    for (const request of batch) await runBatch(parts, connection, [request], stats);
    return;
  }
  for (const { reject } of batch) reject(storeError(error, parts.database.place));
}

async function commitBatch(
  parts: WriterParts,
  connection: WriterConnection,
  transactions: readonly Transaction[],
  stats: WriterStats,
): Promise<BatchPlan> {
  const { codec, derivations } = parts;
  const client = await connection.get();
  let plan: BatchPlan;
  try {
    plan = planBatch(await readBatch(client, codec, transactions), transactions, derivations);
  } catch (error) {
    await connection.recover(client);
    throw error;
  }
  const id = randomUUID();
  try {
    await writeBatch(client, codec, plan, id, noticeText(parts.self, plan.last, plan.woken));
  } catch (error) {
    await connection.recover(client);
    if (isAnswer(error)) throw error;
    stats.unknown++;
    if (!(await wasCommitted(connection, plan, id, error, parts.database.place))) throw storeError(error, parts.database.place);
  }
  return plan;
}

/**
 * Whether a batch whose connection broke during COMMIT is in the database. The lock is free only when its transaction has ended, one way or the other;
 * then the change of its first version is there and carries its name, or it is not. Throws PortError `unknown` where that cannot be seen.
 */
async function wasCommitted(connection: WriterConnection, plan: BatchPlan, id: string, cause: unknown, place: string): Promise<boolean> {
  const unknown = (why: string) =>
    new PortError(
      "unknown",
      `the connection to PostgreSQL at ${place} was lost while a write was committed, and ${why}; read before writing again`,
      { cause, reason: "CommitUnknown" },
    );
  if (plan.changes.length === 0) throw unknown("it left no change by which to find it");
  const end = performance.now() + FIND_OUT_FOR;
  for (let wait = 50; ; wait = Math.min(1000, wait * 2)) {
    try {
      const client = await connection.get();
      const [, , { rows }] = await Promise.all([
        client.query("BEGIN"),
        client.query(TAKE_LOCK),
        client.query<{ batch: string | null; forgotten: string }>(
          "SELECT (SELECT batch FROM slipway.changes WHERE resource_version = $1) AS batch, forgotten FROM slipway.horizon",
          [plan.first],
        ),
        client.query("ROLLBACK"),
      ]);
      const [found] = rows;
      if (found?.batch === id) return true;
      if (found !== undefined && Number(found.forgotten) >= plan.first) throw unknown("its changes have been compacted");
      return false;
    } catch (error) {
      if (error instanceof PortError && error.outcome === "unknown") throw error;
      connection.drop();
      if (performance.now() > end) throw unknown(`the server has not come back for ${FIND_OUT_FOR / 1000} s`);
      await sleep(wait);
    }
  }
}

interface WriterConnection {
  get(): Promise<pg.Client>;
  /** After an error: back to a clean connection, or to none. */
  recover(client: pg.Client): Promise<void>;
  drop(): void;
  close(): Promise<void>;
}

function writerConnection(database: Database): WriterConnection {
  let current: pg.Client | undefined;
  const drop = () => {
    const client = current;
    current = undefined;
    client?.end().catch(() => undefined);
  };
  return {
    get: async () => {
      if (current !== undefined) return current;
      const client = database.client("writer");
      await client.connect();
      client.once("end", () => {
        if (current === client) current = undefined;
      });
      return (current = client);
    },
    recover: async (client) => {
      try {
        await client.query("ROLLBACK");
      } catch {
        if (client === current) drop();
      }
    },
    drop,
    close: async () => {
      const client = current;
      current = undefined;
      await client?.end();
    },
  };
}
