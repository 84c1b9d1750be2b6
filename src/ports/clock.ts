import type { Instant } from "../domain/units.ts";

/** The time outside the core. Virtual in simulations. */
export interface Clock {
  now(): Instant;
  /** Resolves at or after `at`; rejects with the signal's reason when cancelled. An instant in the past resolves at once. */
  until(at: Instant, signal: AbortSignal): Promise<void>;
}
