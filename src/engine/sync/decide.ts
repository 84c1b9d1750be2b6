import { isJsonObject } from "../../domain/object/json.ts";
import { planSync, type SyncPlan } from "../../domain/sync/plan.ts";
import { sentenceOf, type SyncOutcome } from "../../domain/sync/sync-state.ts";
import { type Instant, later, milliseconds, parseDuration, seconds } from "../../domain/units.ts";
import type { StoredObject } from "../../ports/resources.ts";
import type { SyncSeen, Target } from "./seen.ts";

/** Carry a plan out, wave by wave; the first wave with a problem is the last. */
export interface Command {
  readonly sync: StoredObject;
  readonly account: StoredObject;
  readonly plan: Pick<SyncPlan, "apply" | "prune" | "same" | "leftAlone">;
}

export interface SyncDecision {
  /** Absent: nothing new to say. */
  readonly outcome?: SyncOutcome;
  readonly commands: readonly Command[];
  /** Set while the Sync is being deleted and nothing holds it any longer. */
  readonly finalizers?: readonly string[];
  readonly wakeAt?: Instant;
}

/** A Sync with this finalizer takes what it applied with it when it is deleted; without it everything stays. */
export const PRUNE_ON_DELETE = "slipway.dev/prune-on-delete";

/** Pure: what to say and do about one Sync, from what was seen of it, its repository, its account and the API. */
export function decideSync(seen: SyncSeen, now: Instant): SyncDecision {
  const { spec, account, source, target } = seen;
  if (seen.sync.object.metadata.deletionTimestamp !== undefined) return decideDeletion(seen, now);
  if (spec.suspend) return { outcome: { kind: "suspended" }, commands: [] };
  if (source.kind === "absent")
    return blocked(
      "SourceNotFound",
      `there is no GitRepository "${spec.repository}" in namespace ${seen.sync.key.namespace}; create it or correct spec.source.repository`,
    );
  if (account === undefined)
    return blocked(
      "ServiceAccountNotFound",
      `there is no ServiceAccount "${spec.serviceAccountName}" in namespace ${seen.sync.key.namespace}; create it and give it the rights to apply what is in Git (kubectl create serviceaccount ${spec.serviceAccountName} -n ${seen.sync.key.namespace})`,
    );
  if (source.kind === "notReady")
    return {
      outcome: {
        kind: "waiting",
        reason: "SourceNotReady",
        message: `GitRepository ${spec.repository} has no commit to apply: ${source.message}`,
      },
      commands: [],
    };
  switch (target.kind) {
    case "notAsked":
      return { commands: [] };
    case "failed":
      return decideFailed(target, source.commit, now);
    case "compared":
      return decideCompared({ ...seen, account, target, commit: source.commit }, now);
  }
}

function decideFailed({ error }: Extract<Target, { kind: "failed" }>, commit: string, now: Instant): SyncDecision {
  if (error.outcome !== "refused")
    return {
      outcome: { kind: "waiting", reason: "SourceUnavailable", message: error.message },
      commands: [],
      wakeAt: later(now, seconds(5)),
    };
  const reason = error.reason === "PathNotFound" ? "PathNotFound" : "InvalidSource";
  const outcome: SyncOutcome = { kind: "blocked", reason, commit, message: error.message, problems: [] };
  return { outcome, commands: [], wakeAt: later(now, seconds(60)) };
}

interface Ready extends SyncSeen {
  readonly account: StoredObject;
  readonly commit: string;
  readonly target: Extract<Target, { kind: "compared" }>;
}

function decideCompared(seen: Ready, now: Instant): SyncDecision {
  const { spec, target, commit, sync, account } = seen;
  const plan = planSync(target.comparisons, target.inventory, target.problems, {
    prune: spec.prune,
    selfHeal: spec.selfHeal,
    allowEmpty: sync.object.metadata.annotations?.["slipway.dev/allow-empty"] === "true",
    sourceIsApplied: appliedIdentity(sync) === target.identity,
  });
  const wakeAt = later(now, parseDuration(spec.interval) ?? seconds(600));
  if (plan.problems.length > 0) {
    const reason = target.problems.length > 0 ? "InvalidSource" : target.comparisons.length === 0 ? "SourceEmpty" : "Refused";
    return {
      outcome: { kind: "blocked", reason, commit, message: sentenceOf(plan.problems), problems: plan.problems },
      commands: [],
      // A refusal may end by what nobody tells us of (a role changed, another manager gave a field up); a broken source ends by a commit.
      wakeAt: reason === "Refused" ? later(now, AFTER_FAILED_APPLY) : wakeAt,
    };
  }
  const commands = plan.apply.length + plan.prune.length === 0 ? [] : [{ sync, account, plan }];
  if (commands.length === 0) return { outcome: synced(seen, { created: 0, changed: 0, pruned: 0 }, plan), commands, wakeAt };
  const [applying, deleting] = [count(plan.apply), count(plan.prune)];
  return {
    outcome: { kind: "syncing", commit, message: `applying ${applying} and deleting ${deleting} objects of commit ${commit.slice(0, 12)}` },
    commands,
    wakeAt,
  };
}

/** What is said when everything is as the commit says. */
export function synced(
  { commit, target }: Pick<Ready, "commit" | "target">,
  did: { readonly created: number; readonly changed: number; readonly pruned: number },
  { same, leftAlone }: Pick<SyncPlan, "same" | "leftAlone">,
): SyncOutcome {
  return {
    kind: "synced",
    commit,
    identity: target.identity,
    counts: { objects: target.comparisons.length, ...did, unchanged: same },
    leftAlone,
  };
}

function decideDeletion({ sync, account, target }: SyncSeen, now: Instant): SyncDecision {
  const finalizers = sync.object.metadata.finalizers ?? [];
  if (!finalizers.includes(PRUNE_ON_DELETE)) return { commands: [] };
  const remaining =
    target.kind === "compared"
      ? target.inventory.filter(({ place, object }) => place.kind !== "Namespace" && object.metadata.deletionTimestamp === undefined)
      : [];
  // Without its account nothing can be deleted in its name; holding the Sync for ever would help nobody.
  if (account === undefined || (target.kind === "compared" && remaining.length === 0))
    return { commands: [], finalizers: finalizers.filter((name) => name !== PRUNE_ON_DELETE) };
  // What it applied could not be listed; nothing else would bring it up again.
  if (target.kind !== "compared") return { commands: [], wakeAt: later(now, seconds(5)) };
  return { commands: [{ sync, account, plan: { apply: [], prune: [remaining], same: 0, leftAlone: [] } }] };
}

function blocked(reason: "SourceNotFound" | "ServiceAccountNotFound", message: string): SyncDecision {
  return { outcome: { kind: "blocked", reason, message, problems: [] }, commands: [] };
}

function appliedIdentity({ object }: StoredObject): string {
  const tree = isJsonObject(object.status) ? object.status["tree"] : undefined;
  return typeof tree === "string" ? tree : "";
}

const count = (waves: readonly (readonly unknown[])[]): number => waves.reduce((sum, wave) => sum + wave.length, 0);

export const AFTER_FAILED_APPLY = milliseconds(30_000);
