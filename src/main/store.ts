import { join } from "node:path";
import { masterKeyFromText, readMasterKey, readOrMakeMasterKey } from "../adapters/crypto/master-key-file.ts";
import type { MasterKey } from "../adapters/crypto/master-key.ts";
import { sealer } from "../adapters/crypto/sealer.ts";
import { postgresStore, type PostgresStore } from "../adapters/postgres/postgres-store.ts";
import { embeddedPostgres } from "../adapters/postgres/server/embedded-postgres.ts";
import type { Catalog } from "../api/catalog.ts";
import type { Log } from "../ports/log.ts";
import type { Derivations } from "../ports/resources.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { MasterKeySource, Settings } from "./settings.ts";

export interface OpenStore {
  readonly store: PostgresStore;
  readonly masterKey: MasterKey;
  /** Ends the connections, and the embedded PostgreSQL where there is one. */
  close(): Promise<void>;
}

/** The store of this control plane: the PostgreSQL of DATABASE_URL, or the embedded one of the data directory; brought up to date and ready. Throws PortError. */
export async function openStore(
  settings: Settings,
  directory: DataDirectory,
  catalog: Catalog,
  derivations: Derivations,
  log: Log,
): Promise<OpenStore> {
  const masterKey = await masterKeyFrom(settings.masterKey, directory.path);
  const embedded = settings.databaseUrl === undefined ? await embeddedPostgres({ directory: directory.postgres, log }) : undefined;
  try {
    const address = embedded === undefined ? { connectionString: settings.databaseUrl ?? "" } : { config: embedded.connection };
    const seals = new Set(
      catalog.kinds.filter(({ secretFields = [] }) => secretFields.length > 0).map(({ group, resource }) => `${group}/${resource}`),
    );
    const store = postgresStore({
      ...address,
      derivations,
      sealer: sealer({ current: masterKey, old: [] }, ({ group, resource }) => seals.has(`${group}/${resource}`)),
      log: (message, error) => log.warn({ error: error instanceof Error ? error.message : String(error) }, message),
    });
    await store.ready();
    return {
      store,
      masterKey,
      close: async () => {
        await store.close();
        await embedded?.stop();
      },
    };
  } catch (error) {
    await embedded?.stop();
    throw error;
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
