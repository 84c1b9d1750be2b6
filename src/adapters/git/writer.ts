import { setTimeout as sleep } from "node:timers/promises";
import { authorship, changeFault, commitsByKey, judgeChange } from "../../domain/git/change.ts";
import type { GitIdentity } from "../../domain/git/commit-message.ts";
import type { Instant } from "../../domain/units.ts";
import { readLimits } from "../../ports/git.ts";
import type { GitChange, GitRemote, GitWriter, WriteOutcome } from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";
import { onMirrors } from "./failures.ts";
import { makeCommit } from "./commit.ts";
import { readHistory } from "./history.ts";
import { remoteHome } from "./home.ts";
import type { GitPlace, RemoteHome } from "./home.ts";
import type { Mirror } from "./mirror.ts";
import { withMirror } from "./mirror.ts";
import { pushCommit } from "./push.ts";
import { fetchWanted, lookUp } from "./remote.ts";
import { currentFiles } from "./current-files.ts";
import type { CurrentFile } from "./current-files.ts";

export interface WriterOptions {
  readonly committer: GitIdentity;
  readonly now: () => Instant;
}

interface Waiting {
  readonly change: GitChange;
  readonly signal: AbortSignal;
  resolve(outcome: WriteOutcome): void;
  reject(cause: Error): void;
  pushing: boolean;
}

interface Lane {
  readonly remote: GitRemote;
  readonly branch: string;
  waiting: Waiting[];
  running: boolean;
}

const mostAtOnce = 100;
// A batch belongs to several callers: one who leaves does not end it. Its own limits do.
const unstoppable = new AbortController().signal;

/** Writes to real repositories. What waits for one branch is joined into one commit; one push per branch is under way in this process. */
export function gitWriter(place: GitPlace, options: WriterOptions): GitWriter {
  const lanes = new Map<string, Lane>();
  return {
    write(remote, branch, change, signal) {
      const fault = changeFault(branch, change, readLimits);
      if (fault) return Promise.reject(new PortError("refused", `cannot write to ${branch}: ${fault}`, { reason: "InvalidChange" }));
      const key = JSON.stringify([remote, branch]); // remotes that differ in credentials do not share a push
      const lane = lanes.get(key) ?? { remote, branch, waiting: [], running: false };
      lanes.set(key, lane);
      const outcome = enqueue(lane, change, signal);
      if (!lane.running)
        void drain(place, options, lane).finally(() => {
          if (lane.waiting.length === 0 && !lane.running) lanes.delete(key);
        });
      return outcome;
    },
  };
}

function enqueue(lane: Lane, change: GitChange, signal: AbortSignal): Promise<WriteOutcome> {
  return new Promise((resolve, reject) => {
    const cancelled = () => {
      lane.waiting = lane.waiting.filter((other) => other !== waiting);
      const outcome = waiting.pushing ? "unknown" : "notDone";
      reject(
        new PortError(
          outcome,
          `writing to ${lane.branch} was cancelled${waiting.pushing ? " while it was pushed; ask again with the same key" : ""}`,
          { cause: signal.reason, reason: "Cancelled" },
        ),
      );
    };
    const settled = () => {
      signal.removeEventListener("abort", cancelled);
    };
    const waiting: Waiting = {
      change,
      signal,
      pushing: false,
      resolve: (outcome) => {
        settled();
        resolve(outcome);
      },
      reject: (cause) => {
        settled();
        reject(cause);
      },
    };
    if (signal.aborted) cancelled();
    else {
      signal.addEventListener("abort", cancelled, { once: true });
      lane.waiting.push(waiting);
    }
  });
}

async function drain(place: GitPlace, options: WriterOptions, lane: Lane): Promise<void> {
  lane.running = true;
  await Promise.resolve(); // writes asked for in one turn of the event loop are one commit
  while (lane.waiting.length > 0) {
    const batch = lane.waiting.slice(0, mostAtOnce);
    lane.waiting = lane.waiting.slice(mostAtOnce);
    for (const waiting of batch) waiting.pushing = true;
    try {
      const outcomes = await onMirrors(place.root, unstoppable, () =>
        writeBatch(
          place,
          options,
          lane,
          batch.map(({ change }) => change),
        ),
      );
      batch.forEach((waiting, at) => {
        const outcome = outcomes[at];
        if (outcome instanceof PortError) waiting.reject(outcome);
        else if (outcome) waiting.resolve(outcome);
        else waiting.reject(new Error("a write was not answered"));
      });
    } catch (cause) {
      for (const waiting of batch) waiting.reject(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }
  lane.running = false;
}

type Answer = WriteOutcome | PortError;

/** Tries until the push was accepted: each time everything is looked up and compared anew. */
async function writeBatch(place: GitPlace, options: WriterOptions, lane: Lane, changes: readonly GitChange[]): Promise<readonly Answer[]> {
  const home = await remoteHome(place, lane.remote);
  const ends = AbortSignal.timeout(place.limits.pushSeconds * 3 * 1000);
  let doubt: PortError | undefined;
  for (let attempt = 1; attempt <= place.limits.pushAttempts && !ends.aborted; attempt += 1) {
    try {
      const result = await attemptOnce(home, options, lane.branch, changes, ends);
      if (result !== "overtaken") return result;
    } catch (cause) {
      if (!(cause instanceof PortError)) throw cause;
      // After a push with no answer the next attempt observes first, by the key; if even that fails, nobody knows.
      if (cause.outcome === "unknown") doubt = cause;
      else if (doubt !== undefined)
        throw new PortError("unknown", `${doubt.message}; looking whether it arrived failed too: ${cause.message}`, {
          cause,
          reason: doubt.reason,
        });
      else if (!retryable(cause)) throw cause;
    }
    await sleep(Math.random() * Math.min(400, 20 * attempt));
  }
  if (doubt) throw doubt;
  throw new PortError(
    "notDone",
    `others pushed to ${lane.branch} of ${home.address.url} before each of ${place.limits.pushAttempts} attempts; it is tried again later`,
    { reason: "Overtaken" },
  );
}

// The branch moved, or the mirror was replaced, between two steps.
const retryable = (cause: PortError): boolean =>
  cause.outcome === "notDone" && (cause.reason === "CommitNotFound" || cause.reason === "MirrorDamaged");

async function attemptOnce(
  home: RemoteHome,
  options: WriterOptions,
  branch: string,
  changes: readonly GitChange[],
  signal: AbortSignal,
): Promise<readonly Answer[] | "overtaken"> {
  const base = await baseOf(home, branch, signal);
  const plan = await planCommit(base, changes, signal);
  if (plan.writes.length === 0) return plan.answers.map((answer) => answer ?? missingAnswer());
  const draft = {
    parent: base.tip,
    files: plan.files,
    committer: options.committer,
    at: options.now(),
    ...authorship(plan.writes, options.committer),
  };
  const commit = await makeCommit(base.mirror, draft, signal);
  if ((await pushCommit(base.mirror, branch, base.tip, commit, signal)) === "overtaken") return "overtaken";
  return plan.answers.map((answer) => answer ?? { outcome: "written" as const, commit });
}

const missingAnswer = (): PortError =>
  new PortError("notDone", "the write was neither made nor settled; it is tried again", { reason: "GitFailed" });

interface Base {
  readonly mirror: Mirror;
  /** Absent: the repository is empty. */
  readonly tip: string | undefined;
}

async function baseOf(home: RemoteHome, branch: string, signal: AbortSignal): Promise<Base> {
  const found = await lookUp(home, `refs/heads/${branch}`, signal);
  if (found === "absent")
    throw new PortError(
      "refused",
      `${home.address.url} has no branch ${branch}; make it (git push origin HEAD:${branch}), or name another one`,
      { reason: "RefNotFound" },
    );
  if (found === "empty") return { mirror: await withMirror(home, "sha1", signal, (mirror) => Promise.resolve(mirror)), tip: undefined };
  const { mirror, commit } = await fetchWanted(home, { commit: found.commit, ref: `refs/heads/${branch}` }, signal);
  return { mirror, tip: commit };
}

interface Plan {
  /** An answer per change; undefined where it depends on the push. */
  readonly answers: readonly (Answer | undefined)[];
  readonly writes: readonly GitChange[];
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly executable: boolean } | "delete">;
}

async function planCommit({ mirror, tip }: Base, changes: readonly GitChange[], signal: AbortSignal): Promise<Plan> {
  const { historyCommits } = mirror.home.place.limits;
  const done =
    tip === undefined ? new Map<string, string>() : commitsByKey((await readHistory(mirror, { to: tip }, historyCommits, signal)).commits);
  const paths = [...new Set(changes.flatMap(({ edits }) => edits.map(({ path }) => path)))];
  const files: ReadonlyMap<string, CurrentFile> = tip === undefined ? new Map() : await currentFiles(mirror, tip, paths, signal);
  const next = new Map<string, { readonly bytes: Uint8Array; readonly executable: boolean } | "delete">();
  const writes: GitChange[] = [];
  const contentOf = (path: string) => {
    const planned = next.get(path);
    if (planned !== undefined) return planned === "delete" ? ("absent" as const) : { blob: undefined, bytes: planned.bytes };
    const file = files.get(path);
    return file?.kind === "file" ? file : ("absent" as const);
  };
  const answers = changes.map((change): Answer | undefined => {
    const before = done.get(change.key);
    if (before !== undefined) return { outcome: "already", commit: before };
    const blocked = change.edits.map(({ path }) => files.get(path)).find((file) => file?.kind === "blocked");
    if (blocked?.kind === "blocked") return new PortError("refused", `cannot write ${blocked.why}`, { reason: "InvalidChange" });
    const verdict = judgeChange(change, contentOf, tip ?? "");
    if (verdict.kind === "settled") return verdict.outcome;
    for (const [path, bytes] of verdict.edits) {
      const old = files.get(path);
      next.set(path, bytes === "delete" ? "delete" : { bytes, executable: old?.kind === "file" && old.executable });
    }
    writes.push(change);
    return undefined;
  });
  return { answers, writes, files: next };
}
