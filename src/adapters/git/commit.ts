import { randomUUID } from "node:crypto";
import { cleanIdentity } from "../../domain/git/commit-message.ts";
import type { GitIdentity } from "../../domain/git/commit-message.ts";
import type { Instant } from "../../domain/units.ts";
import { gitOutput } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";

export interface CommitDraft {
  /** Absent: the first commit of an empty repository. */
  readonly parent: string | undefined;
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly executable: boolean } | "delete">;
  readonly author: GitIdentity;
  readonly committer: GitIdentity;
  readonly message: string;
  readonly at: Instant;
}

/** Makes the commit in the mirror, without a work tree and without an index, and answers its id. Nothing points to it afterwards. */
export async function makeCommit(mirror: Mirror, draft: CommitDraft, signal: AbortSignal): Promise<string> {
  const ref = `refs/slipway/drafts/${randomUUID()}`;
  const output = await gitOutput(mirror, "make a commit", ["fast-import", "--quiet", "--date-format=raw", "--done"], signal, {
    stdin: fastImport(draft, ref),
  });
  await gitOutput(mirror, "make a commit", ["update-ref", "--stdin"], signal, { stdin: `delete ${ref}\n` });
  const commit = output.toString("utf8").trim();
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit))
    throw new Error(`git fast-import answered ${JSON.stringify(commit.slice(0, 80))} instead of a commit id`);
  return commit;
}

/** The stream for `git fast-import` (git-fast-import of Git 2.30): sizes come before every content, paths are quoted, so that no byte of them is read as a command. */
export function fastImport(draft: CommitDraft, ref: string): Buffer {
  const when = `${Math.floor(draft.at / 1000)} +0000`;
  const author = cleanIdentity(draft.author);
  const committer = cleanIdentity(draft.committer);
  const parts: Uint8Array[] = [
    text(
      `commit ${ref}\nmark :1\nauthor ${author.name} <${author.email}> ${when}\ncommitter ${committer.name} <${committer.email}> ${when}\n`,
    ),
    ...data(Buffer.from(draft.message)),
    ...(draft.parent === undefined ? [] : [text(`from ${draft.parent}\n`)]),
  ];
  for (const [path, file] of draft.files) {
    if (file === "delete") parts.push(text(`D ${quotedPath(path)}\n`));
    else parts.push(text(`M ${file.executable ? "100755" : "100644"} inline ${quotedPath(path)}\n`), ...data(file.bytes));
  }
  return Buffer.concat([...parts, text("\nget-mark :1\ndone\n")]);
}

const text = (line: string) => Buffer.from(line);
const data = (bytes: Uint8Array) => [text(`data ${bytes.length}\n`), bytes, text("\n")];
const quotedPath = (path: string) => `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
