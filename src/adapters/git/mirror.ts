import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PortError } from "../../ports/port-error.ts";
import { cannotStart, speaksOfDamage } from "./failures.ts";
import type { RemoteHome } from "./home.ts";
import { takeLock } from "./machine-lock.ts";
import { runGit } from "./run.ts";
import type { GitCommand, GitResult } from "./run.ts";

/**
 * The bare mirror of one remote. It lives in a numbered directory (`m.3`) that the file `current` names; a damaged one, or one that a killed process left locked,
 * is not repaired but replaced by the next number, so that a stray Git of the dead process writes where nobody reads.
 * A commit is readable if and only if `refs/slipway/commits/ID` is there: it is written last.
 */
export interface Mirror {
  readonly home: RemoteHome;
  readonly path: string;
}

const broken = "slipway-broken";

/** The mirror as it is, without a lock; undefined if there is none yet. */
export async function currentMirror(home: RemoteHome): Promise<Mirror | undefined> {
  const name = await readFile(join(home.directory, "current"), "utf8").catch(() => "");
  if (!/^m\.\d{1,9}$/.test(name)) return undefined;
  const path = join(home.directory, name);
  const sound = (await exists(join(path, "HEAD"))) && !(await exists(join(path, broken)));
  return sound ? { home, path } : undefined;
}

/** Runs `work` with the mirror while no other process or flow changes it. A mirror in the other object format, damaged or left locked is made anew. */
export async function withMirror<T>(
  home: RemoteHome,
  format: "sha1" | "sha256",
  signal: AbortSignal,
  work: (mirror: Mirror) => Promise<T>,
): Promise<T> {
  const lock = await takeLock(home.directory, home.place.limits.lockSeconds, signal);
  try {
    return await work(await usableMirror(home, format, lock.inherited, signal));
  } finally {
    await lock.release();
  }
}

/** Says that this mirror cannot be trusted; the next one who takes the lock makes a new one. */
export async function condemn(mirror: Mirror): Promise<void> {
  await writeFile(join(mirror.path, broken), "").catch(() => undefined); // gone already: another one made a new mirror
}

export const hasCommit = (mirror: Mirror, commit: string): Promise<boolean> => exists(commitRef(mirror, commit));

/** Keeps a commit from being dropped as the one not used for longest. */
export async function touchCommit(mirror: Mirror, commit: string): Promise<void> {
  const now = new Date();
  await utimes(commitRef(mirror, commit), now, now).catch(() => undefined); // dropped just now: the reader finds out and fetches it
}

const commitRef = (mirror: Mirror, commit: string) => join(mirror.path, "refs", "slipway", "commits", commit);

async function usableMirror(home: RemoteHome, format: "sha1" | "sha256", inherited: boolean, signal: AbortSignal): Promise<Mirror> {
  const mirror = await currentMirror(home);
  if (mirror && (await formatOf(mirror)) === format && !(inherited && (await hasLeftLocks(mirror)))) return mirror;
  return newMirror(home, format, signal);
}

async function newMirror(home: RemoteHome, format: "sha1" | "sha256", signal: AbortSignal): Promise<Mirror> {
  const olds = (await readdir(home.directory)).filter((name) => /^m\.\d{1,9}$/.test(name));
  const name = `m.${Math.max(0, ...olds.map((old) => Number(old.slice(2)))) + 1}`;
  const mirror = { home, path: join(home.directory, name) };
  const made = await git(mirror, ["init", "-q", "--bare", "--template=", `--object-format=${format}`, mirror.path], signal);
  if (made.ended.how !== "exit" || made.ended.code !== 0)
    throw new PortError(
      "notDone",
      `cannot make a Git mirror in ${home.directory}: ${made.stderr.trim()}; check that there is room and that Git is 2.30 or later`,
      { reason: "MirrorFailed" },
    );
  await mkdir(join(mirror.path, "refs", "slipway", "commits"), { recursive: true });
  const draft = join(home.directory, `draft.${randomUUID()}`);
  await writeFile(draft, name);
  await rename(draft, join(home.directory, "current"));
  await Promise.all(olds.map((old) => rm(join(home.directory, old), { recursive: true, force: true }).catch(() => undefined))); // a stray Git may still write: next time
  return mirror;
}

async function formatOf(mirror: Mirror): Promise<"sha1" | "sha256"> {
  const config = await readFile(join(mirror.path, "config"), "utf8").catch(() => "");
  return /objectformat\s*=\s*sha256/i.test(config) ? "sha256" : "sha1";
}

async function hasLeftLocks(mirror: Mirror): Promise<boolean> {
  const names = await readdir(mirror.path, { recursive: true }).catch(() => []);
  return names.some((name) => name.endsWith(".lock") || /(?:^|\/)tmp_pack_/.test(name));
}

/** Bytes in the object store; what disappears while it is looked at counts as nothing. */
export async function bytesOnDisk(mirror: Mirror): Promise<number> {
  const folder = join(mirror.path, "objects");
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Drops the commits that were not used for longest and packs the rest into one pack, if there are many packs. Best effort: a failure costs only disk. */
export async function tidy(mirror: Mirror, signal: AbortSignal): Promise<void> {
  const { limits } = mirror.home.place;
  const packs = (await readdir(join(mirror.path, "objects", "pack")).catch(() => [])).filter((name) => name.endsWith(".pack"));
  if (packs.length <= limits.packs && (await bytesOnDisk(mirror)) < limits.repositoryBytes / 2) return;
  const folder = join(mirror.path, "refs", "slipway", "commits");
  const used = await Promise.all(
    (await readdir(folder)).map(async (name) => ({
      name,
      at: await stat(join(folder, name)).then(
        (found) => found.mtimeMs,
        () => 0,
      ),
    })),
  );
  const drop = used.toSorted((a, b) => b.at - a.at).slice(limits.keptCommits);
  if (drop.length > 0)
    await git(mirror, ["update-ref", "--stdin"], signal, {
      stdin: drop.map(({ name }) => `delete refs/slipway/commits/${name}\n`).join(""),
    });
  await git(mirror, ["repack", "-a", "-d", "-q"], signal, {
    fenced: { memoryBytes: limits.memoryBytes },
    timeLimitSeconds: limits.fetchSeconds,
  });
  await git(mirror, ["prune", "--expire=1.hour.ago"], signal, {
    fenced: { memoryBytes: limits.memoryBytes },
    timeLimitSeconds: limits.fetchSeconds,
  });
}

type GitOptions = Partial<Pick<GitCommand, "stdin" | "timeLimitSeconds" | "outputBytes" | "fenced" | "watch">> & {
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs one command on the mirror. Throws PortError only if Git cannot be started; how it ended is the caller's to judge. */
export async function git(mirror: Mirror, args: readonly string[], signal: AbortSignal, options: GitOptions = {}): Promise<GitResult> {
  const { place, directory, env } = mirror.home;
  const { env: more, ...rest } = options;
  const command = {
    git: place.git,
    args: [`--git-dir=${mirror.path}`, ...args],
    cwd: directory,
    env: { ...env, ...more },
    timeLimitSeconds: place.limits.readSeconds,
    outputBytes: place.limits.listingBytes,
    ...rest,
  };
  try {
    return await runGit(command, signal);
  } catch (cause) {
    throw cannotStart(place.git, cause);
  }
}

/** The output of a command that must succeed on a sound mirror. Damage condemns the mirror and is `notDone` (`MirrorDamaged`). */
export async function gitOutput(
  mirror: Mirror,
  doing: string,
  args: readonly string[],
  signal: AbortSignal,
  options: GitOptions = {},
): Promise<Buffer> {
  const result = await git(mirror, args, signal, options);
  if (result.ended.how === "exit" && result.ended.code === 0) return result.stdout;
  throw await localFailure(mirror, doing, result);
}

export async function localFailure(mirror: Mirror, doing: string, result: GitResult): Promise<PortError> {
  const where = `cannot ${doing} of ${mirror.home.address.url}`;
  switch (result.ended.how) {
    case "aborted":
      return new PortError("notDone", `${where}: cancelled`, { reason: "Cancelled" });
    case "outputLimit":
      return new PortError("refused", `${where}: there is more of it than git.limits allow; name a smaller path, or raise the limit`, {
        reason: "TooManyFiles",
      });
    case "timeLimit":
      return new PortError("notDone", `${where}: no end after the time limit; is the disk slow? It is tried again`, { reason: "TimedOut" });
    case "watch":
    case "signal":
    case "exit": {
      const replaced = (await currentMirror(mirror.home))?.path !== mirror.path;
      const damaged = replaced || speaksOfDamage(result.stderr);
      if (damaged) await condemn(mirror);
      const said = result.stderr.trim().split("\n").slice(-3).join("; ").slice(0, 400);
      return damaged
        ? new PortError("notDone", `${where}: the local copy was damaged and is made anew (${said})`, { reason: "MirrorDamaged" })
        : new PortError("notDone", `${where}: ${said}`, { reason: "GitFailed" });
    }
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
