import { resourceVersion } from "../domain/object/api-object.ts";
import type { ObjectKey, ResourceVersion } from "../domain/object/api-object.ts";
import type { Instant } from "../domain/units.ts";
import type { StoredRecord } from "./records.ts";

/**
 * A whole store, out and in again: objects, Events, records and wrapped keys; not the change log, not work in progress. What is sealed leaves sealed, so
 * that whoever has a copy and not the master key has no secret. Free of the store's schema and of PostgreSQL's version.
 */
export interface Archive {
  /**
   * Everything as it was at one moment, in batches and without holding more than a few megabytes: first one `position`, then objects, records and keys.
   * Writers are not held up. Ends what it began when it is left (`return`) or fails. Throws PortError.
   */
  export(): AsyncGenerator<readonly ArchiveEntry[]>;
  /**
   * Puts an export into this store, which must be empty (else PortError `refused`, StoreNotEmpty). All or nothing: when `entries` throws, or this process
   * ends, nothing is there. Then: the same uids, resourceVersions and records; new writes continue at `restoredVersion`; a watch or list from the version of
   * the export goes on, one from before or from what the old store wrote afterwards is `expired`; every object has made due what it would have if it had just been added.
   */
  restore(entries: AsyncIterable<readonly ArchiveEntry[]>): Promise<ArchiveCounts>;
  /** Nothing was ever written here. */
  isEmpty(): Promise<boolean>;
}

export type ArchiveEntry =
  /** Where the store stood; always the first. */
  | { readonly type: "position"; readonly resourceVersion: ResourceVersion; readonly lastRecord: number }
  | ArchivedObject
  | { readonly type: "record"; readonly record: StoredRecord }
  /** As the store holds it: wrapped. */
  | { readonly type: "key"; readonly name: string; readonly value: Uint8Array };

export interface ArchivedObject {
  readonly type: "object";
  readonly key: ObjectKey;
  readonly uid: string;
  readonly resourceVersion: ResourceVersion;
  /** Of an Event: when it was last written. */
  readonly lastSeen?: Instant;
  /** The object's JSON, or what the sealer made of it. */
  readonly text: string;
  readonly sealed: boolean;
}

export interface ArchiveCounts {
  readonly objects: number;
  readonly events: number;
  readonly records: number;
  readonly keys: number;
}

export const NOTHING_COUNTED: ArchiveCounts = { objects: 0, events: 0, records: 0, keys: 0 };

/** The counts with one more batch. */
export function counted(counts: ArchiveCounts, batch: readonly ArchiveEntry[]): ArchiveCounts {
  const next = { ...counts };
  for (const entry of batch) {
    switch (entry.type) {
      case "position":
        break;
      case "object":
        if (isEvent(entry.key)) next.events++;
        else next.objects++;
        break;
      case "record":
        next.records++;
        break;
      case "key":
        next.keys++;
        break;
    }
  }
  return next;
}

/**
 * Where a store goes on that was restored from `version`: above every version that the old one can have given since the backup, also if it went on for
 * years, and above any earlier restore, as long as it wrote less than a million times a second. (16 digits, below 2^53 until the year 2255.)
 */
export const restoredVersion = (version: ResourceVersion, now: Instant): ResourceVersion =>
  resourceVersion(Math.max(version + 1_000_000_000, now * 1000));

/** core/v1 Events have a lifetime of their own. */
export const isEvent = ({ group, resource }: Pick<ObjectKey, "group" | "resource">): boolean => group === "" && resource === "events";
