/** Bounds for one path inside a tree. `depth` counts the names in it; `pathBytes` is UTF-8. */
export interface PathLimits {
  readonly depth: number;
  readonly pathBytes: number;
}

export type PathFault = "escapes" | "looksLikeGit" | "controlCharacter" | "tooDeep" | "tooLong";

/**
 * What is wrong with a path found in, or meant for, a tree; undefined if nothing. Paths are relative, parts joined by "/".
 * Slipway never checks a tree out; these names are refused all the same, because a person or a tool after us might.
 */
export function treePathFault(path: string, limits: PathLimits): PathFault | undefined {
  if (utf8Length(path) > limits.pathBytes) return "tooLong";
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(path)) return "controlCharacter";
  const parts = path.split("/");
  if (parts.length > limits.depth) return "tooDeep";
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "escapes";
  return parts.some(looksLikeGit) ? "looksLikeGit" : undefined;
}

// HFS+ ignores these code points, NTFS trailing dots, spaces and stream names: CVE-2014-9390, CVE-2019-1352.
const ignoredByHfs = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/** True for `.git` and for every name that some file system takes for it. */
export function looksLikeGit(name: string): boolean {
  const plain = name
    .replace(ignoredByHfs, "")
    .toLowerCase()
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "");
  return plain === ".git" || plain === "git~1";
}

export const pathFaultText: Record<PathFault, string> = {
  escapes: 'has an empty, "." or ".." part',
  looksLikeGit: "has a part that a file system could take for .git",
  controlCharacter: "has a control character",
  tooDeep: "is nested too deeply",
  tooLong: "is too long",
};

/**
 * A path as a person wrote it in a spec: "" and "." are the whole tree; "./x/" is "x". The rest is kept for treePathFault to judge.
 */
export const normalTreePath = (path: string): string =>
  path
    .replace(/^(?:\.\/+)+/, "")
    .replace(/\/+$/, "")
    .replace(/^\.$/, "");

function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}
