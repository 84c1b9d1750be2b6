import { ownersGit, ownersText } from "./test-repository.ts";

// For tests only: objects that no ordinary Git makes.

export interface HostileEntry {
  readonly mode: string;
  readonly name: string | Buffer;
  readonly id: string;
}

export const blob = (repository: string, content: string | Uint8Array): Promise<string> =>
  ownersText(repository, ["hash-object", "-w", "--stdin"], content);

/** Writes a tree byte by byte, in the order given, whatever its names are. */
export function rawTree(repository: string, entries: readonly HostileEntry[]): Promise<string> {
  const bytes = entries.flatMap(({ mode, name, id }) => [
    Buffer.from(`${mode} `),
    Buffer.from(name),
    Buffer.from([0]),
    Buffer.from(id, "hex"),
  ]);
  return rawObject(repository, "tree", Buffer.concat(bytes));
}

export const rawObject = (repository: string, type: "tree" | "commit" | "tag", bytes: string | Uint8Array): Promise<string> =>
  ownersText(repository, ["hash-object", "-t", type, "-w", "--literally", "--stdin"], bytes);

/** A commit of the tree on `main`, or on another ref. */
export async function commitTree(repository: string, tree: string, ref = "refs/heads/main", message = "A commit"): Promise<string> {
  const commit = await ownersText(repository, ["commit-tree", "-m", message, tree]);
  await ownersGit(repository, ["update-ref", ref, commit]);
  return commit;
}

/** A tree with one sound file beside what a case adds. Entries are sorted as Git wants them. */
export async function treeWith(repository: string, entries: readonly HostileEntry[]): Promise<string> {
  const good = { mode: "100644", name: "good.yaml", id: await blob(repository, "good: true\n") };
  const key = ({ mode, name }: HostileEntry) => Buffer.concat([Buffer.from(name), Buffer.from(mode === "40000" ? "/" : "")]);
  return rawTree(
    repository,
    [...entries, good].toSorted((a, b) => Buffer.compare(key(a), key(b))),
  );
}
