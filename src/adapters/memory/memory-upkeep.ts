import { instant } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import { ResourceError } from "../../ports/resources.ts";
import type { Upkeep } from "../../ports/upkeep.ts";
import type { MemoryLog } from "./memory-log.ts";

/** At most this many rows go in one call. */
const PIECE = 5000;

export function memoryUpkeep(log: MemoryLog, resources: Resources, clock: Clock): Upkeep {
  return {
    compactChanges: async (olderThan, keepAtMost) => {
      await Promise.resolve();
      return log.forget(instant(clock.now() - olderThan), keepAtMost, PIECE);
    },
    expireEvents: async (olderThan) => {
      const cutoff = clock.now() - olderThan;
      const old = log
        .rowsOf("", "events")
        .filter(({ stored: { key } }) => (log.lastSeen.get(`/events/${key.namespace}/${key.name}`) ?? cutoff) < cutoff);
      let removed = 0;
      for (const { stored } of old.slice(0, PIECE)) removed += await removeUnchanged(resources, stored);
      return { removed, more: old.length > PIECE };
    },
    dropRecords: async (keep) => {
      await Promise.resolve();
      const now = clock.now();
      const old = new Set(log.records.filter((record) => record.at < now - keep[record.retention]).slice(0, PIECE + 1));
      const [surplus] = [...old].slice(PIECE);
      if (surplus !== undefined) old.delete(surplus);
      log.records = log.records.filter((record) => !old.has(record));
      return { removed: old.size, more: surplus !== undefined };
    },
  };
}

/** An Event that was seen again meanwhile stays. */
async function removeUnchanged(resources: Resources, { key, resourceVersion }: StoredObject): Promise<number> {
  try {
    await resources.commit({ writes: [{ verb: "delete", key, resourceVersion }] });
    return 1;
  } catch (error) {
    if (error instanceof ResourceError && (error.reason === "conflict" || error.reason === "notFound")) return 0;
    throw error;
  }
}
