import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { embeddedPostgres } from "../adapters/postgres/server/embedded-postgres.ts";
import type { Milliseconds } from "../domain/units.ts";
import type { Log } from "../ports/log.ts";
import { holderOf } from "./data-directory-lock.ts";
import { layout, openDataDirectory } from "./data-directory.ts";

export type Down =
  { readonly came: "stopped" | "stoppedPostgres" | "notRunning" } | { readonly came: "stillRunning" | "notAllowed"; readonly pid: number };

/**
 * Asks the server of a data directory to stop and waits until it has; returns what came of it. It need not be well enough to answer requests. A PostgreSQL that
 * a killed server left is stopped too. Throws PortError where that cannot be reached.
 */
export async function down(dataDirectory: string, atMost: Milliseconds, log: Log): Promise<Down> {
  const pid = await holderOf(dataDirectory);
  if (pid === undefined) return { came: (await stopLeftBehind(dataDirectory, log)) ? "stoppedPostgres" : "notRunning" };
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    // It ended just now (ESRCH), or belongs to another user (EPERM).
    if (error instanceof Error && "code" in error && error.code === "EPERM") return { came: "notAllowed", pid };
  }
  const deadline = performance.now() + atMost;
  while ((await holderOf(dataDirectory)) === pid) {
    if (performance.now() > deadline) return { came: "stillRunning", pid };
    await pause(50);
  }
  return { came: "stopped" };
}

/** PostgreSQL removes postmaster.pid when it ends in order; after a crash there may be a file and no server: then one is started, which recovers, and stopped. */
async function stopLeftBehind(dataDirectory: string, log: Log): Promise<boolean> {
  if (!existsSync(join(layout(dataDirectory).postgres, "data", "postmaster.pid"))) return false;
  const directory = await openDataDirectory(dataDirectory);
  try {
    const postgres = await embeddedPostgres({ directory: directory.postgres, log });
    await postgres.stop();
    return true;
  } finally {
    await directory.release();
  }
}
