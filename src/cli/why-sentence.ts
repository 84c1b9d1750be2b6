import type { ApiObject, JsonObject } from "../api/client/json.ts";
import { at, conditionOf, listAt, textAt } from "../api/columns.ts";

/** What `why` says of one object. */
export interface Why {
  readonly blocked: boolean;
  /** The one fact, with the way out where it is known. Not yet safe for a terminal. */
  readonly sentence: string;
  /** RFC 3339: since when it is so; absent where nobody knows. */
  readonly since?: string;
  /** The object the fact is about: `secret/deploy-key`. */
  readonly at: string;
}

/** An object that another one names: `unknown` where this user may not read it. */
export type Neighbour = ApiObject | "absent" | "unknown" | "notNamed";

export interface SyncChain {
  readonly repository: Neighbour;
  readonly account: Neighbour;
  /** The Secret the repository logs in with. */
  readonly secret: Neighbour;
}

/** Pure. Follows Sync → GitRepository → Secret, then ServiceAccount, then the Sync itself: the first link that is broken is the fact. */
export function whySync(sync: ApiObject, chain: SyncChain): Why {
  const name = nameOf(sync);
  const repositoryName = textAt(sync, "spec", "source", "repository");
  const namespace = sync.metadata.namespace ?? "";
  const early = deletion(sync) ?? suspension(sync);
  if (early !== undefined) return early;
  if (chain.repository === "absent")
    return {
      blocked: true,
      at: `gitrepository/${repositoryName}`,
      sentence: `${name} has nothing to read: there is no GitRepository "${repositoryName}" in namespace ${namespace}; create it, or correct spec.source.repository`,
    };
  if (chain.account === "absent") {
    const account = textAt(sync, "spec", "serviceAccountName");
    return {
      blocked: true,
      at: `serviceaccount/${account}`,
      sentence: `${name} may apply nothing: there is no ServiceAccount "${account}" in namespace ${namespace}; create it, and bind a Role to it that allows what is in Git`,
    };
  }
  const source = typeof chain.repository === "string" ? undefined : whyRepository(chain.repository, chain.secret);
  const applied = textAt(sync, "status", "commit");
  if (source?.blocked === true && applied === "") return { ...source, sentence: `${name} waits for its source: ${source.sentence}` };
  const own = notReady(sync);
  if (own !== undefined) return own;
  if (source?.blocked === true)
    return { ...source, sentence: `${name} keeps ${short(applied)} applied, but sees nothing newer: ${source.sentence}` };
  return pending(sync, chain.repository) ?? wellApplied(sync, applied);
}

/** Pure. The repository, and the Secret it logs in with. */
export function whyRepository(repository: ApiObject, secret: Neighbour): Why {
  const early = deletion(repository) ?? suspension(repository);
  if (early !== undefined) return early;
  const secretName = textAt(repository, "spec", "secretRef", "name");
  if (secret === "absent")
    return {
      blocked: true,
      at: `secret/${secretName}`,
      sentence: `${nameOf(repository)} cannot log in: there is no Secret "${secretName}" in namespace ${repository.metadata.namespace ?? ""}; create it with the keys username and password, or identity and known_hosts`,
    };
  const own = notReady(repository);
  if (own !== undefined) return own;
  const commit = textAt(repository, "status", "artifact", "commit");
  const message = textAt(repository, "status", "artifact", "message");
  const seen = textAt(repository, "status", "artifact", "seenAt");
  return well(repository, `${nameOf(repository)} is read at ${short(commit)}${message === "" ? "" : ` ("${cut(message)}")`}`, seen);
}

/** Pure. Any other object: deletion, conditions, then the latest Warning event that is newer than the condition Ready. */
export function whyObject(object: ApiObject, warning: JsonObject | undefined): Why {
  const early = deletion(object) ?? suspension(object) ?? notReady(object);
  if (early !== undefined) return early;
  const ready = conditionOf(object, "Ready");
  const when = warning === undefined ? "" : eventTime(warning);
  if (warning !== undefined && when > (ready?.lastTransitionTime ?? ""))
    return {
      blocked: true,
      at: nameOf(object),
      since: when,
      sentence: `${nameOf(object)}: ${textAt(warning, "reason")}: ${textAt(warning, "message")}`,
    };
  if (ready?.message !== undefined && ready.message !== "")
    return well(object, `${nameOf(object)} is ready: ${ready.message}`, ready.lastTransitionTime);
  return well(object, `nothing holds ${nameOf(object)} up`, ready?.lastTransitionTime ?? object.metadata.creationTimestamp);
}

/** When an event happened last, RFC 3339. */
export const eventTime = (event: JsonObject): string =>
  textAt(event, "series", "lastObservedTime") ||
  textAt(event, "lastTimestamp") ||
  textAt(event, "eventTime") ||
  textAt(event, "metadata", "creationTimestamp");

/** `sync/shop`. */
export const nameOf = ({ kind, metadata }: ApiObject): string => `${kind.toLowerCase()}/${metadata.name ?? ""}`;

/** The first 12 characters of a commit. */
export const short = (commit: string): string => (commit === "" ? "no commit" : `commit ${commit.slice(0, 12)}`);

function deletion(object: ApiObject): Why | undefined {
  const since = object.metadata.deletionTimestamp;
  if (since === undefined) return undefined;
  const finalizers = [
    ...(object.metadata.finalizers ?? []),
    ...listAt(object, "spec", "finalizers").filter((item) => typeof item === "string"),
  ];
  const waits = finalizers.length === 0 ? "it goes with its next pass" : `it waits for ${finalizers.join(", ")}`;
  const told = listAt(object, "status", "conditions").find((one) => textAt(one, "status") === "True" && textAt(one, "message") !== "");
  return {
    blocked: true,
    at: nameOf(object),
    since,
    sentence: `${nameOf(object)} is being deleted; ${waits}${told === undefined ? "" : ` (${textAt(told, "message")})`}`,
  };
}

function suspension(object: ApiObject): Why | undefined {
  if (at(object, "spec", "suspend") !== true) return undefined;
  const since = conditionOf(object, "Ready")?.lastTransitionTime;
  return {
    blocked: true,
    at: nameOf(object),
    ...(since === undefined ? {} : { since }),
    sentence: `${nameOf(object)} is suspended: somebody set spec.suspend; set it to false to go on`,
  };
}

/** Its own condition: not looked at, or not ready. A kind without a status has neither. */
function notReady(object: ApiObject): Why | undefined {
  const ready = conditionOf(object, "Ready");
  const own = nameOf(object);
  const generation = object.metadata.generation ?? 0;
  const seen = at(object, "status", "observedGeneration");
  const isBehind = typeof seen === "number" && seen < generation;
  if (ready === undefined && !looksLikeStatus(object)) return undefined;
  if (ready === undefined || isBehind) {
    const since = object.metadata.creationTimestamp;
    const what =
      ready === undefined
        ? "has not been looked at yet"
        : `has not been looked at since it was changed (generation ${generation}, seen ${typeof seen === "number" ? seen : 0})`;
    return {
      blocked: true,
      at: own,
      ...(ready === undefined && since !== undefined ? { since } : {}),
      sentence: `${own} ${what}; if that lasts, no control plane with the role controllers is running`,
    };
  }
  if (ready.status === "True") return undefined;
  const fact = textAt(object, "status", "blockedBy") || ready.message || ready.reason || "it gives no reason";
  const since = ready.lastTransitionTime;
  return {
    blocked: true,
    at: own,
    ...(since === undefined ? {} : { since }),
    sentence: `${own} is not ready: ${fact}${firstProblem(object, fact)}`,
  };
}

/** Kinds with a controller have a spec and count generations; of others nobody will ever say Ready. */
const CONTROLLED = ["Sync", "GitRepository"];
const looksLikeStatus = (object: ApiObject): boolean => CONTROLLED.includes(object.kind);

/** File, line and column of the first problem, unless the sentence has it already. */
function firstProblem(object: ApiObject, sentence: string): string {
  const [problem] = listAt(object, "status", "problems");
  const file = textAt(problem, "file");
  if (problem === undefined || file === "" || sentence.includes(file)) return "";
  const place = [file, at(problem, "line"), at(problem, "column")]
    .filter((part) => typeof part === "string" || typeof part === "number")
    .join(":");
  return ` (${place}: ${textAt(problem, "message")})`;
}

function pending(sync: ApiObject, repository: Neighbour): Why | undefined {
  if (typeof repository === "string") return undefined;
  const newest = textAt(repository, "status", "artifact", "commit");
  const attempted = textAt(sync, "status", "attemptedCommit") || textAt(sync, "status", "commit");
  if (newest === "" || newest === attempted) return undefined;
  const since = textAt(repository, "status", "artifact", "seenAt");
  return {
    blocked: true,
    at: nameOf(sync),
    ...(since === "" ? {} : { since }),
    sentence: `${nameOf(sync)} has still to apply ${short(newest)}, which was seen in Git; it is next`,
  };
}

function wellApplied(sync: ApiObject, commit: string): Why {
  const objects = at(sync, "status", "counts", "objects");
  const drift = listAt(sync, "status", "drift").length;
  const drifted =
    drift === 0
      ? ""
      : `; ${drift}${drift === 20 ? " or more" : ""} of them were changed by somebody else and are left so (slipway diff ${nameOf(sync)})`;
  const count = typeof objects === "number" ? `, ${objects} ${objects === 1 ? "object" : "objects"}` : "";
  return well(sync, `${nameOf(sync)} is as Git says: ${short(commit)}${count}${drifted}`, conditionOf(sync, "Ready")?.lastTransitionTime);
}

const well = (object: ApiObject, sentence: string, since: string | undefined): Why => ({
  blocked: false,
  at: nameOf(object),
  ...(since === undefined || since === "" ? {} : { since }),
  sentence,
});

const cut = (text: string): string => (text.length > 72 ? `${text.slice(0, 71)}…` : text);
