import { parseTrailers } from "../../domain/git/commit-message.ts";
import { instant } from "../../domain/units.ts";
import type { GitCommit } from "../../ports/git.ts";
import { gitOutput } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";

const fields = ["%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B"] as const;

/** Newest first, at most `limit`; `more` tells whether there are others. */
export async function readHistory(
  mirror: Mirror,
  range: { readonly from?: string; readonly to: string },
  limit: number,
  signal: AbortSignal,
): Promise<{ readonly commits: readonly GitCommit[]; readonly more: boolean }> {
  const until = range.from === undefined ? [] : [`^${range.from}`];
  const args = [
    "log",
    "-z",
    `--format=${fields.join("%x00")}`,
    "--encoding=UTF-8",
    "--no-mailmap",
    "--no-show-signature",
    "--no-color",
    `--max-count=${limit + 1}`,
    range.to,
    ...until,
    "--",
  ];
  const commits = parseLog((await gitOutput(mirror, "read the history", args, signal)).toString("utf8"));
  return { commits: commits.slice(0, limit), more: commits.length > limit };
}

/** A message cannot hold NUL, so every ninth field begins a commit. */
export function parseLog(output: string): readonly GitCommit[] {
  const values = output.split("\0");
  const commits: GitCommit[] = [];
  for (let at = 0; at + fields.length <= values.length; at += fields.length) {
    const [
      id = "",
      parents = "",
      author = "",
      authorEmail = "",
      authorAt = "",
      committer = "",
      committerEmail = "",
      committerAt = "",
      message = "",
    ] = values.slice(at, at + fields.length);
    commits.push({
      id: id.trim(),
      parents: parents.split(" ").filter((parent) => parent !== ""),
      author: { name: author, email: authorEmail, at: instant(Number(authorAt) * 1000) },
      committer: { name: committer, email: committerEmail, at: instant(Number(committerAt) * 1000) },
      message,
      trailers: parseTrailers(message),
    });
  }
  return commits;
}
