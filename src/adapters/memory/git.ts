import { createHash } from "node:crypto";
import { authorship, changeFault, commitsByKey, judgeChange } from "../../domain/git/change.ts";
import { cleanIdentity, parseTrailers } from "../../domain/git/commit-message.ts";
import type { GitIdentity } from "../../domain/git/commit-message.ts";
import { leftOutMessage, shownName } from "../../domain/git/left-out.ts";
import { parseRevision } from "../../domain/git/ref-name.ts";
import { parseRemoteUrl } from "../../domain/git/remote-url.ts";
import { normalTreePath, treePathFault } from "../../domain/git/tree-path.ts";
import type { Instant } from "../../domain/units.ts";
import { readLimits } from "../../ports/git.ts";
import type {
  GitChange,
  GitCommit,
  GitFile,
  GitRemote,
  GitSource,
  GitWriter,
  LeftOut,
  TreeReading,
  TreeSelection,
  WriteOutcome,
} from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";

type Files = ReadonlyMap<string, { readonly bytes: Uint8Array; readonly executable: boolean }>;

interface Stored extends GitCommit {
  readonly files: Files;
}

/** One repository in memory, as the person who owns it sees it. */
export interface MemoryRepository {
  readonly url: string;
  /** An ordinary push: changes on top of the branch, which is made if absent. null deletes. */
  push(
    branch: string,
    files: Readonly<Record<string, string | null>>,
    about?: { readonly message?: string; readonly author?: GitIdentity },
  ): string;
  /** A force-push of a history with nothing in common. */
  rewrite(branch: string, files: Readonly<Record<string, string>>): string;
  tag(name: string, commit: string): void;
  /** Newest first, following first parents. */
  log(branch: string): readonly GitCommit[];
  file(branch: string, path: string): string | undefined;
}

export interface MemoryGit {
  readonly source: GitSource;
  readonly writer: GitWriter;
  repository(url: string): MemoryRepository;
}

/** Git without Git, for simulations and for trying Slipway out: the same promises, kept by the same contract suite. Repositories live as long as this does. */
export function memoryGit(now: () => Instant, committer: GitIdentity = { name: "Slipway", email: "slipway@localhost" }): MemoryGit {
  const repositories = new Map<string, Repository>();
  const open = (remote: GitRemote): Repository => {
    const parsed = parseRemoteUrl(remote.url, { field: "spec.url", allowPlainHttp: remote.allowPlainHttp ?? false });
    if ("problem" in parsed) throw refused("InvalidURL", `${parsed.problem.message}; ${parsed.problem.hint ?? ""}`);
    const repository = repositories.get(parsed.address.url);
    if (!repository) throw refused("RepositoryNotFound", `cannot read ${remote.url}: there is no such repository; check the address`);
    return repository;
  };
  return {
    source: memorySource(open),
    writer: memoryWriter(open, now, committer),
    repository(url) {
      const repository = repositories.get(url) ?? new Repository(url);
      repositories.set(url, repository);
      return ownersView(repository, now);
    },
  };
}

/** Commits and refs of one repository. */
class Repository {
  readonly url: string;
  readonly commits = new Map<string, Stored>();
  readonly refs = new Map<string, string>();

  constructor(url: string) {
    this.url = url;
  }

  at(commit: string): Stored {
    const found = this.commits.get(commit);
    if (!found)
      throw new PortError("notDone", `${this.url} does not hand out commit ${commit}; the ref is looked up again`, {
        reason: "CommitNotFound",
      });
    return found;
  }

  add(parent: string | undefined, files: Files, author: GitIdentity, committer: GitIdentity, message: string, at: Instant): string {
    const content = [...files].map(([path, { bytes, executable }]) => [path, blobId(bytes), executable]);
    const id = sha1(JSON.stringify([parent, content, author, message, at, this.commits.size]));
    const parents = parent === undefined ? [] : [parent];
    this.commits.set(id, {
      id,
      parents,
      files,
      author: { ...cleanIdentity(author), at },
      committer: { ...cleanIdentity(committer), at },
      message,
      trailers: parseTrailers(message),
    });
    return id;
  }

  /** Newest first. */
  line(commit: string): readonly Stored[] {
    const line: Stored[] = [];
    for (let at: string | undefined = commit; at !== undefined; at = line.at(-1)?.parents[0]) line.push(this.at(at));
    return line;
  }
}

function memorySource(open: (remote: GitRemote) => Repository): GitSource {
  // Everything happens inside the promise, so that a fault is a rejection and an aborted signal is heeded.
  const answer = async <T>(remote: GitRemote, signal: AbortSignal, work: (repository: Repository) => T): Promise<T> => {
    await Promise.resolve();
    if (signal.aborted)
      throw new PortError("notDone", `reading ${remote.url} was cancelled`, { cause: signal.reason, reason: "Cancelled" });
    return work(open(remote));
  };
  return {
    resolve: (remote, ref, signal) => answer(remote, signal, (repository) => lookUp(repository, ref)),
    fetch: (remote, want, signal) =>
      answer(remote, signal, (repository) => {
        const commit = "commit" in want ? want.commit : lookUp(repository, want.ref);
        const line = repository.line(commit).map(({ id }) => id);
        const since =
          want.seen === undefined ? "first" : want.seen === commit ? "same" : line.includes(want.seen) ? "forward" : "rewritten";
        return { commit, since };
      }),
    read: (remote, commit, selection, signal) => answer(remote, signal, (repository) => readFiles(repository, commit, selection)),
    changedPaths: (remote, from, to, signal) =>
      answer(remote, signal, (repository) => pathsBetween(repository.at(from).files, repository.at(to).files)),
    history: (remote, range, signal) =>
      answer(remote, signal, (repository) => {
        const known = new Set(range.from === undefined ? [] : repository.line(range.from).map(({ id }) => id));
        const all = repository.line(range.to).filter(({ id }) => !known.has(id));
        const limit = Math.max(1, range.limit ?? 100);
        return { commits: all.slice(0, limit).map(withoutFiles), complete: all.length <= limit };
      }),
  };
}

const withoutFiles = ({ files: _, ...commit }: Stored): GitCommit => commit;

function lookUp(repository: Repository, text: string): string {
  const parsed = parseRevision(text, "spec.ref");
  if ("problem" in parsed) throw refused("InvalidRef", `${parsed.problem.message}; ${parsed.problem.hint ?? ""}`);
  if (parsed.revision.kind === "commit") return parsed.revision.commit;
  if (repository.refs.size === 0)
    throw refused("EmptyRepository", `${repository.url} is empty: it has no commits yet; push a first commit`);
  const ref = parsed.revision.ref === "HEAD" ? "refs/heads/main" : parsed.revision.ref;
  const commit = repository.refs.get(ref);
  if (commit === undefined) throw refused("RefNotFound", `${repository.url} has no ${ref}; correct spec.ref, or push it`);
  return commit;
}

function readFiles(repository: Repository, commit: string, selection: TreeSelection): TreeReading {
  const limits = { ...readLimits, ...selection.limits };
  const { files } = repository.at(commit);
  const paths = selection.paths.map(normalTreePath);
  for (const path of paths)
    if (path !== "" && (path.startsWith("/") || treePathFault(path, limits)))
      throw refused("InvalidPath", `the path ${shownName(path)} cannot be read; write a path relative to the root of the repository`);
  const under = (path: string, folder: string) => folder === "" || path === folder || path.startsWith(`${folder}/`);
  const absent = paths.filter((folder) => folder !== "" && ![...files.keys()].some((path) => under(path, folder)));
  if (absent.length > 0 && !selection.mayBeAbsent)
    throw refused("PathNotFound", `${repository.url} at ${commit.slice(0, 12)} has no ${absent.join(", ")}; correct spec.path`);
  const all = [...files]
    .filter(([path]) => paths.some((folder) => under(path, folder)))
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const identity = sha1(JSON.stringify([paths, all.map(([path, { bytes, executable }]) => [path, blobId(bytes), executable])]));
  if (identity === selection.unless) return { kind: "unchanged", identity };
  const chosen = all.filter(([path]) => !selection.suffixes || selection.suffixes.some((suffix) => path.endsWith(suffix)));
  if (chosen.length > limits.files)
    throw refused(
      "TooManyFiles",
      `there are more than ${limits.files} files to read; name a smaller path in spec.path, or raise the limit of files`,
    );
  const leftOut: LeftOut[] = [];
  const read: GitFile[] = [];
  for (const [path, { bytes, executable }] of chosen) {
    const reason = treePathFault(path, limits) ?? (bytes.length > limits.fileBytes ? "tooLarge" : undefined);
    if (reason) leftOut.push({ path, reason, message: leftOutMessage(reason, path, bytes.length, limits) });
    else read.push({ path, executable, blob: blobId(bytes), bytes });
  }
  if (read.reduce((sum, { bytes }) => sum + bytes.length, 0) > limits.totalBytes)
    throw refused(
      "TooManyBytes",
      `the files to read are larger than ${limits.totalBytes} bytes together; name a smaller path in spec.path`,
    );
  return { kind: "files", identity, files: read, leftOut };
}

function pathsBetween(from: Files, to: Files): readonly string[] {
  const idOf = (files: Files, path: string) => {
    const file = files.get(path);
    return file && `${blobId(file.bytes)} ${file.executable}`;
  };
  return [...new Set([...from.keys(), ...to.keys()])].filter((path) => idOf(from, path) !== idOf(to, path)).toSorted();
}

function memoryWriter(open: (remote: GitRemote) => Repository, now: () => Instant, committer: GitIdentity): GitWriter {
  const waiting = new Map<string, { readonly change: GitChange; settle(outcome: WriteOutcome): void }[]>();
  return {
    async write(remote, branch, change, signal) {
      const fault = changeFault(branch, change, readLimits);
      if (fault) throw refused("InvalidChange", `cannot write to ${branch}: ${fault}`);
      const repository = open(remote);
      if (repository.refs.size > 0 && !repository.refs.has(`refs/heads/${branch}`))
        throw refused("RefNotFound", `${repository.url} has no branch ${branch}; make it, or name another one`);
      if (signal.aborted)
        throw new PortError("notDone", `writing to ${branch} was cancelled`, { cause: signal.reason, reason: "Cancelled" });
      const key = `${repository.url}\n${branch}`;
      const queue = waiting.get(key) ?? [];
      const outcome = new Promise<WriteOutcome>((settle) => queue.push({ change, settle }));
      waiting.set(key, queue);
      await Promise.resolve(); // writes asked for in one turn of the event loop are one commit
      waiting.delete(key);
      const outcomes = writeAll(
        repository,
        branch,
        queue.map((item) => item.change),
        committer,
        now(),
      );
      queue.splice(0).forEach((item, at) => {
        const result = outcomes[at];
        if (result) item.settle(result);
      });
      return outcome;
    },
  };
}

function writeAll(
  repository: Repository,
  branch: string,
  changes: readonly GitChange[],
  committer: GitIdentity,
  at: Instant,
): readonly WriteOutcome[] {
  const tip = repository.refs.get(`refs/heads/${branch}`);
  const done = commitsByKey(tip === undefined ? [] : repository.line(tip));
  const files = new Map(tip === undefined ? [] : repository.at(tip).files);
  const writes: GitChange[] = [];
  const outcomes = changes.map((change): WriteOutcome | undefined => {
    const before = done.get(change.key);
    if (before !== undefined) return { outcome: "already", commit: before };
    const verdict = judgeChange(change, (path) => contentOf(files, path), tip ?? "");
    if (verdict.kind === "settled") return verdict.outcome;
    for (const [path, next] of verdict.edits) {
      if (next === "delete") files.delete(path);
      else files.set(path, { bytes: next, executable: files.get(path)?.executable ?? false });
    }
    writes.push(change);
    return undefined;
  });
  if (writes.length === 0) return outcomes.filter((outcome) => outcome !== undefined);
  const { author, message } = authorship(writes, committer);
  const commit = repository.add(tip, files, author, committer, message, at);
  repository.refs.set(`refs/heads/${branch}`, commit);
  return outcomes.map((outcome) => outcome ?? { outcome: "written", commit });
}

function contentOf(files: Files, path: string) {
  const file = files.get(path);
  return file ? { blob: blobId(file.bytes), bytes: file.bytes } : ("absent" as const);
}

function ownersView(repository: Repository, now: () => Instant): MemoryRepository {
  const owner: GitIdentity = { name: "Owner", email: "owner@example.com" };
  const put = (
    parent: string | undefined,
    branch: string,
    changes: Readonly<Record<string, string | null>>,
    message: string,
    author = owner,
  ) => {
    const files = new Map(parent === undefined ? [] : repository.at(parent).files);
    for (const [path, content] of Object.entries(changes)) {
      if (content === null) files.delete(path);
      else files.set(path, { bytes: Buffer.from(content), executable: false });
    }
    const commit = repository.add(parent, files, author, author, message, now());
    repository.refs.set(`refs/heads/${branch}`, commit);
    return commit;
  };
  const tip = (branch: string) => repository.refs.get(`refs/heads/${branch}`);
  return {
    url: repository.url,
    push: (branch, files, about) => put(tip(branch), branch, files, about?.message ?? "Change", about?.author),
    rewrite: (branch, files) => put(undefined, branch, files, "Begin again"),
    tag: (name, commit) => void repository.refs.set(`refs/tags/${name}`, commit),
    log: (branch) => repository.line(tip(branch) ?? "").map(withoutFiles),
    file(branch, path) {
      const file = repository.at(tip(branch) ?? "").files.get(path);
      return file && Buffer.from(file.bytes).toString("utf8");
    },
  };
}

const refused = (reason: string, message: string) => new PortError("refused", message, { reason });

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");

/** As Git counts it: sha1 of `blob SIZE NUL CONTENT`. */
const blobId = (bytes: Uint8Array) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
