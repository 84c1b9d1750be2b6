import { setTimeout as sleep } from "node:timers/promises";
import { adopt } from "./adopt.ts";
import type { Running, Site } from "./site.ts";
import { start } from "./start.ts";
import { hurryShutdown, stop } from "./stop.ts";

/** What is known of the server: it answers; it ended and is tried again in so many milliseconds, with what went wrong; it was stopped. */
export type ServerHealth =
  | { readonly state: "ready"; readonly pid: number }
  | { readonly state: "down"; readonly reason: string; readonly retryInMs: number }
  | { readonly state: "stopped" };

export interface KeptRunning {
  pid(): number;
  stop(): Promise<void>;
}

const firstPauseMs = 50;
const longestPauseMs = 10_000;
const steadyMs = 60_000;
const lookMs = 5000;

/** Watches a server, starts it again with growing pauses (50 ms to 10 s) when it ends, and keeps its log bounded, until it is stopped. */
export function keepRunning(site: Site, first: Running, tell: (health: ServerHealth) => void): KeptRunning {
  const stopping = new AbortController();
  let current: Running | undefined = first;
  const looks = setInterval(() => void look(), lookMs).unref();
  const watched = watch();
  let stopped: Promise<void> | undefined;
  return { pid: () => current?.pid ?? 0, stop: () => (stopped ??= end()) };

  async function watch(): Promise<void> {
    let pause = firstPauseMs;
    while (current !== undefined) {
      const since = performance.now();
      await Promise.race([current.ended, aborted(stopping.signal)]);
      if (stopping.signal.aborted) return;
      site.log.warn({ pid: current.pid }, "PostgreSQL ended by itself or was killed; starting it again");
      if (performance.now() - since > steadyMs) pause = firstPauseMs;
      const { address } = current;
      current = undefined;
      tell({ state: "down", reason: "PostgreSQL ended", retryInMs: pause });
      for (; current === undefined; pause = Math.min(pause * 2, longestPauseMs)) {
        await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal: stopping.signal }).catch(() => undefined);
        if (isStopping()) return;
        current = await again(address, Math.min(pause * 2, longestPauseMs));
      }
      tell({ state: "ready", pid: current.pid });
    }
  }

  async function look(): Promise<void> {
    await site.output.bound().catch(() => undefined); // a full disk: the next look may find room
    if (current !== undefined && (await hurryShutdown(site).catch(() => false)))
      site.log.warn({ pid: current.pid }, "somebody asked PostgreSQL to end; it is ended at once and started again");
  }

  /** A server that somebody else brought back at another address would be out of reach of our pools: ended, and started where they look. */
  async function again(address: Running["address"], retryInMs: number): Promise<Running | undefined> {
    try {
      const found = await adopt(site, stopping.signal);
      if (found !== undefined && JSON.stringify(found.address) === JSON.stringify(address)) return found;
      if (found !== undefined) await stop(site, found);
      return await start(site, address, stopping.signal);
    } catch (error) {
      if (isStopping()) return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      site.log.error({ reason, retryInMs }, "PostgreSQL did not start again");
      tell({ state: "down", reason, retryInMs });
      return undefined;
    }
  }

  async function end(): Promise<void> {
    stopping.abort();
    clearInterval(looks);
    await watched;
    if (current !== undefined) await stop(site, current);
    current = undefined;
    tell({ state: "stopped" });
  }

  function isStopping(): boolean {
    return stopping.signal.aborted;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
