import type { ApiObject, Condition } from "../object/api-object.ts";
import type { JsonObject } from "../object/json.ts";
import type { Instant } from "../units.ts";
import { rfc3339 } from "../units.ts";
import { conditionsOf, type Statement, withConditions } from "../object/conditions.ts";
import { apiVersionText, type SourceProblem } from "./desired.ts";
import type { LeftAlone } from "./plan.ts";

/** Lists in a status hold at most this many; counts say how many there are. */
export const LISTED = 20;

/** What a pass of a Sync came to. Every one but `synced` says what stands in the way. */
export type SyncOutcome =
  | {
      readonly kind: "synced";
      readonly commit: string;
      readonly identity: string;
      readonly counts: SyncCounts;
      readonly leftAlone: readonly LeftAlone[];
    }
  | { readonly kind: "syncing"; readonly commit: string; readonly message: string }
  /** Somebody has to change something: in Git, in this Sync, or in the rights of its account. */
  | {
      readonly kind: "blocked";
      readonly reason: BlockedReason;
      readonly commit?: string;
      readonly message: string;
      readonly problems: readonly SourceProblem[];
    }
  /** Not known at the moment; tried again by itself. */
  | { readonly kind: "waiting"; readonly reason: WaitingReason; readonly message: string }
  | { readonly kind: "suspended" };

export type BlockedReason =
  "SourceNotFound" | "ServiceAccountNotFound" | "InvalidSource" | "Refused" | "ApplyFailed" | "SourceEmpty" | "PathNotFound";
export type WaitingReason = "SourceNotReady" | "SourceUnavailable" | "ApiUnavailable";

export interface SyncCounts extends JsonObject {
  readonly objects: number;
  readonly created: number;
  readonly changed: number;
  readonly pruned: number;
  readonly unchanged: number;
}

/** The status of a Sync after an outcome: conditions as kstatus reads them (Ready, Reconciling, Stalled), and what was applied stays until something else is. */
export function syncStatus(sync: ApiObject, before: JsonObject, outcome: SyncOutcome, now: Instant): JsonObject {
  const generation = sync.metadata.generation ?? 1;
  const conditions = withConditions(conditionsOf(sync), statements(outcome, generation), now);
  const { problems: _problems, drift: _drift, blockedBy: _blockedBy, ...kept } = before;
  const requested = sync.metadata.annotations?.["slipway.dev/reconcile-at"];
  const handled = requested === undefined ? {} : { lastHandledReconcileAt: requested };
  return {
    ...kept,
    ...handled,
    ...factsOf(outcome, before, now),
    conditions: conditions satisfies readonly Condition[],
    observedGeneration: generation,
  };
}

function factsOf(outcome: SyncOutcome, before: JsonObject, now: Instant): JsonObject {
  switch (outcome.kind) {
    case "synced": {
      const drift = outcome.leftAlone.slice(0, LISTED).map(driftItem);
      const did = outcome.counts.created + outcome.counts.changed + outcome.counts.pruned > 0 || before["commit"] !== outcome.commit;
      // A pass that found everything as it should be writes nothing: the counts of the last one that did something stay.
      const moved = did ? { counts: outcome.counts, lastSyncedAt: rfc3339(now) } : {};
      return {
        commit: outcome.commit,
        attemptedCommit: outcome.commit,
        tree: outcome.identity,
        ...moved,
        ...(drift.length === 0 ? {} : { drift }),
      };
    }
    case "blocked": {
      const problems = outcome.problems.slice(0, LISTED).map(problemItem);
      return {
        ...(outcome.commit === undefined ? {} : { attemptedCommit: outcome.commit }),
        ...(problems.length === 0 ? {} : { problems }),
        blockedBy: outcome.message,
      };
    }
    case "syncing":
      return { attemptedCommit: outcome.commit };
    case "waiting":
      return { blockedBy: outcome.message };
    case "suspended":
      return {};
  }
}

function driftItem({ place, change }: LeftAlone): JsonObject {
  const { namespace, name, kind } = place;
  return { apiVersion: apiVersionText(place), kind, ...(namespace === "" ? {} : { namespace }), name, change };
}

/** Line 0 means the whole file. */
function problemItem({ file, line, column, object, message }: SourceProblem): JsonObject {
  const position = line === 0 ? {} : { line, column };
  return { file, ...position, ...(object === undefined ? {} : { object }), message: message.slice(0, 4096) };
}

function statements(outcome: SyncOutcome, observedGeneration: number): readonly Statement[] {
  const say = (type: string, status: Condition["status"], reason: string, message: string): Statement => ({
    type,
    status,
    reason,
    message,
    observedGeneration,
  });
  switch (outcome.kind) {
    case "synced": {
      const message =
        outcome.leftAlone.length === 0
          ? `applied ${outcome.commit.slice(0, 12)}`
          : `applied ${outcome.commit.slice(0, 12)}; ${outcome.leftAlone.length} left alone: ${outcome.leftAlone[0]?.why ?? ""}`;
      return [
        say("Ready", "True", "Synced", message),
        say("Reconciling", "False", "Synced", message),
        say("Stalled", "False", "Synced", ""),
      ];
    }
    case "syncing":
      return [
        say("Ready", "Unknown", "Syncing", outcome.message),
        say("Reconciling", "True", "Syncing", outcome.message),
        say("Stalled", "False", "Syncing", ""),
      ];
    case "blocked":
      return [
        say("Ready", "False", outcome.reason, outcome.message),
        say("Reconciling", "False", outcome.reason, ""),
        say("Stalled", "True", outcome.reason, outcome.message),
      ];
    case "waiting":
      return [
        say("Ready", "Unknown", outcome.reason, outcome.message),
        say("Reconciling", "True", outcome.reason, outcome.message),
        say("Stalled", "False", outcome.reason, ""),
      ];
    case "suspended":
      return [
        say("Reconciling", "False", "Suspended", "spec.suspend is true: nothing is applied until it is false"),
        say("Stalled", "False", "Suspended", ""),
      ];
  }
}

/** The blocking fact: the first problem with its place, how many more there are, and then what that means for the rest. */
export function sentenceOf(problems: readonly SourceProblem[], consequence = "Nothing of this commit was applied."): string {
  const [first] = problems;
  if (first === undefined) return "";
  const where = first.line === 0 ? first.file : `${first.file}:${first.line}:${first.column}`;
  const what = first.object === undefined ? "" : ` (${first.object})`;
  const more = problems.length === 1 ? "" : `; ${problems.length - 1} more in status.problems`;
  return `${where}${what}: ${first.message}${more}. ${consequence}`;
}
