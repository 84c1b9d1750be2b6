import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PortError } from "../../../ports/port-error.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import type { PostmasterFile } from "./postmaster-file.ts";
import { isServerOf, leftBehind, processState } from "./process-state.ts";
import { ask } from "./site.ts";
import type { Running, Site } from "./site.ts";
import { endLeftBehind, hurryShutdown, stop } from "./stop.ts";

const pollMs = 20;
const slowPollMs = 250;

/** How long each thing may take, in milliseconds of the monotonic clock: a jump of the wall clock changes nothing here. */
const limits = {
  // Without /proc it is not seen whether its backends still work there.
  zombie: process.platform === "linux" ? 500 : 3000,
  unclear: 3000,
  polite: 1000,
  busy: 600_000,
} as const;

/**
 * Finds the server that an earlier control plane left, waiting while it starts or stops; undefined when there is none. A `postmaster.pid` that is proven
 * stale and would keep a new server from starting is moved aside; it is never deleted.
 */
export async function adopt(site: Site, signal: AbortSignal): Promise<Running | undefined> {
  const begun = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const waited = performance.now() - begun;
    const file = await readPostmasterFile(site.data);
    const finding = await look(site, file);
    switch (finding) {
      case "none":
        return undefined;
      case "stale":
        return setAside(site);
      case "zombie":
        if (waited > limits.zombie && (await endLeftBehind(site)) === 0) return setAside(site);
        break;
      case "unreadable":
        if (waited > limits.zombie && (await leftBehind(site.data)).length === 0) return setAside(site);
        if (waited > limits.unclear) throw unclear(site, file);
        break;
      case "unclear":
        if (waited > limits.unclear) throw unclear(site, file);
        break;
      case "busy":
        if (waited > limits.busy) throw unclear(site, file);
        if (waited > limits.polite) await hurryShutdown(site);
        break;
      case "ready": {
        const running = await adopted(site, file);
        if (running !== undefined) return running;
        if (waited > limits.unclear) throw unclear(site, file);
      }
    }
    await sleep(waited < 1000 ? pollMs : slowPollMs, undefined, { signal });
  }
}

type Finding = "none" | "stale" | "zombie" | "unreadable" | "unclear" | "busy" | "ready";

async function look(site: Site, file: PostmasterFile | "absent" | "unreadable"): Promise<Finding> {
  if (file === "absent") return "none";
  if (file === "unreadable") return "unreadable";
  const state = await processState(file.pid);
  switch (state) {
    case "gone":
      return "none"; // PostgreSQL itself sees that and replaces the file
    case "zombie":
      return "zombie";
    case "running": {
      const ours = await isServerOf(file.pid, site.data);
      if (ours === "no") return "stale"; // the process id was given out again, after a reboot most often
      if (ours === "unknown") return "unclear";
      return file.status === "ready" ? "ready" : "busy";
    }
  }
}

async function setAside(site: Site): Promise<undefined> {
  const file = join(site.data, "postmaster.pid");
  site.log.warn({ file }, "postmaster.pid is of a server that has ended; moved aside");
  await rename(file, `${file}.stale`);
  return undefined;
}

function unclear(site: Site, file: PostmasterFile | "absent" | "unreadable"): PortError {
  const who = typeof file === "string" ? "a process" : `process ${file.pid}`;
  return new PortError(
    "refused",
    `${site.data}/postmaster.pid says that ${who} serves this data, but it does not answer as this database; ` +
      `if it is a PostgreSQL that somebody else started on this folder, stop it ("pg_ctl stop -D '${site.data}'"), then start again`,
    { reason: "DatabaseInUse" },
  );
}

async function adopted(site: Site, file: PostmasterFile | "absent" | "unreadable"): Promise<Running | undefined> {
  if (typeof file === "string" || file.address === undefined) return undefined;
  const answer = await ask(site, file.address);
  if (answer === "wrong password") {
    // The file with the password was lost: end it, so that the password can be set anew before the next start.
    await stop(site, { pid: file.pid, ended: endOf(site, file.pid) });
    return undefined;
  }
  if (answer !== "ours") return undefined;
  return { pid: file.pid, address: file.address, adopted: true, ended: endOf(site, file.pid) };
}

/** An adopted process is not our child: it is looked at. Its id may be given out again while we look away. */
async function endOf(site: Site, pid: number): Promise<void> {
  const pause = process.platform === "linux" ? slowPollMs : 1000; // a look costs a run of ps where there is no /proc
  while ((await processState(pid)) === "running" && (await isServerOf(pid, site.data)) !== "no")
    await sleep(pause, undefined, { ref: false });
}
