import { PortError } from "../../../ports/port-error.ts";
import type { PortOutcome } from "../../../ports/port-error.ts";

/** Why a server did not start, as far as its own words tell. `passing` goes away by itself: try again with backoff. */
export interface StartFailure {
  readonly reason: string;
  readonly outcome: PortOutcome;
  readonly passing: boolean;
  /** What is wrong and the way out, to be put after the name of the folder. */
  readonly advice: string;
}

const known: readonly (StartFailure & { readonly says: RegExp })[] = [
  {
    says: /No space left on device|could not write .*: wrote only|Disk quota exceeded/i,
    reason: "DiskFull",
    outcome: "notDone",
    passing: false,
    advice: "the disk is full; free at least 200 MB there and start again: nothing that was acknowledged is lost",
  },
  {
    says: /lock file ".*" already exists|lock file ".*" is empty/,
    reason: "StillEnding",
    outcome: "notDone",
    passing: true,
    advice: "the server before has not ended yet; wait a moment, then start again",
  },
  {
    says: /pre-existing shared memory block .* is still in use/,
    reason: "StillEnding",
    outcome: "notDone",
    passing: true,
    advice: 'processes of the server before still work there; end them ("ps -ef | grep postgres" shows them), then start again',
  },
  {
    says: /Address already in use|could not create any TCP\/IP sockets/,
    reason: "AddressInUse",
    outcome: "notDone",
    passing: true,
    advice: "its port is taken by another program; end that program, or remove the file `port` there so that another is chosen",
  },
  {
    says: /database files are incompatible with server/,
    reason: "WrongPostgresVersion",
    outcome: "refused",
    passing: false,
    advice: "another PostgreSQL wrote it; start it with that version, `slipway backup` there, and `slipway restore` here",
  },
  {
    says: /could not (locate a valid|locate required) checkpoint|invalid primary checkpoint|incorrect checksum in control file|invalid page in block|could not open file "(global|base|pg_xact|pg_wal|pg_multixact)|could not open (required )?directory|could not access (status of transaction|directory)|database system was interrupted while in recovery|is not a valid data directory|PANIC: {1,2}(could not read|invalid|WAL)/,
    reason: "CorruptDatabase",
    outcome: "refused",
    passing: false,
    advice: "the database is damaged; move the folder aside (do not delete it), and `slipway restore` the last backup",
  },
  {
    says: /could not (create|attach to|get) .*shared memory|could not create semaphores|Cannot allocate memory|out of memory|could not map anonymous shared memory/,
    reason: "NoMemory",
    outcome: "notDone",
    passing: false,
    advice:
      "the system gives it no memory (about 40 MB are needed); raise the limit of the container or service, or the kernel's shared memory limits",
  },
  {
    says: /has (wrong ownership|invalid permissions)/,
    reason: "NoPermission",
    outcome: "refused",
    passing: false,
    advice: "it belongs to another user, or others may read it; give it back to the user that runs PostgreSQL, with mode 0700",
  },
  {
    says: /read-only file system/i,
    reason: "ReadOnly",
    outcome: "refused",
    passing: false,
    advice: "the file system is mounted read-only; mount it writable, or choose another data directory",
  },
  {
    says: /permission denied|operation not permitted/i,
    reason: "NoPermission",
    outcome: "refused",
    passing: false,
    advice: "the user that runs PostgreSQL may not read or write there; give it those rights, or choose another data directory",
  },
];

/** What an error of the system means, in the same words as what the server says; `what` could not be done in `folder`. */
export function folderError(what: string, folder: string, cause: unknown): PortError {
  if (cause instanceof PortError) return cause;
  const { reason, outcome, advice } = explainStartFailure(String(cause));
  return new PortError(outcome, `${what} in ${folder} failed: ${advice}\n${String(cause)}`, { cause, reason });
}

/** Pure: reads what the server said (the last lines of its output). */
export function explainStartFailure(output: string): StartFailure {
  const found = known.find(({ says }) => says.test(output));
  if (found === undefined)
    return {
      reason: "StartFailed",
      outcome: "notDone",
      passing: false,
      advice: "its own words below say why; mend that, then start again",
    };
  const { says: _says, ...failure } = found;
  return failure;
}
