import { sentenceOf, type SyncOutcome } from "../../domain/sync/sync-state.ts";
import { type Instant, later, parseDuration, seconds } from "../../domain/units.ts";
import type { Done } from "../controller.ts";
import type { WaveResult } from "./act.ts";
import { AFTER_FAILED_APPLY, type Command, synced } from "./decide.ts";
import type { SyncSeen } from "./seen.ts";

/** Pure: what the waves came to. A wave with a problem does not keep later passes from trying the rest again. */
export function concludeSync(
  seen: SyncSeen,
  done: readonly Done<Command, WaveResult>[],
  now: Instant,
): { readonly outcome?: SyncOutcome; readonly wakeAt?: Instant } {
  const { source, target } = seen;
  const results = done.flatMap((one) => ("outcome" in one ? [one.outcome] : []));
  const failure = done.flatMap((one) => ("failure" in one ? [one.failure] : []))[0];
  if (seen.sync.object.metadata.deletionTimestamp !== undefined)
    return concludeDeletion(results, failure?.again ?? later(now, seconds(1)), now);
  if (source.kind !== "ready" || target.kind !== "compared") return {};
  if (failure !== undefined)
    return { outcome: { kind: "waiting", reason: "ApiUnavailable", message: failure.message }, wakeAt: failure.again };
  const problems = results.flatMap((result) => result.problems);
  if (problems.length > 0) {
    const message = sentenceOf(problems, "The rest of its wave was applied; it is tried again by itself.");
    return {
      outcome: { kind: "blocked", reason: "ApplyFailed", commit: source.commit, message, problems },
      wakeAt: later(now, AFTER_FAILED_APPLY),
    };
  }
  const sum = (of: (result: WaveResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const did = {
    created: sum((result) => result.created),
    changed: sum((result) => result.changed),
    pruned: sum((result) => result.pruned),
  };
  return {
    outcome: synced({ commit: source.commit, target }, did, done[0]?.command.plan ?? { same: 0, leftAlone: [] }),
    wakeAt: later(now, parseDuration(seen.spec.interval) ?? seconds(600)),
  };
}

/** A Sync that waits for what it applied says what does not go. */
function concludeDeletion(results: readonly WaveResult[], again: Instant, now: Instant): ReturnType<typeof concludeSync> {
  const problems = results.flatMap((result) => result.problems);
  if (problems.length === 0) return { wakeAt: again };
  const message = sentenceOf(problems, "This Sync goes when it is gone; it is tried again by itself.");
  return { outcome: { kind: "blocked", reason: "ApplyFailed", message, problems }, wakeAt: later(now, AFTER_FAILED_APPLY) };
}
