import type { ArchiveCounts } from "../ports/archive.ts";

/** `2,014 objects, 3 events, 5,120 records and 2 keys`. */
export function countsText({ objects, events, records, keys }: ArchiveCounts): string {
  const text = (count: number, one: string): string => `${count.toLocaleString("en-US")} ${one}${count === 1 ? "" : "s"}`;
  return `${text(objects, "object")}, ${text(events, "event")}, ${text(records, "record")} and ${text(keys, "key")}`;
}
