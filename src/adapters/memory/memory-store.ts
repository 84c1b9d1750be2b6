import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KeyStore } from "../../ports/key-store.ts";
import type { Records } from "../../ports/records.ts";
import type { Derivations, Resources } from "../../ports/resources.ts";
import type { Sealer } from "../../ports/sealer.ts";
import type { Upkeep } from "../../ports/upkeep.ts";
import type { WorkQueue } from "../../ports/work.ts";
import { memoryArchive } from "./memory-archive.ts";
import { memoryKeys } from "./memory-keys.ts";
import { MemoryLog } from "./memory-log.ts";
import { memoryRecords } from "./memory-records.ts";
import { memoryResources, wakesOf } from "./memory-resources.ts";
import { memoryUpkeep } from "./memory-upkeep.ts";
import { MemoryWork } from "./memory-work.ts";

export interface MemoryStore {
  readonly resources: Resources;
  readonly work: WorkQueue;
  readonly records: Records;
  readonly upkeep: Upkeep;
  readonly keys: KeyStore;
  readonly archive: Archive;
  close(): Promise<void>;
}

/** The store of design §4 in plain data, for simulations and tests: the same promises as PostgreSQL's except that it forgets everything when dropped. Time is the clock's alone. */
export function memoryStore(options: { readonly clock: Clock; readonly derivations: Derivations; readonly sealer?: Sealer }): MemoryStore {
  const log = new MemoryLog(options.sealer);
  const work = new MemoryWork(options.clock);
  const keys = new Map<string, Uint8Array>();
  const resources = memoryResources({ log, work, clock: options.clock, derivations: options.derivations });
  return {
    resources,
    work,
    records: memoryRecords(log),
    upkeep: memoryUpkeep(log, resources, options.clock),
    keys: memoryKeys(keys),
    archive: memoryArchive({
      log,
      keys,
      derivations: options.derivations,
      sealer: options.sealer,
      clock: options.clock,
      wake: (rules) => {
        work.wakeNow(rules.flatMap((rule) => wakesOf(log, rule)));
      },
    }),
    close: () => Promise.resolve(),
  };
}
