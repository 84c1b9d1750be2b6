import { conditionOf } from "../../domain/object/conditions.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../domain/object/json.ts";
import { appliedBy } from "../../domain/sync/apply-set.ts";
import { type SyncOutcome, syncStatus } from "../../domain/sync/sync-state.ts";
import type { Instant } from "../../domain/units.ts";
import type { Change, StoredObject, WakeRule } from "../../ports/resources.ts";
import type { Conclusion, Controller, Decision, Done } from "../controller.ts";
import { specOrMetadataChanged } from "../wake-rules.ts";
import { type Command, decideSync } from "./decide.ts";
import { carryOut, type WaveResult } from "./act.ts";
import { observeSync, type SyncPorts } from "./observe.ts";
import type { Seen } from "./seen.ts";
import { concludeSync } from "./conclude.ts";

const SYNCS = { group: "slipway.dev", resource: "syncs" } as const;

/**
 * Keeps an API as a folder of a Git repository says: plan all of it, and only if everything in it can be applied, apply wave by wave as the Sync's
 * service account, then delete what the folder no longer has.
 */
export function syncController(ports: SyncPorts): Controller<Seen, Command, WaveResult> {
  return {
    name: "sync",
    observe: (key, resources, signal) => observeSync(ports, key, resources, signal),
    decide: (seen, now) => {
      if (seen.kind === "gone") return { commands: [], updates: [], events: [] };
      const { outcome, commands, wakeAt, finalizers } = decideSync(seen, now);
      return {
        ...saying(seen.sync, outcome, now),
        commands,
        ...(wakeAt === undefined ? {} : { wakeAt }),
        ...(finalizers === undefined ? {} : { updates: [{ of: seen.sync, finalizers }] }),
      };
    },
    act: (command, _resources, signal) => carryOut(ports, command, signal),
    conclude: (seen: Seen, done: readonly Done<Command, WaveResult>[], now: Instant): Conclusion => {
      if (seen.kind === "gone") return { updates: [], events: [] };
      const { outcome, wakeAt } = concludeSync(seen, done, now);
      return { ...saying(seen.sync, outcome, now), ...(wakeAt === undefined ? {} : { wakeAt }) };
    },
  };
}

/** The status, and an event when what is said of being ready has changed. */
function saying(sync: StoredObject, outcome: SyncOutcome | undefined, now: Instant): Omit<Decision<never>, "commands"> {
  if (outcome === undefined) return { updates: [], events: [] };
  const before = isJsonObject(sync.object.status) ? sync.object.status : {};
  const status = syncStatus(sync.object, before, outcome, now);
  return { updates: [{ of: sync, status }], events: eventsOf(sync, outcome, before) };
}

function eventsOf(sync: StoredObject, outcome: SyncOutcome, before: JsonObject): Decision<never>["events"] {
  const about = { about: sync.key, apiVersion: sync.object.apiVersion, kind: sync.object.kind, uid: sync.uid };
  const ready = conditionOf(sync.object, "Ready");
  switch (outcome.kind) {
    case "synced": {
      const { created, changed, pruned } = outcome.counts;
      if (created + changed + pruned === 0 && before["commit"] === outcome.commit) return [];
      const message = `applied commit ${outcome.commit.slice(0, 12)}: ${created} created, ${changed} changed, ${pruned} deleted, ${outcome.counts.unchanged} as they were`;
      return [{ ...about, type: "Normal", reason: "Synced", message }];
    }
    case "blocked":
      return ready?.reason === outcome.reason && ready.message === outcome.message
        ? []
        : [{ ...about, type: "Warning", reason: outcome.reason, message: outcome.message }];
    case "waiting":
    case "syncing":
    case "suspended":
      return [];
  }
}

/** A Sync is due when it changes, when its repository has a new commit or its account comes, goes or is bound to a role, and when something it applied is changed by somebody else. */
export function dueSyncs(change: Change): readonly WakeRule[] {
  return [...dueByWhatItReads(change), ...dueByWhatItApplied(change)];
}

function dueByWhatItReads(change: Change): readonly WakeRule[] {
  const { key } = change;
  if (key.group === "slipway.dev" && key.resource === "syncs") return specOrMetadataChanged(change) ? [{ controller: "sync", key }] : [];
  if (key.group === "slipway.dev" && key.resource === "gitrepositories")
    return sourceMoved(change) ? [linked(`gitrepository/${key.namespace}/${key.name}`)] : [];
  if (key.group === "" && key.resource === "serviceaccounts" && change.type !== "modified")
    return [linked(`serviceaccount/${key.namespace}/${key.name}`)];
  if (key.group === "rbac.authorization.k8s.io" && key.resource.endsWith("bindings")) return boundAccounts(change).map(linked);
  return [];
}

/** The service accounts whose rights a binding changes: a Sync that was refused for want of a right tries again at once. */
function boundAccounts({ object, previous }: Change): readonly string[] {
  const subjects = [...listOf(object["subjects"]), ...listOf(previous?.["subjects"])];
  const accounts = subjects.filter(isJsonObject).filter(({ kind }) => kind === "ServiceAccount");
  return [...new Set(accounts.map(({ namespace, name }) => `serviceaccount/${textOr(namespace)}/${textOr(name)}`))];
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  const list: readonly JsonValue[] = Array.isArray(value) ? value : [];
  return list;
}

const textOr = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

/** Accounts, repositories and Syncs can be applied by a Sync like everything else. */
function dueByWhatItApplied(change: Change): readonly WakeRule[] {
  const owner = appliedBy(change.object) ?? (change.previous === undefined ? undefined : appliedBy(change.previous));
  return owner === undefined || change.type === "added" || !specOrMetadataChanged(change)
    ? []
    : [{ controller: "sync", key: { ...SYNCS, ...owner } }];
}

const linked = (linkedTo: string): WakeRule => ({ controller: "sync", linkedTo, ...SYNCS });

function sourceMoved({ type, object, previous }: Change): boolean {
  const seen = (status: unknown): string =>
    JSON.stringify([isRecord(status) ? status["artifact"] : undefined, isRecord(status) ? status["conditions"] : undefined]);
  return type !== "modified" || seen(object.status) !== seen(previous?.status);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
