import { setTimeout as sleep } from "node:timers/promises";
import { PortError } from "../../../ports/port-error.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { isServerOf, leftBehind, processState } from "./process-state.ts";
import type { Site } from "./site.ts";

const pollMs = 20;
/** Milliseconds of the monotonic clock. */
const limits = { fast: 30_000, immediate: 10_000, kill: 10_000 } as const;

/**
 * Ends a server: a fast shutdown (open transactions roll back, all is written), after 30 s an immediate one (the next start replays the log), after 10 s more a
 * kill. Resolves when the process has ended. Signals by number: PostgreSQL's "Shutting Down the Server".
 */
export async function stop(site: Site, server: { readonly pid: number; readonly ended: Promise<void> }): Promise<void> {
  const steps = [
    ["SIGINT", limits.fast],
    ["SIGQUIT", limits.immediate],
    ["SIGKILL", limits.kill],
  ] as const;
  for (const [name, milliseconds] of steps) {
    if ((await processState(server.pid)) !== "running" || (await isServerOf(server.pid, site.data)) === "no") return;
    if (name !== "SIGINT") site.log.warn({ pid: server.pid, signal: name }, "PostgreSQL has not ended in time");
    kill(server.pid, name);
    if (await within(milliseconds, server)) return;
  }
  throw new PortError(
    "unknown",
    `PostgreSQL (process ${server.pid}) on ${site.data} cannot be ended; look at what it waits for ("ps -o stat,wchan -p ${server.pid}")`,
  );
}

async function within(milliseconds: number, server: { readonly pid: number; readonly ended: Promise<void> }): Promise<boolean> {
  const until = performance.now() + milliseconds;
  let over = false;
  void server.ended.then(() => (over = true));
  while (performance.now() < until) {
    await Promise.race([server.ended, sleep(pollMs)]);
    if (isOver() || (await processState(server.pid)) !== "running") return true;
  }
  return false;

  function isOver(): boolean {
    return over;
  }
}

/** A process that has ended is as good as signalled. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * A server that somebody asked to end politely (SIGTERM) takes no new connection but waits for the last one, which may be ours and stay: half there. It is
 * told to be quick about it (SIGINT), so that another one can be started. True when that was so.
 */
export async function hurryShutdown(site: Site): Promise<boolean> {
  const file = await readPostmasterFile(site.data);
  if (typeof file === "string" || file.status !== "stopping" || (await isServerOf(file.pid, site.data)) !== "yes") return false;
  kill(file.pid, "SIGINT");
  return true;
}

/** Ends backends that outlived a postmaster that is proven dead, deep in a query; they hold its shared memory. Returns how many there were. */
export async function endLeftBehind(site: Site): Promise<number> {
  const pids = await leftBehind(site.data);
  for (const pid of pids) {
    site.log.warn({ pid }, "ending a PostgreSQL process whose server was killed");
    kill(pid, "SIGQUIT");
  }
  return pids.length;
}
