import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { parseRemoteUrl } from "../../domain/git/remote-url.ts";
import type { RemoteAddress } from "../../domain/git/remote-url.ts";
import { PortError } from "../../ports/port-error.ts";
import type { GitRemote } from "../../ports/git.ts";
import { credentialHelper } from "./secrets.ts";
import type { GitLimits } from "./limits.ts";

export interface GitPlace {
  /** Directory of all mirrors on this machine, 0700. */
  readonly root: string;
  readonly git: string;
  readonly limits: GitLimits;
  /** Taken from the environment of the process: where programs are, and the proxies. */
  readonly inherited: Readonly<Record<string, string>>;
}

/** Everything about one remote on this machine: its own HOME for Git, its locks and its mirror. */
export interface RemoteHome {
  readonly place: GitPlace;
  readonly remote: GitRemote;
  readonly address: RemoteAddress;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Checks the address and makes the home ready. Idempotent. Throws PortError `refused` (`InvalidURL`). */
export async function remoteHome(place: GitPlace, remote: GitRemote): Promise<RemoteHome> {
  const parsed = parseRemoteUrl(remote.url, { field: "spec.url", allowPlainHttp: remote.allowPlainHttp ?? false });
  if ("problem" in parsed)
    throw new PortError("refused", `${parsed.problem.message}; ${parsed.problem.hint ?? ""}`, { reason: "InvalidURL" });
  const { address } = parsed;
  const root = await rootOf(place);
  if (address.kind === "path") await refuseOwn(address.url, root);
  const directory = join(root, createHash("sha256").update(address.url).digest("hex").slice(0, 24));
  const home = join(directory, "home");
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeIfOther(join(home, ".gitconfig"), gitConfig(address));
  return { place, remote, address, directory, env: environment(place, address, home) };
}

/** The mirrors hold what other projects may read: nobody reads them by their path. */
async function refuseOwn(path: string, root: string): Promise<void> {
  const real = await realpath(path).catch(() => path); // not there: Git says so
  if (real !== root && !real.startsWith(`${root}${sep}`)) return;
  throw new PortError("refused", "spec.url: is inside Slipway's own data directory; name the repository that the mirror was made of", {
    reason: "InvalidURL",
  });
}

async function rootOf(place: GitPlace): Promise<string> {
  await mkdir(place.root, { recursive: true, mode: 0o700 });
  return realpath(place.root); // GIT_CEILING_DIRECTORIES compares real paths
}

async function writeIfOther(file: string, text: string): Promise<void> {
  const found = await readFile(file, "utf8").catch(() => undefined);
  if (found === text) return;
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, file);
}

/** Nothing of the caller's environment but these: no GIT_*, no agent, no trace, no editor. */
function environment(place: GitPlace, address: RemoteAddress, home: string): Record<string, string> {
  return {
    ...place.inherited,
    SLIPWAY_GIT: place.git,
    LC_ALL: "C",
    TZ: "UTC",
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
    GIT_CEILING_DIRECTORIES: join(home, ".."),
    GIT_DIR: join(home, "none"), // never the repository around the data directory; a mirror is named by --git-dir
    GIT_ALLOW_PROTOCOL: address.kind === "path" ? "file" : address.kind,
    GIT_PROTOCOL_FROM_USER: "0",
    GIT_TERMINAL_PROMPT: "0",
    GIT_PAGER: "cat",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_FLUSH: "0",
    GIT_ADVICE: "0",
  };
}

// Old histories carry these; they harm nobody who does not check out. All other findings of fsck refuse the objects.
const harmless = [
  "zeroPaddedFilemode",
  "missingSpaceBeforeDate",
  "badTimezone",
  "missingTaggerEntry",
  "missingNameBeforeEmail",
  "badEmail",
  "extraHeaderEntry",
  "gitignoreSymlink",
  "gitattributesSymlink",
  "mailmapSymlink",
];

/** The whole configuration that Git sees (git-config of Git 2.30 to 2.51; unknown names are ignored). */
export function gitConfig(address: RemoteAddress): string {
  const scope =
    address.kind === "https" || address.kind === "http"
      ? [`[credential ${quoted(address.origin)}]`, `helper = ${quoted(credentialHelper)}`]
      : [];
  const safe =
    address.kind === "path" ? ["[safe]", `directory = ${quoted(address.url)}`, `directory = ${quoted(`${address.url}/.git`)}`] : [];
  return [
    "[core]",
    "hooksPath = /dev/null",
    "fsmonitor = false",
    "symlinks = false",
    "logAllRefUpdates = false",
    "filesRefLockTimeout = 1000",
    "packedRefsTimeout = 3000",
    "protectHFS = true",
    "protectNTFS = true",
    "bigFileThreshold = 8m",
    "packedGitLimit = 256m",
    "packedGitWindowSize = 32m",
    "deltaBaseCacheLimit = 64m",
    "attributesFile = /dev/null",
    "excludesFile = /dev/null",
    "[protocol]",
    "allow = never",
    `[protocol ${quoted(address.kind === "path" ? "file" : address.kind)}]`,
    "allow = always",
    "[transfer]",
    "fsckObjects = true",
    "unpackLimit = 1",
    "credentialsInUrl = die",
    "bundleURI = false",
    "[fetch]",
    "recurseSubmodules = false",
    "writeCommitGraph = false",
    "showForcedUpdates = false",
    "unpackLimit = 1",
    "fsckObjects = true",
    '[fetch "fsck"]',
    ...harmless.map((name) => `${name} = ignore`),
    "[push]",
    "recurseSubmodules = no",
    "gpgSign = false",
    "followTags = false",
    "negotiate = false",
    "[http]",
    "followRedirects = false",
    "lowSpeedLimit = 100",
    "lowSpeedTime = 60",
    "sslVerify = true",
    "[gc]",
    "auto = 0",
    "autoDetach = false",
    "[maintenance]",
    "auto = false",
    "[submodule]",
    "recurse = false",
    "[commit]",
    "gpgSign = false",
    "[pack]",
    "threads = 2",
    "windowMemory = 64m",
    "writeBitmaps = false",
    "[repack]",
    "writeBitmaps = false",
    "[fastimport]",
    "unpackLimit = 100",
    "[credential]",
    "interactive = false",
    ...scope,
    ...safe,
    "",
  ]
    .map((line) => (line.startsWith("[") || line === "" ? line : `\t${line}`))
    .join("\n");
}

const quoted = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

// The other end of a path remote runs here, as this user, with that repository's own configuration: hooks, an alternateRefsCommand, a
// promisor remote (CVE-2024-32004) or updateInstead could start programs. The command line outranks the repository's file.
const fencedEnd =
  'GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1 GIT_NO_REPLACE_OBJECTS=1 GIT_GRAFT_FILE=/dev/null exec "$SLIPWAY_GIT" -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=: -c gc.auto=0 -c maintenance.auto=false';

/** Arguments that fence the other end of a path remote; none for the rest. */
export const farEnd = {
  forReading: (address: RemoteAddress): readonly string[] => (address.kind === "path" ? [`--upload-pack=${fencedEnd} upload-pack`] : []),
  forPushing: (address: RemoteAddress): readonly string[] =>
    address.kind === "path" ? [`--receive-pack=${fencedEnd} -c receive.autogc=false -c receive.denyCurrentBranch=refuse receive-pack`] : [],
};
