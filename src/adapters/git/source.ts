import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readLimits } from "../../ports/git.ts";
import type { GitRemote, GitSource } from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";
import { onMirrors } from "./failures.ts";
import { readHistory } from "./history.ts";
import { remoteHome } from "./home.ts";
import type { GitPlace } from "./home.ts";
import { gitOutput } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";
import { fetchWanted, resolveRef, revisionOf } from "./remote.ts";
import { readTree } from "./tree.ts";

/** Reads real repositories through a bare mirror per remote and machine. */
export function gitSource(place: GitPlace): GitSource {
  /** A mirror that turns out damaged while it is read is made anew, once. */
  const reading = async <T>(
    remote: GitRemote,
    commits: readonly string[],
    signal: AbortSignal,
    work: (mirror: Mirror) => Promise<T>,
  ): Promise<T> => {
    const once = async () => {
      const home = await remoteHome(place, remote);
      let mirror: Mirror | undefined;
      for (const commit of commits) ({ mirror } = await fetchWanted(home, { commit }, signal));
      if (!mirror) throw new Error("reading needs a commit");
      return work(mirror);
    };
    return onMirrors(place.root, signal, () =>
      once().catch((cause: unknown) => {
        if (cause instanceof PortError && cause.reason === "MirrorDamaged") return once();
        throw cause;
      }),
    );
  };
  return {
    resolve: (remote, ref, signal) =>
      onMirrors(place.root, signal, async () => {
        const revision = revisionOf(ref);
        const home = await remoteHome(place, remote);
        return revision.kind === "commit" ? revision.commit : resolveRef(home, revision.ref, signal);
      }),
    fetch: (remote, want, signal) =>
      onMirrors(place.root, signal, async () => {
        const { commit, since } = await fetchWanted(await remoteHome(place, remote), want, signal);
        return { commit, since };
      }),
    read: (remote, commit, selection, signal) => reading(remote, [commit], signal, (mirror) => readTree(mirror, commit, selection, signal)),
    changedPaths: (remote, from, to, signal) => reading(remote, [from, to], signal, (mirror) => pathsBetween(mirror, from, to, signal)),
    history: (remote, range, signal) =>
      reading(remote, range.from === undefined ? [range.to] : [range.from, range.to], signal, async (mirror) => {
        const { commits, more } = await readHistory(mirror, range, Math.max(1, range.limit ?? 100), signal);
        return { commits, complete: !more && !(await endsEarly(mirror, commits)) };
      }),
  };
}

async function pathsBetween(mirror: Mirror, from: string, to: string, signal: AbortSignal): Promise<readonly string[]> {
  const output = await gitOutput(
    mirror,
    "compare two commits",
    ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none", from, to, "--"],
    signal,
  );
  const paths = output
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "");
  if (paths.length > readLimits.files * 4)
    throw new PortError(
      "refused",
      `${mirror.home.address.url}: ${paths.length} files differ between ${from.slice(0, 12)} and ${to.slice(0, 12)}, more than are compared; read the tree instead`,
      { reason: "TooManyFiles" },
    );
  return paths;
}

/** True if the mirror was cut off (git-fetch --depth) at one of these commits. */
async function endsEarly(mirror: Mirror, commits: readonly { readonly id: string }[]): Promise<boolean> {
  const file = join(mirror.path, "shallow");
  if (
    !(await access(file).then(
      () => true,
      () => false,
    ))
  )
    return false;
  const cuts = new Set((await readFile(file, "utf8")).split("\n"));
  return commits.some(({ id }) => cuts.has(id));
}
