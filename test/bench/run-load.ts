import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import type { LoadPlan, LoadResult, LoadTarget } from "./load.ts";
import { canMeasureProcesses, usageOf } from "./processes.ts";

/** A server under measurement. */
export interface Server extends LoadTarget {
  readonly name: string;
  /** Its processes; what they started counts too. */
  pids(): readonly number[];
  close(): Promise<void>;
}

export interface LoadRun extends LoadResult {
  /** What the server took meanwhile. */
  readonly serverCpuSeconds: number;
}

// Each member of the union by itself, so that it stays one.
export type Load = LoadPlan extends infer Plan ? (Plan extends LoadPlan ? Omit<Plan, "target"> : never) : never;

/** Runs one load in a process of its own. Throws when the generator fails; refused requests are counted, not thrown. */
export async function runLoad(server: Server, load: Load): Promise<LoadRun> {
  const { url, token, authority } = server;
  const before = cpuOf(server);
  const child = spawn(process.execPath, [join(import.meta.dirname, "load.ts")], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  child.stdin.end(JSON.stringify({ target: { url, token, authority }, ...load }));
  const result = (await json(child.stdout).catch(() => undefined)) as LoadResult | undefined; // what load.ts writes last
  const [code] = (await exit) as [number | null]; // what the event `exit` carries
  if (result === undefined || code !== 0) throw new Error(`the load ${load.load} on ${server.name} ended with ${code ?? "a signal"}`);
  return { ...result, serverCpuSeconds: cpuOf(server) - before };
}

const cpuOf = (server: Server): number => (canMeasureProcesses ? usageOf(server.pids(), false).cpuSeconds : 0);
