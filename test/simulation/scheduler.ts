import { type Instant, instant } from "../../src/domain/units.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Random } from "./random.ts";

interface Entry {
  readonly at: number;
  /** Drawn for each entry: who is first of those at the same moment. */
  readonly tie: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Owns every wait of a simulation: one thing happens at a time, in the order of virtual time, and between two of them everything that can run has run. */
export class Scheduler {
  #now: number;
  readonly #random: Random;
  readonly #heap: Entry[] = [];
  steps = 0;

  constructor(start: Instant, random: Random) {
    this.#now = start;
    this.#random = random;
  }

  get now(): Instant {
    return instant(this.#now);
  }

  /** Does it at that moment; a moment in the past is now. Returns what takes it back. */
  at(at: number, run: () => void): () => void {
    const entry: Entry = { at: Math.max(at, this.#now), tie: this.#random.fraction(), run, isCancelled: false };
    push(this.#heap, entry);
    return () => {
      entry.isCancelled = true;
    };
  }

  after(wait: number, run: () => void): () => void {
    return this.at(this.#now + wait, run);
  }

  /** Lets time pass until that moment, or until `isEnough` says so after a step. */
  async runUntil(end: number, isEnough: () => boolean = () => false): Promise<void> {
    await settled();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      pop(this.#heap);
      if (next.isCancelled) continue;
      this.#now = Math.max(this.#now, next.at);
      this.steps++;
      next.run();
      await settled();
      if (isEnough()) return;
    }
    this.#now = Math.max(this.#now, end);
  }

  /** A clock that is `skew()` ms ahead of the true time. */
  clock(skew: () => number = () => 0): Clock {
    return {
      now: () => instant(this.#now + skew()),
      until: (at, signal) => this.#until(at, skew, signal),
    };
  }

  #until(at: Instant, skew: () => number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(reasonOf(signal));
        return;
      }
      const cancel = this.at(at - skew(), () => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
      const aborted = (): void => {
        cancel();
        reject(reasonOf(signal));
      };
      signal.addEventListener("abort", aborted, { once: true });
    });
  }
}

/** Everything that can go on without time passing has gone on: microtasks run dry before the next turn of the event loop. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const reasonOf = (signal: AbortSignal): Error => (signal.reason instanceof Error ? signal.reason : new Error("cancelled"));

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie);

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = child === left ? 2 * at + 1 : 2 * at + 2;
  }
  heap[at] = last;
}
