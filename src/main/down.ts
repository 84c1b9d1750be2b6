import { setTimeout as pause } from "node:timers/promises";
import { holderOf } from "./data-directory-lock.ts";

const LONGEST_SECONDS = 60;

/** Asks the server of a data directory to stop and waits until it has; returns what came of it. It need not be well enough to answer requests. */
export async function down(dataDirectory: string): Promise<"stopped" | "notRunning" | "stillRunning"> {
  const pid = await holderOf(dataDirectory);
  if (pid === undefined) return "notRunning";
  process.kill(pid, "SIGTERM");
  const deadline = performance.now() + LONGEST_SECONDS * 1000;
  while (performance.now() < deadline) {
    if ((await holderOf(dataDirectory)) !== pid) return "stopped";
    await pause(50);
  }
  return "stillRunning";
}
