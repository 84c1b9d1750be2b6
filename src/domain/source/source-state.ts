import type { ApiObject } from "../object/api-object.ts";
import { conditionsOf, type Statement, withConditions } from "../object/conditions.ts";
import { isJsonObject, type JsonObject } from "../object/json.ts";
import { type Instant, later, type Milliseconds, milliseconds, parseDuration, rfc3339 } from "../units.ts";

/** What one look at a remote repository came to. */
export type Look =
  | { readonly kind: "notLooked" }
  | { readonly kind: "head"; readonly commit: string }
  /** `refused`: somebody has to change something; otherwise it is tried again. */
  | { readonly kind: "failed"; readonly refused: boolean; readonly reason: string; readonly message: string };

/** A commit that was made readable on this machine. */
export interface Fetched {
  readonly commit: string;
  readonly rewritten: boolean;
  readonly author: string;
  /** Who that is here, when exactly one user claims the address. */
  readonly user?: string;
  readonly message: string;
  readonly committedAt?: Instant;
}

/** The commit that was seen last, by the status. */
export function seenCommit({ status }: ApiObject): string | undefined {
  const artifact = isJsonObject(status) ? status["artifact"] : undefined;
  return isJsonObject(artifact) && typeof artifact["commit"] === "string" ? artifact["commit"] : undefined;
}

/** The ref a GitRepository follows; a commit stands for itself. */
export function followedRef({ spec }: ApiObject): string {
  const ref = isJsonObject(spec) && isJsonObject(spec["ref"]) ? spec["ref"] : {};
  if (typeof ref["commit"] === "string") return ref["commit"];
  if (typeof ref["tag"] === "string") return `refs/tags/${ref["tag"]}`;
  return `refs/heads/${typeof ref["branch"] === "string" ? ref["branch"] : "main"}`;
}

/** Looks are this far apart; after a failure at least five seconds, so that a server in trouble is left alone. */
export function nextLook({ spec }: ApiObject, failed: boolean, now: Instant): Instant {
  const written = isJsonObject(spec) && typeof spec["interval"] === "string" ? parseDuration(spec["interval"]) : undefined;
  const interval = Math.max(SHORTEST, written ?? 30_000);
  return later(now, milliseconds(failed ? Math.max(interval, 5000) : interval));
}

const SHORTEST: Milliseconds = milliseconds(200);

/** The status after a look and, where a new commit was fetched, with what it is. The commit seen last stays while the remote cannot be asked. */
export function sourceStatus(repository: ApiObject, look: Look, fetched: Fetched | undefined, now: Instant): JsonObject {
  const before = isJsonObject(repository.status) ? repository.status : {};
  const generation = repository.metadata.generation ?? 1;
  const requested = repository.metadata.annotations?.["slipway.dev/reconcile-at"];
  const conditions = withConditions(conditionsOf(repository), statements(repository, look, fetched, generation), now);
  return {
    ...before,
    ...(fetched === undefined ? {} : { artifact: artifactOf(repository, fetched, now), historyRewritten: fetched.rewritten }),
    ...(requested === undefined ? {} : { lastHandledReconcileAt: requested }),
    conditions,
    observedGeneration: generation,
  };
}

function artifactOf(repository: ApiObject, { commit, author, user, message, committedAt }: Fetched, now: Instant): JsonObject {
  const committed = committedAt === undefined ? {} : { committedAt: rfc3339(committedAt) };
  return {
    commit,
    ref: followedRef(repository),
    seenAt: rfc3339(now),
    author: author.slice(0, 1024),
    ...(user === undefined ? {} : { user }),
    message: message.slice(0, 1024),
    ...committed,
  };
}

function statements(repository: ApiObject, look: Look, fetched: Fetched | undefined, observedGeneration: number): readonly Statement[] {
  const say = (type: string, status: Statement["status"], reason: string, message: string): Statement => ({
    type,
    status,
    reason,
    message,
    observedGeneration,
  });
  const seen = fetched?.commit ?? seenCommit(repository);
  switch (look.kind) {
    case "notLooked":
      return [say("Reconciling", "False", "Suspended", "spec.suspend is true: nobody looks for new commits until it is false")];
    case "head": {
      const message = `${followedRef(repository)} is at ${look.commit.slice(0, 12)}`;
      if (seen !== look.commit)
        return [
          say("Ready", "Unknown", "Fetching", `fetching: ${message}`),
          say("Reconciling", "True", "Fetching", message),
          say("Stalled", "False", "Fetching", ""),
        ];
      return [say("Ready", "True", "Fetched", message), say("Reconciling", "False", "Fetched", ""), say("Stalled", "False", "Fetched", "")];
    }
    case "failed": {
      const kept = seen === undefined ? "" : ` What was applied from ${seen.slice(0, 12)} stays.`;
      const message = `${look.message}${kept}`;
      return [
        say("Ready", "False", look.reason, message),
        say("Reconciling", look.refused ? "False" : "True", look.reason, look.refused ? "" : "tried again by itself"),
        say("Stalled", look.refused ? "True" : "False", look.reason, look.refused ? message : ""),
      ];
    }
  }
}
