import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { masterKeyFromText, readMasterKey, readOrMakeMasterKey } from "../adapters/crypto/master-key-file.ts";
import type { MasterKey } from "../adapters/crypto/master-key.ts";
import { sealer } from "../adapters/crypto/sealer.ts";
import type { PostgresAddress } from "../adapters/postgres/database.ts";
import { postgresStore, type PostgresStore } from "../adapters/postgres/postgres-store.ts";
import { embeddedPostgres, type EmbeddedPostgres } from "../adapters/postgres/server/embedded-postgres.ts";
import type { ServerHealth } from "../adapters/postgres/server/keep-running.ts";
import type { Catalog } from "../api/catalog.ts";
import { type Milliseconds, milliseconds } from "../domain/units.ts";
import type { Log } from "../ports/log.ts";
import { PortError } from "../ports/port-error.ts";
import type { Derivations } from "../ports/resources.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { MasterKeySource, Settings } from "./settings.ts";

export interface OpenStore {
  readonly store: PostgresStore;
  readonly masterKey: MasterKey;
  /** Of the embedded PostgreSQL; absent with DATABASE_URL. */
  readonly health?: () => ServerHealth;
  /** Ends the connections, and the embedded PostgreSQL where there is one. */
  close(): Promise<void>;
  /** For a process that ends in this moment: tells the embedded PostgreSQL to end by itself. The next start replays its log; nothing acknowledged is lost. */
  readonly endAtOnce: () => void;
}

/**
 * The store of this control plane: the PostgreSQL of DATABASE_URL, or the embedded one of the data directory; brought up to date and ready. A PostgreSQL that
 * is away is waited for as long as the settings say. Throws PortError, and the reason of `signal` when that ends it; then nothing is left running.
 */
export async function openStore(
  settings: StoreSettings,
  directory: Pick<DataDirectory, "path" | "postgres">,
  catalog: Catalog,
  derivations: Derivations,
  log: Log,
  signal: AbortSignal = new AbortController().signal,
): Promise<OpenStore> {
  const masterKey = await masterKeyFrom(settings.masterKey, directory.path);
  const make = (address: PostgresAddress): PostgresStore =>
    postgresStore({
      ...address,
      derivations,
      sealer: sealer({ current: masterKey, old: [] }, sealed(catalog)),
      log: (message, error) => log.warn({ error: error instanceof Error ? error.message : String(error) }, message),
    });
  if (settings.databaseUrl !== undefined) {
    const address = { connectionString: settings.databaseUrl };
    const store = await readyWithin(settings.databaseWait ?? NO_WAIT, () => make(address), log, signal);
    return { store, masterKey, close: () => store.close(), endAtOnce: () => undefined };
  }
  let health: ServerHealth = { state: "stopped" };
  const embedded = await embeddedPostgres({ directory: directory.postgres, log, signal, onHealth: (seen) => (health = seen) });
  health = { state: "ready", pid: embedded.pid };
  try {
    const store = await readyWithin(NO_WAIT, () => make({ config: embedded.connection }), log, signal);
    const close = async (): Promise<void> => {
      await store.close();
      await embedded.stop();
    };
    return { store, masterKey, health: () => health, close, endAtOnce: () => endAtOnce(embedded) };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

type StoreSettings = Pick<Settings, "databaseUrl" | "masterKey"> & Partial<Pick<Settings, "databaseWait">>;

const NO_WAIT = milliseconds(0);

function sealed(catalog: Catalog): (of: { readonly group: string; readonly resource: string }) => boolean {
  const kinds = catalog.kinds.filter(({ secretFields = [] }) => secretFields.length > 0);
  const names = new Set(kinds.map(({ group, resource }) => `${group}/${resource}`));
  return ({ group, resource }) => names.has(`${group}/${resource}`);
}

/** A store that is ready. What only time can mend is tried again for as long as `wait`; what somebody must change is told at once. */
async function readyWithin(wait: Milliseconds, make: () => PostgresStore, log: Log, signal: AbortSignal): Promise<PostgresStore> {
  const end = performance.now() + wait;
  for (let pause = 250; ; pause = Math.min(pause * 2, 2000)) {
    signal.throwIfAborted();
    const store = make();
    try {
      await unless(signal, store.ready());
      return store;
    } catch (error) {
      await store.close().catch(() => undefined);
      signal.throwIfAborted();
      const passing = error instanceof PortError && error.outcome === "notDone";
      if (!passing || wait === 0) throw error;
      if (performance.now() + pause > end) throw gaveUp(error, wait);
      log.warn({ error: error.message, waitingForAtMostSeconds: Math.ceil((end - performance.now()) / 1000) }, "waiting for the database");
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

function gaveUp(error: PortError, wait: Milliseconds): PortError {
  const message = `${error.message} (waited for ${wait / 1000} s; correct DATABASE_URL if that is not your PostgreSQL, or wait longer with SLIPWAY_DATABASE_WAIT=5m)`;
  return new PortError("notDone", message, { cause: error, reason: error.reason });
}

/** The work, or the signal's reason as soon as that comes. */
function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}

/** SIGQUIT is PostgreSQL's immediate shutdown: https://www.postgresql.org/docs/15/server-shutdown.html */
function endAtOnce({ pid }: EmbeddedPostgres): void {
  try {
    if (pid > 1) process.kill(pid, "SIGQUIT");
  } catch {
    // it has ended
  }
}

/** The failure of a start, with the place of the master key where that is the wrong one. */
export function withKeyPlace(error: unknown, source: MasterKeySource, directory: string): unknown {
  if (!(error instanceof PortError) || error.reason !== "Sealed") return error;
  return new PortError(error.outcome, error.message.replace("; start", ` (of ${keyPlace(source, directory)}); start`), {
    cause: error,
    reason: error.reason,
  });
}

function keyPlace(source: MasterKeySource, directory: string): string {
  switch (source.from) {
    case "dataDirectory":
      return join(directory, "master.key");
    case "file":
      return `${source.path}, which SLIPWAY_MASTER_KEY_FILE names`;
    case "environment":
      return "SLIPWAY_MASTER_KEY";
  }
}

function masterKeyFrom(source: MasterKeySource, directory: string): Promise<MasterKey> {
  switch (source.from) {
    case "dataDirectory":
      return readOrMakeMasterKey(join(directory, "master.key"));
    case "file":
      return readMasterKey(source.path);
    case "environment":
      return Promise.resolve(masterKeyFromText(source.text, "SLIPWAY_MASTER_KEY"));
  }
}
