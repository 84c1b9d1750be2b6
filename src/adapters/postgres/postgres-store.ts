import { randomUUID } from "node:crypto";
import type { Archive } from "../../ports/archive.ts";
import type { KeyStore } from "../../ports/key-store.ts";
import type { Records } from "../../ports/records.ts";
import type { Derivations, Resources } from "../../ports/resources.ts";
import type { Sealer } from "../../ports/sealer.ts";
import type { Upkeep } from "../../ports/upkeep.ts";
import type { WorkQueue } from "../../ports/work.ts";
import { postgresArchive } from "./archive.ts";
import { batchingWriter } from "./batching-writer.ts";
import type { WriterStats } from "./batching-writer.ts";
import { ChangeFeed } from "./change-feed.ts";
import { openDatabase, told } from "./database.ts";
import type { PostgresAddress } from "./database.ts";
import { postgresKeys } from "./keys.ts";
import { migrate } from "./migrate.ts";
import { readObject, snapshotReader } from "./reader.ts";
import { postgresRecords } from "./records.ts";
import { codecOf } from "./rows.ts";
import { inSnapshot } from "./snapshot.ts";
import { postgresUpkeep } from "./upkeep.ts";
import { watchChanges } from "./watch.ts";
import { workQueue, workSignal } from "./work-queue.ts";

export type PostgresStoreOptions = PostgresAddress & {
  readonly derivations: Derivations;
  readonly sealer?: Sealer;
  /** Told of what goes wrong in the background and is being mended. */
  readonly log?: (message: string, error: unknown) => void;
  /** Connections for reads; the store uses five more. */
  readonly readers?: number;
  /** Bytes of recent changes kept for watchers. */
  readonly ringBytes?: number;
};

export interface PostgresStore {
  readonly resources: Resources;
  readonly work: WorkQueue;
  readonly records: Records;
  readonly upkeep: Upkeep;
  readonly keys: KeyStore;
  readonly archive: Archive;
  /** Connects, brings the schema up to date and starts the feed. Nothing else works before. Throws PortError. */
  ready(): Promise<void>;
  /** Waits for the writes under way and ends all connections. */
  close(): Promise<void>;
  readonly stats: { readonly writer: Readonly<WriterStats>; readonly feed: { readonly reconnects: number; readonly pages: number } };
}

/** The store of design §4 on PostgreSQL 15 or newer. Throws PortError for an address that cannot be read; connects in ready(). */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  const database = openDatabase(options, options.readers ?? 10);
  const codec = codecOf(options.sealer);
  const self = randomUUID();
  const signal = workSignal();
  const feed = new ChangeFeed({
    database,
    codec,
    self,
    ringBytes: options.ringBytes ?? 16 * 1024 * 1024,
    noticed: (work) => {
      signal.tell(work);
    },
    problem: options.log ?? (() => undefined),
  });
  const writer = batchingWriter({
    database,
    codec,
    self,
    derivations: options.derivations,
    committed: (plan) => {
      feed.accept(plan.changes, plan.first);
      if (plan.woken.length > 0) signal.tell(plan.woken);
    },
  });
  const { readers } = database;
  const resources: Resources = {
    get: (key) => told(database, () => readObject(readers, codec, key)),
    list: (query) => inSnapshot(database, (client) => snapshotReader(database, client, codec).list(query)),
    snapshot: (read) => inSnapshot(database, (client) => read(snapshotReader(database, client, codec))),
    watch: (query, from, cancelled) => watchChanges({ feed, readers, codec, place: database.place }, query, from, cancelled),
    commit: (transaction) => writer.commit(transaction),
  };
  return {
    resources,
    work: workQueue({ database, writer, signal }),
    records: postgresRecords(database),
    upkeep: postgresUpkeep(database, writer),
    keys: postgresKeys(database),
    archive: postgresArchive({ database, derivations: options.derivations, sealer: options.sealer }),
    ready: () =>
      told(database, async () => {
        await migrate(readers, database.place);
        await feed.start();
      }),
    close: async () => {
      await writer.close();
      await feed.close();
      await database.close();
    },
    stats: { writer: writer.stats, feed: feed.stats },
  };
}
