import { PortError } from "../../ports/port-error.ts";
import { failureOf } from "./failures.ts";
import { farEnd } from "./home.ts";
import type { Mirror } from "./mirror.ts";
import { network } from "./remote.ts";
import type { GitResult } from "./run.ts";

/**
 * Moves a branch from `tip` (absent: it must not exist) to `commit`, or not at all: `overtaken` if it is elsewhere by now. `commit` is a child of `tip`, and the
 * lease holds the branch to exactly `tip`, so a push never takes away what others pushed, nor brings back what others took away.
 * Throws PortError; `unknown` if no answer came.
 */
export async function pushCommit(
  mirror: Mirror,
  branch: string,
  tip: string | undefined,
  commit: string,
  signal: AbortSignal,
): Promise<"pushed" | "overtaken"> {
  const { address, place } = mirror.home;
  const ref = `refs/heads/${branch}`;
  const args = [
    `--git-dir=${mirror.path}`,
    "push",
    "--porcelain",
    "--no-verify",
    "--no-signed",
    "--no-progress",
    `--force-with-lease=${ref}:${tip ?? ""}`,
    ...farEnd.forPushing(address),
    "--",
    address.url,
    `${commit}:${ref}`,
  ];
  const { result, hidden } = await network(mirror.home, args, place.limits.pushSeconds, signal);
  const verdict = pushVerdict(result, ref);
  if (verdict === "pushed" || verdict === "overtaken") return verdict;
  const failure = failureOf(withVerdict(result), {
    what: `push ${branch} to`,
    url: address.url,
    limitSeconds: place.limits.pushSeconds,
    hidden,
  });
  if (verdict === "declined") throw failure.reason === "PushDeclined" ? failure : declined(failure);
  if (failure.outcome === "refused") throw failure; // said before anything was sent: address, key, credentials
  throw new PortError("unknown", `${failure.message}; it may have arrived, which is looked up before anything else`, {
    cause: failure,
    reason: failure.reason,
  });
}

/** `git push --porcelain`: `FLAG TAB FROM:TO TAB SUMMARY (REASON)`. No such line: the outcome is not known. */
export function pushVerdict(result: Pick<GitResult, "ended" | "stdout">, ref: string): "pushed" | "overtaken" | "declined" | "unknown" {
  const line = result.stdout
    .toString("utf8")
    .split("\n")
    .find((text) => text.split("\t")[1]?.endsWith(`:${ref}`));
  const [flag, , summary = ""] = line?.split("\t") ?? [];
  if (flag === undefined) return "unknown";
  if (flag !== "!") return "pushed";
  if (
    /stale info|fetch first|non-fast-forward|already exists|needs force|cannot lock ref|failed to update ref|failed to lock|incorrect old value|reference already exists|unable to resolve reference|is at .* but expected/i.test(
      summary,
    )
  )
    return "overtaken";
  return summary.includes("remote failure") || summary.includes("remote end hung up") ? "unknown" : "declined";
}

// The reason for a declined ref stands in the porcelain output.
const withVerdict = (result: GitResult): GitResult => ({
  ...result,
  stderr: `${result.stderr}\n${result.stdout
    .toString("utf8")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .join("; ")}`,
});

const declined = (failure: PortError) =>
  new PortError("refused", `${failure.message} (the server took the commit and declined it)`, { cause: failure, reason: "PushDeclined" });
