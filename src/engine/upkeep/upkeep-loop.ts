import { type Instant, later, type Milliseconds, milliseconds } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Upkeep } from "../../ports/upkeep.ts";

export interface Retention {
  /** Watches can resume from within this time. */
  readonly changes: Milliseconds;
  /** And never over more than this many changes. */
  readonly changesAtMost: number;
  readonly events: Milliseconds;
  readonly shortRecords: Milliseconds;
  readonly longRecords: Milliseconds;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Five minutes of changes are what Kubernetes keeps; an hour lets a laptop sleep over lunch. Events an hour, as there. */
export const RETENTION: Retention = {
  changes: milliseconds(HOUR),
  changesAtMost: 200_000,
  events: milliseconds(HOUR),
  shortRecords: milliseconds(30 * DAY),
  longRecords: milliseconds(3 * 365 * DAY),
};

const EVERY = milliseconds(60_000);

/** Keeps the store small, a bounded piece at a time, until stopped. A piece that fails is logged and tried again in a minute. */
export async function keepUp(
  upkeep: Upkeep,
  retention: Retention,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const pieces = [
    () => upkeep.compactChanges(retention.changes, retention.changesAtMost),
    () => upkeep.expireEvents(retention.events),
    () => upkeep.dropRecords({ short: retention.shortRecords, long: retention.longRecords }),
  ];
  while (!signal.aborted) {
    const again = later(clock.now(), EVERY);
    for (const piece of pieces) await untilDone(piece, log, signal);
    await waited(clock, again, signal);
  }
}

async function untilDone(piece: () => Promise<{ readonly more: boolean }>, log: Log, signal: AbortSignal): Promise<void> {
  try {
    while (!signal.aborted && (await piece()).more);
  } catch (error) {
    if (!signal.aborted)
      log.warn({ error: error instanceof Error ? error.message : String(error) }, "upkeep of the store failed; tried again in a minute");
  }
}

async function waited(clock: Clock, at: Instant, signal: AbortSignal): Promise<void> {
  try {
    await clock.until(at, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
