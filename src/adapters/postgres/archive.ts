import type { Archive } from "../../ports/archive.ts";
import type { Derivations } from "../../ports/resources.ts";
import type { Sealer } from "../../ports/sealer.ts";
import { exportAll } from "./archive-export.ts";
import { emptiness, restoreAll } from "./archive-restore.ts";
import { told } from "./database.ts";
import type { Database } from "./database.ts";

export interface ArchiveParts {
  readonly database: Database;
  readonly derivations: Derivations;
  readonly sealer: Sealer | undefined;
}

export function postgresArchive(parts: ArchiveParts): Archive {
  const { database } = parts;
  return {
    export: () => exportAll(parts),
    restore: (entries) => told(database, () => restoreAll(parts, entries)),
    isEmpty: () => told(database, async () => (await emptiness(database.readers)) === "empty"),
  };
}
