import type { FieldProblem } from "../object/field-problem.ts";
import { shownName } from "./left-out.ts";

/** What to read: a full ref name (`refs/heads/main`), `HEAD`, or a full commit id. */
export type Revision = { readonly kind: "ref"; readonly ref: string } | { readonly kind: "commit"; readonly commit: string };

const longestRef = 255;

/** 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. */
export const isCommitId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/** Reads a revision as a person wrote it. A short name is a branch, never a tag: a tag must not be able to stand in for a branch. */
export function parseRevision(text: string, field: string): { readonly revision: Revision } | { readonly problem: FieldProblem } {
  if (isCommitId(text)) return { revision: { kind: "commit", commit: text } };
  if (text === "HEAD") return { revision: { kind: "ref", ref: "HEAD" } };
  const ref = text.startsWith("refs/") ? text : `refs/heads/${text}`;
  const wrong = refNameFault(text) ?? refNameFault(ref);
  if (wrong === undefined) return { revision: { kind: "ref", ref } };
  const hint = "write a branch (main), refs/tags/NAME, or a full commit id of 40 digits";
  return { problem: { path: field, code: "invalid", message: `${field}: ${shownName(text)} ${wrong}`, hint } };
}

/** What is wrong with a ref name, or undefined. The rules of `git check-ref-format` (gitrevisions of Git 2.39) plus no leading dash. */
export function refNameFault(ref: string): string | undefined {
  if (ref === "") return "is empty";
  if (ref.length > longestRef) return `is longer than ${longestRef} characters`;
  if (ref.startsWith("-")) return "begins with a dash, which Git would read as an option";
  if (/[\u0000-\u0020\u007f]/.test(ref)) return "has a space or control character";
  if (/[~^:?*[\\]/.test(ref)) return "has one of the characters ~ ^ : ? * [ \\";
  if (ref.includes("..") || ref.includes("@{") || ref === "@") return 'has ".." or "@{"';
  if (ref.startsWith("/") || ref.endsWith("/") || ref.includes("//") || ref.endsWith("."))
    return "begins or ends with a slash, ends with a dot, or has an empty part";
  if (ref.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock")))
    return 'has a part that begins with a dot or ends with ".lock"';
  return undefined;
}
