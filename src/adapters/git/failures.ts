import { PortError } from "../../ports/port-error.ts";
import type { PortOutcome } from "../../ports/port-error.ts";
import { withoutSecrets } from "./secrets.ts";
import type { GitResult } from "./run.ts";

interface Kind {
  readonly when: RegExp;
  readonly outcome: PortOutcome;
  readonly reason: string;
  readonly way: string;
}

// Texts of Git 2.30 to 2.51 and OpenSSH with LC_ALL=C. The first that fits counts, so the more particular ones come first.
const kinds: readonly Kind[] = [
  {
    when: /fsck error|: fsck|error in (?:packed )?(?:object|commit|tree|tag)|index-pack.*strict/i,
    outcome: "refused",
    reason: "HostileContent",
    way: "the repository holds an object that no ordinary Git makes; take it out of the history",
  },
  {
    when: /Host key verification failed|HOST IDENTIFICATION HAS CHANGED|No \w+ host key is known/i,
    outcome: "refused",
    reason: "HostKeyRejected",
    way: "compare the server's key with known_hosts of the Secret, and correct the one that is wrong",
  },
  {
    when: /transport '.*' not allowed|protocol .* not (?:allowed|supported|enabled)|remote helper|Unsupported protocol/i,
    outcome: "refused",
    reason: "ProtocolRefused",
    way: "use an address of the kind path, https or ssh",
  },
  {
    when: /redirect|returned error: 30\d|unable to update url base/i,
    outcome: "refused",
    reason: "Redirected",
    way: "the server sends readers to another address, which is not followed; write the final address",
  },
  {
    when: /certificate|SSL peer|self.signed/i,
    outcome: "refused",
    reason: "CertificateRejected",
    way: "give the authority of the server in certificateAuthority, or correct its certificate",
  },
  {
    when: /Authentication failed|could not read (?:Username|Password)|Permission denied \(|returned error: 40[13]|terminal prompts disabled|Invalid username/i,
    outcome: "refused",
    reason: "AuthenticationFailed",
    way: "check the Secret, and that its user may read the repository (or push, for write-back)",
  },
  {
    when: /pre-receive hook declined|protected branch|update hook declined|hook declined|denyCurrentBranch|branch is currently checked out|deny updating|prohibited by Gitlab|GH0\d\d/i,
    outcome: "refused",
    reason: "PushDeclined",
    way: "allow Slipway's user to push to the branch, or write to another one",
  },
  {
    when: /does not appear to be a git repository|Repository not found|not found|does not exist|returned error: 404|No such file or directory/i,
    outcome: "refused",
    reason: "RepositoryNotFound",
    way: "check the address, and that the Secret may see the repository",
  },
  {
    when: /No space left on device|Disk quota exceeded/i,
    outcome: "notDone",
    reason: "DiskFull",
    way: "make room on the disk of the data directory",
  },
  {
    when: /out of memory|Cannot allocate memory|unable to create thread/i,
    outcome: "notDone",
    reason: "OutOfMemory",
    way: "the repository needs more memory than git.limits.memoryBytes; raise it, or make the repository smaller",
  },
  {
    when: /index-pack|unpack-objects|pack signature|inflate|bad pack|invalid index|fetch-pack: invalid|protocol error|bad line length|expected .* got|unexpected/i,
    outcome: "notDone",
    reason: "DamagedTransfer",
    way: "run git fsck on the remote; it is tried again",
  },
  {
    when: /Could not resolve host|Connection|connect to|timed out|early EOF|hung up|reset by peer|RPC failed|returned error: (?:5\d\d|429)|Could not read from remote|Empty reply|unreachable/i,
    outcome: "notDone",
    reason: "Unreachable",
    way: "check the network and the server; it is tried again",
  },
];

export interface Doing {
  /** "read the refs of", "fetch from", "push to". */
  readonly what: string;
  readonly url: string;
  readonly limitSeconds: number;
  readonly hidden: readonly string[];
}

/** The PortError for a network command that failed, with the server's own words made fit to be shown. */
export function failureOf(result: GitResult, doing: Doing): PortError {
  const where = `cannot ${doing.what} ${doing.url}`;
  const said = withoutSecrets(shownLines(result.stderr), doing.hidden);
  switch (result.ended.how) {
    case "timeLimit":
      return new PortError(
        "notDone",
        `${where}: no end after ${doing.limitSeconds} s, so it was ended; check that the server answers, or raise the time limit`,
        { reason: "TimedOut" },
      );
    case "aborted":
      return new PortError("notDone", `${where}: cancelled`, { reason: "Cancelled" });
    case "outputLimit":
      return new PortError(
        "refused",
        `${where}: the listing is larger than git.limits.listingBytes; the repository has too many refs, or the server sends without end`,
        { reason: "TooManyRefs" },
      );
    case "watch":
      return new PortError("refused", `${where}: ${result.ended.why}`, { reason: "RepositoryTooLarge" });
    case "signal":
      return new PortError("notDone", `${where}: git was ended from outside; it is tried again`, { reason: "Killed" });
    case "exit": {
      const kind = kinds.find(({ when }) => when.test(result.stderr));
      if (!kind)
        return new PortError("notDone", `${where}: ${said || `git ended with code ${result.ended.code}`}; it is tried again`, {
          reason: "GitFailed",
        });
      return new PortError(kind.outcome, `${where}: ${said}; ${kind.way}`, { reason: kind.reason });
    }
  }
}

// Progress and hints of Git say nothing to the reader of a condition.
const shownLines = (stderr: string) =>
  stderr
    .split(/[\r\n]+/)
    .filter(
      (line) =>
        line.trim() !== "" &&
        !/^(?:(?:remote: )?(?:hint|warning):|remote:\s*$|Please make sure|and the repository exists|Could not read from remote|fatal: Could not read from remote)/.test(
          line,
        ),
    )
    .slice(-6)
    .join("; ");

/** True where Git speaks of damage to its own files, as after a full disk or a power cut; a lock that outlasts Git's own patience (a second) is a dead one's. */
export const speaksOfDamage = (stderr: string): boolean =>
  /corrupt|is empty|could not read [0-9a-f]{40}|unable to create '.*\.lock'|not a (?:tree|commit) object|not a GIT packfile|bad (?:config|revision|signature|tree|file)|unknown revision|bad object|missing (?:blob|tree|commit|object)|unable to read|not a git repository|cannot be accessed|invalid object|index file .* (?:too small|is)|packfile .* (?:does not match|cannot)|wrong index|broken|inflate|unknown object type|could not (?:parse|get object)|not a valid object name|unresolved deltas|shallow file/i.test(
    stderr,
  );

/**
 * Runs work on the mirrors so that what the file system refuses, and an aborted wait, are PortErrors too. A bug stays what it is.
 */
export async function onMirrors<T>(root: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof PortError) throw cause;
    if (signal.aborted) throw new PortError("notDone", "cancelled while it waited for the Git mirror", { cause, reason: "Cancelled" });
    if (!(cause instanceof Error && "code" in cause && typeof cause.code === "string" && "syscall" in cause)) throw cause;
    const way =
      cause.code === "ENOSPC" || cause.code === "EDQUOT"
        ? "make room on its disk"
        : "check that it is a directory that Slipway may write to";
    throw new PortError("notDone", `cannot use the directory of Git mirrors ${root} (${cause.code}); ${way}`, {
      cause,
      reason: cause.code === "ENOSPC" ? "DiskFull" : "MirrorFailed",
    });
  }
}

/** Git is not there, or cannot be run. */
export function cannotStart(git: string, cause: unknown): PortError {
  const absent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  const text = absent
    ? `the program ${git} was not found; install Git 2.30 or later`
    : `the program ${git} cannot be started; check that it can be executed`;
  return new PortError("notDone", text, { cause, reason: "GitMissing" });
}
