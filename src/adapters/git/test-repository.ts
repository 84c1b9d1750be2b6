import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { GitIdentity } from "../../domain/git/commit-message.ts";
import type { GitRemote } from "../../ports/git.ts";
import { fastImport } from "./commit.ts";
import { instant } from "../../domain/units.ts";

// For tests only: real repositories in a temporary folder, handled as their owner would, with nothing of the tester's own Git configuration.

export interface Sandbox {
  readonly path: string;
  close(): Promise<void>;
}

export async function sandbox(): Promise<Sandbox> {
  const path = await mkdtemp(join(tmpdir(), "slipway-git-"));
  return { path, close: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

export interface OwnerRun {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs git as the owner; rejects if it fails, unless `mayFail`. */
export async function ownersGit(
  directory: string,
  args: readonly string[],
  options: { readonly stdin?: string | Uint8Array; readonly mayFail?: boolean } = {},
): Promise<OwnerRun> {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    LC_ALL: "C",
    GIT_AUTHOR_NAME: "Owner",
    GIT_AUTHOR_EMAIL: "owner@example.com",
    GIT_COMMITTER_NAME: "Owner",
    GIT_COMMITTER_EMAIL: "owner@example.com",
  };
  const child = spawn(
    "git",
    ["-c", "safe.directory=*", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", "-c", "gc.auto=0", ...args],
    { cwd: directory, env, stdio: ["pipe", "pipe", "pipe"] },
  );
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => undefined); // git may end before it has read all
  child.stdin.end(options.stdin ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  const run = { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") };
  if (code !== 0 && !options.mayFail) throw new Error(`git ${args.join(" ")} ended with ${String(code)}: ${run.stderr}`);
  return run;
}

export const ownersText = async (directory: string, args: readonly string[], stdin?: string | Uint8Array): Promise<string> =>
  (await ownersGit(directory, args, stdin === undefined ? {} : { stdin })).stdout.toString("utf8").trim();

/** A repository from the side of a person who pushes to it, as the contract suite asks for it. */
export interface RealRepository {
  readonly path: string;
  readonly remote: GitRemote;
  push(
    branch: string,
    files: Readonly<Record<string, string | null>>,
    about?: { readonly message?: string; readonly author?: GitIdentity },
  ): Promise<string>;
  rewrite(branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  tag(name: string, commit: string): Promise<void>;
  log(branch: string): Promise<readonly { readonly id: string; readonly message: string }[]>;
  file(branch: string, path: string): Promise<string | undefined>;
}

/** A bare repository and its owner, who writes it in place: what other people's pushes look like from outside. */
export async function realRepository(path: string, url = path): Promise<RealRepository> {
  await mkdir(path, { recursive: true });
  await ownersGit(path, ["init", "-q", "--bare", path]);
  const owner: GitIdentity = { name: "Owner", email: "owner@example.com" };
  const tip = async (branch: string) =>
    (await ownersGit(path, ["rev-parse", "--verify", "-q", `refs/heads/${branch}`], { mayFail: true })).stdout.toString("utf8").trim() ||
    undefined;
  const commit = async (parent: string | undefined, files: Readonly<Record<string, string | null>>, message: string, author = owner) => {
    const list = Object.entries(files).map(
      ([name, content]) => [name, content === null ? ("delete" as const) : { bytes: Buffer.from(content), executable: false }] as const,
    );
    const draft = { parent, files: new Map(list), author, committer: author, message, at: instant(Date.now()) };
    const ref = `refs/drafts/${Math.random().toString(36).slice(2)}`;
    const id = await ownersText(path, ["fast-import", "--quiet", "--date-format=raw", "--done"], fastImport(draft, ref));
    await ownersGit(path, ["update-ref", "-d", ref]);
    return id;
  };
  return {
    path,
    remote: { url },
    async push(branch, files, about) {
      for (;;) {
        const parent = await tip(branch);
        const id = await commit(parent, files, about?.message ?? "Change", about?.author);
        const { code } = await ownersGit(path, ["update-ref", `refs/heads/${branch}`, id, parent ?? "0".repeat(40)], { mayFail: true });
        if (code === 0) return id;
        await sleep(Math.random() * 20);
      }
    },
    async rewrite(branch, files) {
      const id = await commit(undefined, files, "Begin again");
      await ownersGit(path, ["update-ref", `refs/heads/${branch}`, id]);
      return id;
    },
    async tag(name, target) {
      await ownersGit(path, ["tag", "-a", "-m", "A tag", name, target]);
    },
    async log(branch) {
      const output = await ownersText(path, ["log", "-z", "--format=%H%n%B", `refs/heads/${branch}`]);
      return output
        .split("\0")
        .filter((entry) => entry !== "")
        .map((entry) => ({ id: entry.slice(0, entry.indexOf("\n")), message: entry.slice(entry.indexOf("\n") + 1) }));
    },
    async file(branch, name) {
      const { code, stdout } = await ownersGit(path, ["cat-file", "blob", `refs/heads/${branch}:${name}`], { mayFail: true });
      return code === 0 ? stdout.toString("utf8") : undefined;
    },
  };
}
