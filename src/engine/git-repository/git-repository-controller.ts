import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import { conditionOf } from "../../domain/object/conditions.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import type { ObjectEvent } from "../../domain/object/object-event.ts";
import { type Fetched, followedRef, type Look, nextLook, seenCommit, sourceStatus } from "../../domain/source/source-state.ts";
import type { Instant } from "../../domain/units.ts";
import type { Authors } from "../../ports/authors.ts";
import type { GitRemote, GitSource } from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Change, Resources, StoredObject, WakeRule } from "../../ports/resources.ts";
import type { Conclusion, Controller, Done } from "../controller.ts";
import { specOrMetadataChanged } from "../wake-rules.ts";
import { remoteOf } from "./remote.ts";

export type RepositorySeen =
  | { readonly kind: "gone" }
  | { readonly kind: "seen"; readonly repository: StoredObject; readonly remote: GitRemote | undefined; readonly look: Look };

export interface FetchCommand {
  readonly remote: GitRemote;
  readonly ref: string;
  readonly commit: string;
  readonly seen: string | undefined;
}

const REPOSITORIES = { group: "slipway.dev", resource: "gitrepositories" } as const;

/** Looks at each GitRepository at its interval or when told, makes a new commit readable, and then says so in its status: that is what a Sync waits for. */
export function gitRepositoryController(git: GitSource, authors: Authors): Controller<RepositorySeen, FetchCommand, Fetched> {
  return {
    name: "git-repository",
    observe: (key, resources, signal) => observeRepository(git, key, resources, signal),
    decide: (seen, now) => {
      if (seen.kind === "gone") return { commands: [], updates: [], events: [] };
      const { repository, remote, look } = seen;
      const isNew = look.kind === "head" && look.commit !== seenCommit(repository.object);
      if (!isNew || remote === undefined) return { ...saying(repository, look, undefined, now), commands: [] };
      // Nothing is said before the fetch: until then the commit seen last is what there is.
      const command = { remote, ref: followedRef(repository.object), commit: look.commit, seen: seenCommit(repository.object) };
      return { commands: [command], updates: [], events: [] };
    },
    act: (command, _resources, signal) => fetchCommit(git, authors, command, signal),
    conclude: concludeRepository,
  };
}

async function observeRepository(git: GitSource, key: ObjectKey, resources: Resources, signal: AbortSignal): Promise<RepositorySeen> {
  const own = await resources.snapshot(async (reader) => {
    const repository = await reader.get(key);
    const name = repository === undefined ? "" : secretName(repository.object);
    return {
      repository,
      secret: name === "" ? undefined : await reader.get({ group: "", resource: "secrets", namespace: key.namespace, name }),
    };
  });
  const { repository, secret } = own;
  if (repository === undefined) return { kind: "gone" };
  if (isSuspended(repository.object) || repository.object.metadata.deletionTimestamp !== undefined)
    return { kind: "seen", repository, remote: undefined, look: { kind: "notLooked" } };
  try {
    const remote = remoteOf(repository.object, secret?.object);
    return {
      kind: "seen",
      repository,
      remote,
      look: { kind: "head", commit: await git.resolve(remote, followedRef(repository.object), signal) },
    };
  } catch (error) {
    if (!(error instanceof PortError) || signal.aborted) throw error;
    const { reason, message, outcome } = error;
    return { kind: "seen", repository, remote: undefined, look: { kind: "failed", refused: outcome === "refused", reason, message } };
  }
}

async function fetchCommit(
  git: GitSource,
  authors: Authors,
  { remote, ref, commit, seen }: FetchCommand,
  signal: AbortSignal,
): Promise<Fetched> {
  const fetched = await git.fetch(remote, { commit, ref, ...(seen === undefined ? {} : { seen }) }, signal);
  const { commits } = await git.history(remote, { to: fetched.commit, limit: 1 }, signal);
  const [head] = commits;
  const rewritten = fetched.since === "rewritten";
  if (head === undefined) return { commit: fetched.commit, rewritten, author: "", message: "" };
  const { author, committer, message } = head;
  const user = await authors.userOf(author.email);
  return {
    commit: fetched.commit,
    rewritten,
    author: `${author.name} <${author.email}>`,
    ...(user === undefined ? {} : { user }),
    message: message.split("\n")[0] ?? "",
    committedAt: committer.at,
  };
}

function concludeRepository(seen: RepositorySeen, [done]: readonly Done<FetchCommand, Fetched>[], now: Instant): Conclusion {
  if (seen.kind === "gone" || done === undefined) return { updates: [], events: [] };
  if ("outcome" in done) return saying(seen.repository, seen.look, done.outcome, now);
  const { kind, reason, message } = done.failure;
  return saying(seen.repository, { kind: "failed", refused: kind === "stalled", reason, message }, undefined, now);
}

function saying(repository: StoredObject, look: Look, fetched: Fetched | undefined, now: Instant): Conclusion {
  const status = sourceStatus(repository.object, look, fetched, now);
  const wake = look.kind === "notLooked" ? {} : { wakeAt: nextLook(repository.object, look.kind === "failed", now) };
  return { updates: [{ of: repository, status }], events: eventsOf(repository, look, fetched), ...wake };
}

function eventsOf(repository: StoredObject, look: Look, fetched: Fetched | undefined): readonly ObjectEvent[] {
  const about = { about: repository.key, apiVersion: repository.object.apiVersion, kind: repository.object.kind, uid: repository.uid };
  if (fetched?.rewritten === true) {
    const message = `the history of ${followedRef(repository.object)} was rewritten: ${fetched.commit.slice(0, 12)} does not descend from ${seenCommit(repository.object)?.slice(0, 12) ?? "what was seen"}; it is followed, and who pushed it should know`;
    return [{ ...about, type: "Warning", reason: "HistoryRewritten", message }];
  }
  if (fetched !== undefined)
    return [
      {
        ...about,
        type: "Normal",
        reason: "NewCommit",
        message: `${followedRef(repository.object)} is at ${fetched.commit.slice(0, 12)} by ${fetched.user ?? fetched.author}: ${fetched.message.slice(0, 200)}`,
      },
    ];
  const ready = conditionOf(repository.object, "Ready");
  if (look.kind !== "failed" || ready?.reason === look.reason) return [];
  return [{ ...about, type: "Warning", reason: look.reason, message: look.message }];
}

/** A repository is due when it changes and when its Secret does; the rest is its interval and the webhook. */
export function dueRepositories(change: Change): readonly WakeRule[] {
  const { key } = change;
  if (key.group === REPOSITORIES.group && key.resource === REPOSITORIES.resource)
    return change.type !== "deleted" && specOrMetadataChanged(change) ? [{ controller: "git-repository", key }] : [];
  if (key.group === "" && key.resource === "secrets")
    return [{ controller: "git-repository", linkedTo: `secret/${key.namespace}/${key.name}`, ...REPOSITORIES }];
  return [];
}

const isSuspended = ({ spec }: ApiObject): boolean => isJsonObject(spec) && spec["suspend"] === true;

function secretName({ spec }: ApiObject): string {
  const reference = isJsonObject(spec) ? spec["secretRef"] : undefined;
  return isJsonObject(reference) && typeof reference["name"] === "string" ? reference["name"] : "";
}
