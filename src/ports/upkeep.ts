import type { Milliseconds } from "../domain/units.ts";

/** What keeps a store small. Safe to run from several control planes at once; each call does a bounded piece and says whether more is left. */
export interface Upkeep {
  /** Forgets changes older than `olderThan`, and beyond the newest `keepAtMost`; a watch from before is then `expired`. */
  compactChanges(olderThan: Milliseconds, keepAtMost: number): Promise<{ readonly removed: number; readonly more: boolean }>;
  /** Removes Events not seen for `olderThan`; watchers see their deletion. */
  expireEvents(olderThan: Milliseconds): Promise<{ readonly removed: number; readonly more: boolean }>;
  /** Removes records past their class. */
  dropRecords(keep: {
    readonly short: Milliseconds;
    readonly long: Milliseconds;
  }): Promise<{ readonly removed: number; readonly more: boolean }>;
}
