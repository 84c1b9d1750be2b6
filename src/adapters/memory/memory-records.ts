import { storableText } from "../../domain/object/storable-text.ts";
import type { RecordQuery, Records, StoredRecord } from "../../ports/records.ts";
import type { MemoryLog } from "./memory-log.ts";

export function memoryRecords(log: MemoryLog): Records {
  return {
    query: async (query) => {
      await Promise.resolve();
      return log.records
        .filter((record) => isAsked(query, record))
        .reverse()
        .slice(0, Math.min(1000, Math.max(1, query.limit)));
    },
  };
}

function isAsked({ type, about, actor, since, before }: RecordQuery, record: StoredRecord): boolean {
  if (type !== undefined && record.type !== type) return false;
  if (actor !== undefined && record.actor !== storableText(actor)) return false;
  if (since !== undefined && record.at < since) return false;
  if (before !== undefined && record.position >= before) return false;
  if (about === undefined) return true;
  return (["group", "resource", "namespace", "name"] as const).every(
    (part) => about[part] === undefined || about[part] === record.about[part],
  );
}
