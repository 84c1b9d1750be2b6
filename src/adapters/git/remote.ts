import { parseRevision } from "../../domain/git/ref-name.ts";
import type { Revision } from "../../domain/git/ref-name.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Fetched, FetchWant } from "../../ports/git.ts";
import { failureOf, speaksOfDamage } from "./failures.ts";
import { farEnd } from "./home.ts";
import type { RemoteHome } from "./home.ts";
import { bytesOnDisk, condemn, currentMirror, git, gitOutput, hasCommit, tidy, touchCommit, withMirror } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";
import { runGit } from "./run.ts";
import type { GitResult } from "./run.ts";
import { handSecrets } from "./secrets.ts";
import { cannotStart } from "./failures.ts";
import { randomUUID } from "node:crypto";

/** Reads a revision, or throws PortError `refused` (`InvalidRef`) with the way out. */
export function revisionOf(text: string): Revision {
  const parsed = parseRevision(text, "spec.ref");
  if ("revision" in parsed) return parsed.revision;
  throw new PortError("refused", `${parsed.problem.message}; ${parsed.problem.hint ?? ""}`, { reason: "InvalidRef" });
}

/** What a full ref is on the remote now. `absent`: the ref is not there; `empty`: nothing is. */
export async function lookUp(
  home: RemoteHome,
  ref: string,
  signal: AbortSignal,
): Promise<{ readonly commit: string } | "absent" | "empty"> {
  const kind = ref.startsWith("refs/heads/") ? ["--heads"] : ref.startsWith("refs/tags/") ? ["--tags"] : [];
  const { result, hidden } = await network(
    home,
    ["ls-remote", "--quiet", ...kind, ...farEnd.forReading(home.address), "--", home.address.url],
    home.place.limits.resolveSeconds,
    signal,
  );
  if (result.ended.how !== "exit" || result.ended.code !== 0)
    throw failureOf(result, { what: "read the refs of", url: home.address.url, limitSeconds: home.place.limits.resolveSeconds, hidden });
  const refs = refsIn(result.stdout.toString("utf8"));
  const commit = refs.get(`${ref}^{}`) ?? refs.get(ref); // ^{} is what an annotated tag leads to
  if (commit !== undefined) return { commit };
  return refs.size > 0 || (kind.length > 0 && (await hasAnyRef(home, signal))) ? "absent" : "empty";
}

async function hasAnyRef(home: RemoteHome, signal: AbortSignal): Promise<boolean> {
  const { result } = await network(
    home,
    ["ls-remote", "--quiet", ...farEnd.forReading(home.address), "--", home.address.url],
    home.place.limits.resolveSeconds,
    signal,
  );
  return result.stdout.length > 0;
}

function refsIn(listing: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of listing.split("\n")) {
    const match = /^([0-9a-f]{40}|[0-9a-f]{64})\t(.+)$/.exec(line);
    if (match) refs.set(match[2] ?? "", match[1] ?? "");
  }
  return refs;
}

/** Like lookUp, with the two absences as PortErrors. */
export async function resolveRef(home: RemoteHome, ref: string, signal: AbortSignal): Promise<string> {
  const found = await lookUp(home, ref, signal);
  if (found === "empty") {
    // Without Git's content type, Git takes an answer for the file of an old "dumb" server, and a login page for one without refs.
    const or = home.address.kind === "path" || home.address.kind === "ssh" ? "" : ", or the server answers with something that is not Git";
    throw new PortError(
      "refused",
      `${home.address.url} is empty: it has no commits yet${or}; push a first commit, or correct the address`,
      { reason: "EmptyRepository" },
    );
  }
  if (found === "absent")
    throw new PortError("refused", `${home.address.url} has no ${ref}; correct spec.ref, or push it (git ls-remote lists what is there)`, {
      reason: "RefNotFound",
    });
  return found.commit;
}

/** Makes the wanted commit readable; the second half of the answer is the mirror it is in. */
export async function fetchWanted(home: RemoteHome, want: FetchWant, signal: AbortSignal): Promise<Fetched & { readonly mirror: Mirror }> {
  const ref = want.ref === undefined ? undefined : revisionOf(want.ref);
  const wanted = "commit" in want ? revisionOf(want.commit) : ref;
  if (wanted === undefined) throw new PortError("refused", "neither a ref nor a commit is named; set spec.ref", { reason: "InvalidRef" });
  const commit = wanted.kind === "commit" ? wanted.commit : await resolveRef(home, wanted.ref, signal);
  const mirror = await ensureCommit(home, commit, ref?.kind === "ref" ? ref.ref : undefined, signal);
  return { commit, since: await sinceSeen(mirror, want.seen, commit, signal), mirror };
}

async function ensureCommit(home: RemoteHome, commit: string, ref: string | undefined, signal: AbortSignal): Promise<Mirror> {
  const here = await currentMirror(home);
  if (here && (await hasCommit(here, commit))) {
    await touchCommit(here, commit);
    return here;
  }
  const format = commit.length === 64 ? "sha256" : "sha1";
  const once = () =>
    withMirror(home, format, signal, async (mirror) => {
      if (!(await hasCommit(mirror, commit))) await download(mirror, commit, ref, signal);
      return mirror;
    });
  try {
    return await once();
  } catch (cause) {
    if (cause instanceof PortError && cause.reason === "MirrorDamaged") return once(); // on a mirror made anew
    throw cause;
  }
}

async function download(mirror: Mirror, commit: string, ref: string | undefined, signal: AbortSignal): Promise<void> {
  const { home } = mirror;
  const incoming = `refs/slipway/incoming/${randomUUID()}`;
  const first = await transfer(mirror, `${commit}:${incoming}`, signal);
  // A server may hand out only what its refs point to (uploadpack.allowAnySHA1InWant), or the commit may have been replaced since it was looked up.
  const second =
    failed(first.result) &&
    ref !== undefined &&
    /not our ref|unadvertised|no such remote ref|remote ref|not advertised/i.test(first.result.stderr)
      ? await transfer(mirror, `+${ref}:${incoming}`, signal)
      : first;
  if (failed(second.result)) {
    if (second.result.ended.how === "exit" && (await isOurDamage(mirror, second.result.stderr, signal))) {
      await condemn(mirror);
      throw new PortError("notDone", `the local copy of ${home.address.url} was damaged and is made anew`, { reason: "MirrorDamaged" });
    }
    if (/not our ref|unadvertised|no such remote ref/i.test(second.result.stderr))
      throw new PortError(
        "notDone",
        `${home.address.url} does not hand out commit ${commit}; it may have been replaced by a force-push: the ref is looked up again`,
        { reason: "CommitNotFound" },
      );
    throw failureOf(second.result, {
      what: "fetch from",
      url: home.address.url,
      limitSeconds: home.place.limits.fetchSeconds,
      hidden: second.hidden,
    });
  }
  await accept(mirror, commit, incoming, signal);
  await tidy(mirror, signal);
}

function transfer(mirror: Mirror, refspec: string, signal: AbortSignal) {
  const { address, place } = mirror.home;
  const args = [
    `--git-dir=${mirror.path}`,
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--update-shallow",
    `--depth=${place.limits.historyCommits}`,
    ...farEnd.forReading(address),
    "--",
    address.url,
    refspec,
  ];
  const watch = async () => {
    const bytes = await bytesOnDisk(mirror);
    return bytes > place.limits.repositoryBytes
      ? `it is larger than git.limits.repositoryBytes (${place.limits.repositoryBytes}); raise the limit, or keep large files out of this repository`
      : undefined;
  };
  return network(mirror.home, args, place.limits.fetchSeconds, signal, watch);
}

const failed = (result: GitResult) => result.ended.how !== "exit" || result.ended.code !== 0;

/** What arrived becomes readable only if it is a commit, and the one asked for. */
async function accept(mirror: Mirror, commit: string, incoming: string, signal: AbortSignal): Promise<void> {
  const { home } = mirror;
  const check = await gitOutput(mirror, "look at what was fetched", ["cat-file", "--batch-check=%(objecttype)"], signal, {
    stdin: `${commit}\n`,
  });
  const type = check.toString("utf8").trim();
  const arrived = type === "commit" ? [`update refs/slipway/commits/${commit} ${commit}`] : [];
  await gitOutput(mirror, "note what was fetched", ["update-ref", "--stdin"], signal, {
    stdin: [...arrived, `delete ${incoming}`, ""].join("\n"),
  });
  if (type === "commit") return;
  if (type.endsWith("missing"))
    throw new PortError("notDone", `${home.address.url}: commit ${commit} was replaced while it was fetched; the ref is looked up again`, {
      reason: "CommitNotFound",
    });
  throw new PortError(
    "refused",
    `${home.address.url}: ${commit} is a ${type}, not a commit; let spec.ref name a branch or a tag of a commit`,
    { reason: "NotACommit" },
  );
}

/** A failed fetch can be the far side's damage or ours; only fsck can tell. A lock file is always ours and left over: we hold the mirror. */
async function isOurDamage(mirror: Mirror, stderr: string, signal: AbortSignal): Promise<boolean> {
  if (/Unable to create '.*\.lock'|cannot lock ref|Unable to create .*: File exists/i.test(stderr))
    return stderr.includes(mirror.path) || stderr.includes("refs/slipway/");
  if (!speaksOfDamage(stderr)) return false;
  const check = await git(mirror, ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"], signal, {
    timeLimitSeconds: mirror.home.place.limits.fetchSeconds,
  });
  return failed(check);
}

async function sinceSeen(mirror: Mirror, seen: string | undefined, commit: string, signal: AbortSignal): Promise<Fetched["since"]> {
  if (seen === undefined) return "first";
  if (seen === commit) return "same";
  const revision = revisionOf(seen);
  if (revision.kind !== "commit") return "unknown";
  const ancestor = await git(mirror, ["merge-base", "--is-ancestor", revision.commit, commit], signal);
  if (ancestor.ended.how === "exit" && ancestor.ended.code === 0) return "forward";
  const { historyCommits } = mirror.home.place.limits;
  const count = await gitOutput(
    mirror,
    "count the commits",
    [
      "rev-list",
      "--count",
      `--max-count=${historyCommits}`,
      commit,
      ...((await isHere(mirror, revision.commit, signal)) ? [`^${revision.commit}`] : []),
    ],
    signal,
  );
  // A mirror holds historyCommits levels of history: with fewer commits than that not in `seen`, the end of the line was reached without meeting it.
  return Number(count.toString("utf8")) < historyCommits ? "rewritten" : "unknown";
}

async function isHere(mirror: Mirror, commit: string, signal: AbortSignal): Promise<boolean> {
  const { ended } = await git(mirror, ["cat-file", "-e", commit], signal);
  return ended.how === "exit" && ended.code === 0;
}

/** Runs a command that talks to the remote, with its secrets handed over for that long. */
export async function network(
  home: RemoteHome,
  args: readonly string[],
  timeLimitSeconds: number,
  signal: AbortSignal,
  watch?: () => Promise<string | undefined>,
): Promise<{ readonly result: GitResult; readonly hidden: readonly string[] }> {
  const { place } = home;
  const secrets = await handSecrets(place.root, home.remote, home.address);
  try {
    const command = {
      git: place.git,
      args,
      cwd: home.directory,
      env: { ...home.env, ...secrets.env },
      timeLimitSeconds,
      outputBytes: place.limits.listingBytes,
      fenced: { memoryBytes: place.limits.memoryBytes },
    };
    const result = await runGit(watch ? { ...command, watch } : command, signal);
    return { result, hidden: secrets.hidden };
  } catch (cause) {
    throw cannotStart(place.git, cause);
  } finally {
    await secrets.dispose();
  }
}
