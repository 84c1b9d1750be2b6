import { PortError } from "../../src/ports/port-error.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** How calls through a port go wrong; each a probability. Where the sum is over 1 nothing goes right. */
export interface FaultRates {
  /** The call never arrives: notDone. */
  readonly lost: number;
  /** It arrives late, or its answer does: up to ten seconds, which is longer than a lease. */
  readonly late: number;
  /** It is done, and nobody learns of it. */
  readonly unknown: number;
  /** It arrives twice. */
  readonly repeated: number;
  /** An older state is answered, where the port allows it. */
  readonly stale: number;
}

export const NO_FAULTS: FaultRates = { lost: 0, late: 0, unknown: 0, repeated: 0, stale: 0 };

export interface CallOptions<T> {
  /** Reads may be answered at once and cannot be "unknown". */
  readonly isRead: boolean;
  readonly signal?: AbortSignal;
  /** An older answer, if one is allowed. */
  readonly stale?: () => Promise<T>;
}

/** One process and its connections to the world: everything it asks goes through `call`, and nothing comes back once it is dead. */
export class Process {
  isDead = false;
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #rates: () => FaultRates;
  readonly #log: (line: string) => void;

  constructor(parts: {
    readonly name: string;
    readonly scheduler: Scheduler;
    readonly random: Random;
    readonly rates: () => FaultRates;
    readonly log: (line: string) => void;
  }) {
    this.name = parts.name;
    this.#scheduler = parts.scheduler;
    this.#random = parts.random;
    this.#rates = parts.rates;
    this.#log = parts.log;
  }

  /** Asks the world for something: it takes a while, may go wrong, and what a process asked before it died may still be done. */
  call<T>(what: string, effect: () => Promise<T>, options: CallOptions<T>): Promise<T> {
    const fate = this.#fate(options);
    if (fate === "fine" && options.isRead && this.#random.chance(0.7)) return this.#alive(effect());
    if (fate !== "fine") this.#log(`${this.name} ${what} ${fate}`);
    const [before, after] = this.#delays(fate);
    const isSentBeforeDeath = this.#random.chance(0.5);
    return new Promise((resolve, reject) => {
      const answer = (say: () => void): void => {
        const told = (): void => {
          if (!this.isDead) say();
        };
        if (after === 0) told();
        else this.#scheduler.after(after, told);
      };
      options.signal?.addEventListener("abort", () => answer(() => reject(cancelled(what))), { once: true });
      this.#scheduler.after(before, () => {
        if (this.isDead && !isSentBeforeDeath) return;
        if (fate === "lost") {
          answer(() => reject(new PortError("notDone", `${what}: the connection was refused (made by the simulation)`)));
          return;
        }
        void this.#done(what, fate, effect, options).then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      });
    });
  }

  async #done<T>(what: string, fate: Fate, effect: () => Promise<T>, { stale }: CallOptions<T>): Promise<T> {
    if (fate === "stale" && stale !== undefined) return stale();
    const value = await effect();
    // The second arrival of the same message is answered to nobody.
    if (fate === "repeated") await effect().catch(() => undefined);
    if (fate === "unknown") throw new PortError("unknown", `${what}: the connection broke before the answer (made by the simulation)`);
    return value;
  }

  #alive<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => {
          if (!this.isDead) resolve(value);
        },
        (error: unknown) => {
          if (!this.isDead) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  #fate({ isRead, stale }: Pick<CallOptions<unknown>, "isRead"> & { readonly stale?: unknown }): Fate {
    const rates = this.#rates();
    let left = this.#random.fraction();
    for (const fate of ["lost", "late", "unknown", "repeated", "stale"] as const) {
      left -= rates[fate];
      if (left >= 0) continue;
      if (fate === "stale" && stale === undefined) return "fine";
      return fate === "unknown" && isRead ? "lost" : fate;
    }
    return "fine";
  }

  #delays(fate: Fate): readonly [before: number, after: number] {
    const usual = this.#random.between(0, 3);
    if (fate !== "late") return [usual, this.#random.chance(0.8) ? 0 : usual];
    const long = this.#random.chance(0.5) ? this.#random.between(50, 800) : this.#random.between(1000, 10_000);
    return this.#random.chance(0.5) ? [long, 0] : [usual, long];
  }
}

type Fate = "fine" | keyof FaultRates;

const cancelled = (what: string): PortError => new PortError("notDone", `${what} was cancelled`, { reason: "Cancelled" });
