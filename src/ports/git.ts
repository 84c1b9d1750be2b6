import type { GitIdentity, Trailer } from "../domain/git/commit-message.ts";
import type { GitChange, WriteOutcome } from "../domain/git/change.ts";
import type { LeftOut } from "../domain/git/left-out.ts";
import type { Instant } from "../domain/units.ts";

/**
 * Reads repositories. Content and servers are hostile: nothing found in a repository is executed, followed or written outside the mirror, and
 * every size is bounded. All methods throw PortError: `refused` where somebody has to change something, `notDone` where trying again may help.
 * Aborting the signal ends the work at once, its processes included, as `notDone` (`Cancelled`); nothing half-read is ever answered.
 */
export interface GitSource {
  /**
   * The commit that `ref` is on the remote now; a tag is followed to its commit. `ref`: a branch name, a full ref name, `HEAD` or a commit id (answered as it is).
   * Refused: `RefNotFound`, `EmptyRepository`, `RepositoryNotFound`, `AuthenticationFailed`, `InvalidURL`, `InvalidRef` …
   */
  resolve(remote: GitRemote, ref: string, signal: AbortSignal): Promise<string>;
  /**
   * Makes the commit of `want` readable on this machine. Idempotent; asks nobody if a wanted commit is here already. Safe with several processes.
   * `Fetched.since` says how it relates to `seen`: a rewritten history is a fact to report, not an error.
   */
  fetch(remote: GitRemote, want: FetchWant, signal: AbortSignal): Promise<Fetched>;
  /**
   * The regular files under the paths at a commit, without a work tree; fetches the commit if it is not here. What cannot be read (symbolic link, submodule,
   * hostile name, too large) is in `leftOut` with its reason, and the rest is read. Refused as a whole: `PathNotFound`, `TooManyFiles`, `TooManyBytes`.
   */
  read(remote: GitRemote, commit: string, selection: TreeSelection, signal: AbortSignal): Promise<TreeReading>;
  /** The paths that differ between two commits, both made readable first. No renames: a moved file is two paths. At most `readLimits.files` × 4, then `TooManyFiles`. */
  changedPaths(remote: GitRemote, from: string, to: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Commits reachable from `to` and not from `from`, newest first, at most `limit` (default 100). `complete` false: there are more, or older ones are not on this machine. */
  history(
    remote: GitRemote,
    range: HistoryRange,
    signal: AbortSignal,
  ): Promise<{ readonly commits: readonly GitCommit[]; readonly complete: boolean }>;
}

/** Writes to a branch of a repository. One writer per repository and process joins what waits into one commit; several processes may write at once. */
export interface GitWriter {
  /**
   * Brings the files of one change about in one commit on top of the branch as it is at that moment, or not at all.
   *
   * Compare-and-swap of values: a push by somebody else leads to reading again, and only a file that no longer holds what was expected ends it (`changed`).
   * Never overwrites or takes away a commit of others. Once only: a commit with the same `key` in the history that is looked at (limits.historyCommits) answers
   * `already`, and so does a branch where every file has its wanted value. An absent branch of an empty repository is made; another absent branch is refused.
   * Aborting while it waits is `notDone`; after that, `unknown`. Throws PortError; `unknown` = it may have been pushed: call again with the same key, which observes first.
   */
  write(remote: GitRemote, branch: string, change: GitChange, signal: AbortSignal): Promise<WriteOutcome>;
}

export type { EditDecision, Expected, GitChange, GitEdit, WriteOutcome } from "../domain/git/change.ts";
export type { LeftOut } from "../domain/git/left-out.ts";

export interface GitRemote {
  /** Absolute path, file:///path, https://, ssh://, user@host:path; http:// with `allowPlainHttp`. Without user name or password (ssh: without password). */
  readonly url: string;
  readonly credentials?: GitCredentials;
  /** PEM certificates that a https server is checked against, in place of the machine's. */
  readonly certificateAuthority?: string;
  readonly allowPlainHttp?: boolean;
}

/** Never on a command line, in an error text, or on disk for longer than one command. */
export type GitCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** `knownHosts`: lines of known_hosts; a server that is not in them is refused. */
  | { readonly kind: "ssh"; readonly privateKey: string; readonly knownHosts: string };

/** `ref` beside a commit: where to look if the server does not hand out a commit by its id. */
export type FetchWant = ({ readonly ref: string } | { readonly commit: string; readonly ref?: string }) & {
  /** The commit that was read last, to say whether the history was rewritten since. */
  readonly seen?: string;
};

export interface Fetched {
  readonly commit: string;
  /** `first` nothing was seen; `same`; `forward` a descendant; `rewritten` not a descendant; `unknown` more new commits than are looked at. */
  readonly since: "first" | "same" | "forward" | "rewritten" | "unknown";
}

export interface TreeSelection {
  /** Folders or files; "" is the whole tree. A path that is not there is `PathNotFound`, unless `mayBeAbsent`. */
  readonly paths: readonly string[];
  readonly mayBeAbsent?: boolean;
  /** Only files that end so (".yaml"); absent: all. Others are neither read nor counted. */
  readonly suffixes?: readonly string[];
  /** The `identity` of an earlier reading of the same paths: the answer is `unchanged`, at the cost of one look-up, if it is the same still. */
  readonly unless?: string;
  readonly limits?: Partial<ReadLimits>;
}

export interface ReadLimits {
  readonly files: number;
  readonly fileBytes: number;
  readonly totalBytes: number;
  readonly depth: number;
  readonly pathBytes: number;
}

export const readLimits: ReadLimits = { files: 20_000, fileBytes: 1 << 20, totalBytes: 128 << 20, depth: 32, pathBytes: 1024 };

/** `identity` changes if and only if anything under the paths does. */
export type TreeReading =
  | { readonly kind: "unchanged"; readonly identity: string }
  | { readonly kind: "files"; readonly identity: string; readonly files: readonly GitFile[]; readonly leftOut: readonly LeftOut[] };

/** `blob` is Git's id of the content: equal ids, equal bytes. Files come ordered by path (byte order). */
export interface GitFile {
  readonly path: string;
  readonly executable: boolean;
  readonly blob: string;
  readonly bytes: Uint8Array;
}

export interface HistoryRange {
  readonly from?: string;
  readonly to: string;
  readonly limit?: number;
}

export interface GitCommit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: GitIdentity & { readonly at: Instant };
  readonly committer: GitIdentity & { readonly at: Instant };
  readonly message: string;
  readonly trailers: readonly Trailer[];
}
