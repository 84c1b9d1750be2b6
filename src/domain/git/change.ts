import { cleanIdentity, joinedMessage, keysOf, keyTrailer, messageWith } from "./commit-message.ts";
import type { GitIdentity, Trailer } from "./commit-message.ts";
import { shownName } from "./left-out.ts";
import { refNameFault } from "./ref-name.ts";
import { pathFaultText, treePathFault } from "./tree-path.ts";
import type { PathLimits } from "./tree-path.ts";

export interface GitChange {
  /** Says which wish this is (`rollout uid/step`): the same key never makes two commits. */
  readonly key: string;
  /** At least one; each path once. */
  readonly edits: readonly GitEdit[];
  readonly author: GitIdentity;
  /** Why, for people. */
  readonly message: string;
  readonly trailers?: readonly Trailer[];
}

/** Either the whole file is compared, or `decide` compares a value inside it, so that another's change elsewhere in the file is kept. */
export type GitEdit =
  | { readonly path: string; readonly expect: Expected; readonly next: Uint8Array | "delete" }
  | { readonly path: string; readonly decide: (found: Uint8Array | "absent") => EditDecision };

export type Expected = "absent" | { readonly blob: string } | { readonly bytes: Uint8Array };

/** Pure and quick: it is asked again after each concurrent push. */
export type EditDecision =
  { readonly kind: "write"; readonly next: Uint8Array | "delete" } | { readonly kind: "already" } | { readonly kind: "changed" };

export type WriteOutcome =
  | { readonly outcome: "written"; readonly commit: string }
  /** `commit`: the one that carried the key, or the branch as it is. */
  | { readonly outcome: "already"; readonly commit: string }
  /** Nothing was written: `path` holds `found` now. */
  | { readonly outcome: "changed"; readonly path: string; readonly found: Uint8Array | "absent" };

/** A file of the branch as it is, or as the changes before it in the same commit leave it. */
export type Content = { readonly blob: string | undefined; readonly bytes: Uint8Array } | "absent";

export type ChangeVerdict =
  | { readonly kind: "write"; readonly edits: ReadonlyMap<string, Uint8Array | "delete"> }
  | { readonly kind: "settled"; readonly outcome: WriteOutcome };

/** Decides one change against the files it names: all of it, or nothing. Pure. */
export function judgeChange(change: GitChange, contentOf: (path: string) => Content, tip: string): ChangeVerdict {
  const edits = new Map<string, Uint8Array | "delete">();
  for (const edit of change.edits) {
    const found = contentOf(edit.path);
    const decision = decideEdit(edit, found);
    if (decision.kind === "changed")
      return { kind: "settled", outcome: { outcome: "changed", path: edit.path, found: found === "absent" ? "absent" : found.bytes } };
    if (decision.kind === "write" && !holds(found, decision.next)) edits.set(edit.path, decision.next);
  }
  return edits.size === 0 ? { kind: "settled", outcome: { outcome: "already", commit: tip } } : { kind: "write", edits };
}

function decideEdit(edit: GitEdit, found: Content): EditDecision {
  if ("decide" in edit) return edit.decide(found === "absent" ? "absent" : found.bytes);
  if (holds(found, edit.next)) return { kind: "already" };
  return meets(found, edit.expect) ? { kind: "write", next: edit.next } : { kind: "changed" };
}

const holds = (found: Content, next: Uint8Array | "delete"): boolean =>
  found === "absent" || next === "delete" ? found === "absent" && next === "delete" : sameBytes(found.bytes, next);

function meets(found: Content, expect: "absent" | { readonly blob: string } | { readonly bytes: Uint8Array }): boolean {
  if (found === "absent" || expect === "absent") return found === "absent" && expect === "absent";
  return "blob" in expect ? found.blob === expect.blob : sameBytes(found.bytes, expect.bytes);
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

/** The commit that carried each key, as far back as the history given. */
export function commitsByKey(history: readonly { readonly id: string; readonly message: string }[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { id, message } of history) for (const key of keysOf(message)) if (!found.has(key)) found.set(key, id);
  return found;
}

/** Who wrote a commit that joins several changes, and its whole message: every key is a trailer, other authors are co-authors. */
export function authorship(
  changes: readonly GitChange[],
  committer: GitIdentity,
): { readonly author: GitIdentity; readonly message: string } {
  const authors = new Map(changes.map(({ author }) => [`${author.name} <${author.email}>`, author]));
  const [first] = authors.values();
  const author = authors.size === 1 && first ? first : committer;
  const trailers = [
    ...changes.flatMap((change) => change.trailers ?? []),
    ...(authors.size > 1
      ? [...authors.values()].map(cleanIdentity).map(({ name, email }) => ({ name: "Co-authored-by", value: `${name} <${email}>` }))
      : []),
    ...changes.map(({ key }) => ({ name: keyTrailer, value: key })),
  ];
  return { author, message: messageWith(joinedMessage(changes.map(({ message }) => message)), trailers) };
}

/** What is wrong with a change before anything is looked up, or undefined. */
export function changeFault(branch: string, change: GitChange, limits: PathLimits): string | undefined {
  const wrong = refNameFault(branch) ?? (branch.startsWith("refs/") || branch === "HEAD" ? "is not the short name of a branch" : undefined);
  if (wrong) return `the branch name ${wrong}`;
  if (!/^[\u0021-\u007e]{1,200}$/.test(change.key)) return "the key must be 1 to 200 visible ASCII characters without space";
  if (change.edits.length === 0) return "there is no edit";
  const paths = change.edits.map(({ path }) => path);
  if (new Set(paths).size !== paths.length) return "a path is edited twice";
  for (const path of paths) {
    const bad = treePathFault(path, limits);
    if (bad) return `the path ${shownName(path)} ${pathFaultText[bad]}`;
  }
  return undefined;
}
