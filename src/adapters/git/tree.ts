import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { leftOutMessage, shownName } from "../../domain/git/left-out.ts";
import { normalTreePath, pathFaultText, treePathFault } from "../../domain/git/tree-path.ts";
import { readLimits } from "../../ports/git.ts";
import type { GitFile, LeftOut, ReadLimits, TreeReading, TreeSelection } from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";
import { condemn, gitOutput } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";

/** Reads the selected files of a commit that is in the mirror: one look-up, one listing, one process for all contents. */
export async function readTree(mirror: Mirror, commit: string, selection: TreeSelection, signal: AbortSignal): Promise<TreeReading> {
  const limits = { ...readLimits, ...selection.limits };
  const paths = selection.paths.map((path) => checkedPath(path, limits));
  const found = await lookUpPaths(mirror, commit, paths, signal);
  const absent = found.filter(({ id }) => id === undefined).map(({ path }) => path);
  if (absent.length > 0 && !selection.mayBeAbsent) throw await pathNotFound(mirror, commit, absent, signal);
  const identity = identityOf(found);
  if (identity === selection.unless) return { kind: "unchanged", identity };
  const present = found.filter(({ id }) => id !== undefined).map(({ path }) => path);
  if (present.length === 0) return { kind: "files", identity, files: [], leftOut: [] };
  const listed = sortEntries(await listEntries(mirror, commit, present, signal), selection.suffixes, limits);
  return { kind: "files", identity, files: await readBlobs(mirror, listed.wanted, limits, signal), leftOut: listed.leftOut };
}

function checkedPath(path: string, limits: ReadLimits): string {
  const plain = normalTreePath(path);
  const fault = plain === "" ? undefined : treePathFault(plain, limits);
  if (fault === undefined && !plain.startsWith("/")) return plain;
  throw new PortError(
    "refused",
    `the path ${shownName(path)} ${fault ? pathFaultText[fault] : "is absolute"}; write a path relative to the root of the repository`,
    { reason: "InvalidPath" },
  );
}

interface FoundPath {
  readonly path: string;
  readonly id: string | undefined;
}

async function lookUpPaths(mirror: Mirror, commit: string, paths: readonly string[], signal: AbortSignal): Promise<readonly FoundPath[]> {
  const root = `${commit}^{tree}`;
  const asks = [root, ...paths.map((path) => (path === "" ? root : `${commit}:${path}`))];
  const output = await gitOutput(
    mirror,
    `look up ${paths.join(", ") || "the root"} at ${commit}`,
    ["cat-file", "--batch-check=%(objectname)"],
    signal,
    { stdin: `${asks.join("\n")}\n` },
  );
  const ids = output
    .toString("utf8")
    .split("\n")
    .map((line) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.exec(line)?.[0]);
  if (ids[0] === undefined) throw await damaged(mirror, `commit ${commit}`);
  const found = paths.map((path, at) => ({ path, id: ids[at + 1] }));
  const absent = found.flatMap(({ path, id }) => (id === undefined ? [path] : []));
  // cat-file says "missing" too where a tree on the way is damaged; a listing fails then, and so nothing damaged passes for absent.
  if (absent.length > 0) await listEntries(mirror, commit, absent, signal, ["-t"]);
  return found;
}

async function damaged(mirror: Mirror, what: string): Promise<PortError> {
  await condemn(mirror);
  return new PortError("notDone", `the local copy of ${mirror.home.address.url} lacks ${what}; it is made anew`, {
    reason: "MirrorDamaged",
  });
}

function identityOf(found: readonly FoundPath[]): string {
  const [only] = found;
  if (found.length === 1 && only?.id !== undefined) return only.id;
  return createHash("sha256")
    .update(found.map(({ path, id }) => `${path}\0${id ?? ""}\0`).join(""))
    .digest("hex");
}

async function pathNotFound(mirror: Mirror, commit: string, absent: readonly string[], signal: AbortSignal): Promise<PortError> {
  const top = await gitOutput(mirror, "list the root", ["ls-tree", "-z", "--name-only", commit], signal);
  const names = top
    .toString("utf8")
    .split("\0")
    .filter((name) => name !== "");
  const shown = names.slice(0, 10).map(shownName).join(", ");
  return new PortError(
    "refused",
    `${mirror.home.address.url} at ${commit.slice(0, 12)} has no ${absent.join(", ")}; correct spec.path (at its root: ${shown}${names.length > 10 ? " …" : ""})`,
    { reason: "PathNotFound" },
  );
}

interface TreeEntry {
  readonly mode: string;
  readonly blob: string;
  readonly size: number;
  readonly name: Buffer;
}

export async function listEntries(
  mirror: Mirror,
  commit: string,
  paths: readonly string[],
  signal: AbortSignal,
  options: readonly string[] = ["-r"],
): Promise<readonly TreeEntry[]> {
  const args = ["ls-tree", "-z", "-l", "--full-tree", ...options, commit, ...(paths.includes("") ? [] : ["--", ...paths])];
  return parseListing(await gitOutput(mirror, `list the files under ${paths.join(", ") || "the root"}`, args, signal));
}

/** `git ls-tree -z -l`: `MODE SP TYPE SP ID SP+ SIZE TAB NAME NUL`; the name is bytes. */
export function parseListing(output: Buffer): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let from = 0; from < output.length;) {
    const end = output.indexOf(0, from);
    const tab = output.indexOf(9, from);
    if (end < 0 || tab < 0 || tab > end) break;
    const [mode = "", , blob = "", size = "-"] = output.toString("latin1", from, tab).split(/ +/);
    entries.push({ mode, blob, size: size === "-" ? 0 : Number(size), name: output.subarray(tab + 1, end) });
    from = end + 1;
  }
  return entries;
}

interface WantedBlob {
  readonly path: string;
  readonly executable: boolean;
  readonly blob: string;
  readonly size: number;
}

function sortEntries(
  entries: readonly TreeEntry[],
  suffixes: readonly string[] | undefined,
  limits: ReadLimits,
): { readonly wanted: readonly WantedBlob[]; readonly leftOut: readonly LeftOut[] } {
  const wanted: WantedBlob[] = [];
  const leftOut: LeftOut[] = [];
  let bytes = 0;
  for (const { mode, blob, size, name } of entries) {
    const path = name.toString("utf8");
    const regular = mode === "100644" || mode === "100755" || mode === "100664";
    if (regular && suffixes && !suffixes.some((suffix) => path.endsWith(suffix))) continue;
    const why = leftOutReason(mode, size, name, path, limits);
    if (why) leftOut.push({ path, reason: why, message: leftOutMessage(why, path, size, limits) });
    else {
      bytes += size;
      wanted.push({ path, executable: mode === "100755", blob, size });
    }
    if (wanted.length + leftOut.length > limits.files)
      throw new PortError(
        "refused",
        `there are more than ${limits.files} files to read; name a smaller path in spec.path, or raise the limit of files`,
        { reason: "TooManyFiles" },
      );
    if (bytes > limits.totalBytes)
      throw new PortError(
        "refused",
        `the files to read are larger than ${limits.totalBytes} bytes together; name a smaller path in spec.path, or raise the limit of bytes`,
        { reason: "TooManyBytes" },
      );
  }
  return { wanted, leftOut };
}

function leftOutReason(mode: string, size: number, name: Buffer, path: string, limits: ReadLimits): LeftOut["reason"] | undefined {
  if (mode === "160000") return "submodule";
  if (mode === "120000") return "symbolicLink";
  if (!isUtf8(name)) return "notUtf8";
  return treePathFault(path, limits) ?? (size > limits.fileBytes ? "tooLarge" : undefined);
}

/** The contents of the blobs, each asked for once, through one `cat-file --batch`. */
export async function readBlobs(
  mirror: Mirror,
  wanted: readonly WantedBlob[],
  limits: ReadLimits,
  signal: AbortSignal,
): Promise<readonly GitFile[]> {
  if (wanted.length === 0) return [];
  const sizes = new Map(wanted.map(({ blob, size }) => [blob, size]));
  const outputBytes = [...sizes.values()].reduce((sum, size) => sum + size + 128, 0);
  const output = await gitOutput(mirror, "read the files", ["cat-file", "--batch", "--buffer"], signal, {
    stdin: `${[...sizes.keys()].join("\n")}\n`,
    outputBytes: Math.min(outputBytes, limits.totalBytes + 128 * sizes.size),
  });
  const contents = parseBatch(output);
  const files: GitFile[] = [];
  for (const { path, executable, blob } of wanted) {
    const bytes = contents.get(blob);
    if (!bytes) throw await damaged(mirror, `${shownName(path)} (${blob})`);
    files.push({ path, executable, blob, bytes });
  }
  return files;
}

/** `git cat-file --batch`: `ID SP TYPE SP SIZE LF CONTENT LF`, or `ID SP missing LF`. */
export function parseBatch(output: Buffer): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (let from = 0; from < output.length;) {
    const end = output.indexOf(10, from);
    if (end < 0) break;
    const [blob = "", type = "", size = ""] = output.toString("latin1", from, end).split(" ");
    if (size === "") from = end + 1;
    else {
      if (type === "blob") contents.set(blob, output.subarray(end + 1, end + 1 + Number(size)));
      from = end + 2 + Number(size);
    }
  }
  return contents;
}
