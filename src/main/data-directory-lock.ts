import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PortError } from "../ports/port-error.ts";

export interface DirectoryLock {
  release(): Promise<void>;
}

const lockFile = "control-plane.lock";
const holderFile = "control-plane.json";

/** SQLITE_BUSY, https://sqlite.org/rescode.html; node:sqlite gives it as `errcode`. */
const busy = 5;

/**
 * Takes the lock of a data directory, or throws with the process that holds it. The system holds it for this process (a POSIX record lock on an empty file)
 * and gives it back when the process ends in any way, so that no stale lock exists and a process id that was given out again fools nobody. Node has no call
 * for such locks; its SQLite takes one for an exclusive transaction (https://sqlite.org/lockingv3.html), on Linux and macOS alike. Child processes do not inherit it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, lockFile);
  const holder = join(directory, holderFile);
  const database = take(path) ?? (await refuse(directory, holder));
  await writeFile(holder, `${JSON.stringify({ pid: process.pid })}\n`, { mode: 0o600 }).catch((error: unknown) => {
    database.close();
    throw error;
  });
  return {
    release: async () => {
      if (database.isOpen) database.close();
    },
  };
}

function take(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE"); // no journal file beside it; nothing is ever written
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number" && (cause.errcode & 0xff) === busy)
      return undefined;
    const message =
      `the lock ${path} cannot be taken (${String(cause)}); if the file is not empty, remove it; if the file system knows no locks ` +
      "(some network file systems), choose a data directory on a local disk";
    throw new PortError("refused", message, { cause, reason: "NoLock" });
  }
}

async function refuse(directory: string, holder: string): Promise<never> {
  const pid = await holderPid(holder);
  const who = pid === undefined ? "another process" : `process ${pid}`;
  throw new PortError(
    "refused",
    `the data directory ${directory} is in use by another Slipway server (${who}); use that one, stop it first ("slipway down"` +
      `${pid === undefined ? "" : `, or "kill ${pid}"`}), or give this server a data directory of its own`,
    { reason: "DataDirectoryInUse" },
  );
}

async function holderPid(holder: string): Promise<number | undefined> {
  const pid = Number(/"pid":(\d{1,10})/.exec(await readFile(holder, "utf8").catch(() => ""))?.[1]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** The process that holds the lock of a data directory now; undefined when nobody does, or there is no such directory. */
export async function holderOf(directory: string): Promise<number | undefined> {
  const path = join(directory, lockFile);
  if (!existsSync(path)) return undefined;
  const database = take(path);
  if (database === undefined) return holderPid(join(directory, holderFile));
  database.close();
  return undefined;
}
