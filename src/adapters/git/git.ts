import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { GitIdentity } from "../../domain/git/commit-message.ts";
import type { Instant } from "../../domain/units.ts";
import type { GitSource, GitWriter } from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";
import { cannotStart } from "./failures.ts";
import type { GitPlace } from "./home.ts";
import { gitLimits } from "./limits.ts";
import type { GitLimits } from "./limits.ts";
import { sweepSecrets } from "./secrets.ts";
import { gitSource } from "./source.ts";
import { gitWriter } from "./writer.ts";

export interface GitConfig {
  /** Absolute path of a directory for mirrors, made (0700) if absent. Local to this machine; several processes may share it. */
  readonly root: string;
  /** The program; default "git" on PATH. */
  readonly program?: string;
  readonly committer?: GitIdentity;
  readonly limits?: Partial<GitLimits>;
  /** Where PATH, proxies and certificate locations are taken from; nothing else of it reaches Git. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Time of the commits that are written. */
  readonly now: () => Instant;
}

const inherited = [
  "PATH",
  "TMPDIR",
  "HTTPS_PROXY",
  "https_proxy",
  "http_proxy",
  "ALL_PROXY",
  "all_proxy",
  "NO_PROXY",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];
const slipway: GitIdentity = { name: "Slipway", email: "slipway@localhost" };

/** Git repositories through the `git` program, 2.30 or later. isomorphic-git was 45 times slower on 5,000 blobs and knows no ssh. */
export function gitRepositories(config: GitConfig): { readonly source: GitSource; readonly writer: GitWriter } {
  const env = inherited.flatMap((name): [string, string][] => {
    const value = config.environment[name];
    return value === undefined ? [] : [[name, value]];
  });
  const place: GitPlace = {
    root: config.root,
    git: config.program ?? "git",
    limits: { ...gitLimits, ...config.limits },
    inherited: Object.fromEntries(env),
  };
  sweepSecrets(config.root).catch(() => undefined); // what could not be removed now is tried again at the next start
  return { source: gitSource(place), writer: gitWriter(place, { committer: config.committer ?? slipway, now: config.now }) };
}

/** Asked once at start. Throws PortError (`GitMissing`, `GitTooOld`) with what to install. */
export async function checkGit(program = "git"): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ["--version"], { timeout: 10_000 }).catch((cause: unknown) => {
    throw cannotStart(program, cause);
  });
  const version = /(\d+)\.(\d+)(?:\.\d+)*/.exec(stdout);
  const fits = version !== null && Number(version[1]) * 1000 + Number(version[2]) >= 2030;
  if (fits) return version[0];
  throw new PortError("refused", `${program} is version ${version?.[0] ?? "unknown"}; Slipway needs Git 2.30 or later`, {
    reason: "GitTooOld",
  });
}
