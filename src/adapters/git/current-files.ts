import { readLimits } from "../../ports/git.ts";
import type { Mirror } from "./mirror.ts";
import { listEntries, readBlobs } from "./tree.ts";

/** What stands at a path that is to be written. `blocked`: a write there would replace something that is no regular file. */
export type CurrentFile =
  | { readonly kind: "file"; readonly blob: string; readonly bytes: Uint8Array; readonly executable: boolean }
  | { readonly kind: "blocked"; readonly why: string };

/** The files at the paths of a commit; a path that is free has no entry. */
export async function currentFiles(
  mirror: Mirror,
  commit: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, CurrentFile>> {
  const asked = [...new Set(paths.flatMap((path) => [...parentsOf(path), path]))];
  const entries = new Map((await listEntries(mirror, commit, asked, signal, ["-t"])).map((entry) => [entry.name.toString("utf8"), entry]));
  const found = new Map<string, CurrentFile>();
  const wanted = [];
  for (const path of paths) {
    const inTheWay = parentsOf(path).find((parent) => entries.has(parent) && entries.get(parent)?.mode !== "040000");
    const entry = entries.get(path);
    if (inTheWay !== undefined)
      found.set(path, { kind: "blocked", why: `${path}: ${inTheWay} is not a folder; move it away, or write to another path` });
    else if (entry && entry.mode !== "100644" && entry.mode !== "100755")
      found.set(path, { kind: "blocked", why: `${path}: it is a ${kindOf(entry.mode)}; move it away, or write to another path` });
    else if (entry && entry.size > readLimits.fileBytes)
      found.set(path, { kind: "blocked", why: `${path}: it has ${entry.size} bytes, the limit is ${readLimits.fileBytes}` });
    else if (entry) wanted.push({ path, blob: entry.blob, size: entry.size, executable: entry.mode === "100755" });
  }
  for (const { path, ...file } of await readBlobs(mirror, wanted, readLimits, signal)) found.set(path, { kind: "file", ...file });
  return found;
}

const parentsOf = (path: string) => path.split("/").flatMap((_, at, parts) => (at === 0 ? [] : [parts.slice(0, at).join("/")]));

const kindOf = (mode: string) => (mode === "120000" ? "symbolic link" : mode === "160000" ? "submodule" : "folder");
