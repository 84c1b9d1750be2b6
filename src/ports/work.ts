import type { ObjectKey } from "../domain/object/api-object.ts";
import type { Instant, Milliseconds } from "../domain/units.ts";

/**
 * What is due, for whom, and who is at it: one row for each (controller, object), not a queue of jobs.
 * A row woken while a pass is under way is due again as soon as the pass ends. Times are the store's, never the caller's clock.
 */
export interface WorkQueue {
  /**
   * Leases of what is due, oldest first but taking turns between controllers and namespaces, never more than `limit`, never one that another owner holds.
   * A lease that is not finished or renewed in time is given to the next who asks, with a higher epoch.
   */
  claim(owner: string, controllers: readonly string[], limit: number, leaseFor: Milliseconds): Promise<readonly Lease[]>;
  /** Those still ours, extended; the rest are lost. */
  renew(leases: readonly Lease[], leaseFor: Milliseconds): Promise<readonly Lease[]>;
  /** Ends a pass that committed nothing: look again at `wakeAt` (absent: not before something changes). A lost lease is left alone. */
  release(lease: Lease, next: { readonly wakeAt?: Instant; readonly failed: boolean }): Promise<void>;
  wake(wakes: readonly Wake[]): Promise<void>;
  /** Resolves when something may be due: after a wake-up here or in another control plane, or at the next stored wake-up, and at the latest after `atMost`. */
  due(controllers: readonly string[], atMost: Milliseconds, signal: AbortSignal): Promise<void>;
}

export interface Lease {
  readonly controller: string;
  readonly key: ObjectKey;
  readonly owner: string;
  /** Grows with every claim of this row; a write fenced by an older epoch is refused. */
  readonly epoch: number;
  /** Passes in a row that ended in an error before this one. */
  readonly attempts: number;
  /** When it was given, by the store's clock: what a pass stores as a time is reckoned from here, so that a wrong clock of this machine does no harm. */
  readonly at: Instant;
}

/** `at` absent: now. Never later than a wake-up already stored. */
export interface Wake {
  readonly controller: string;
  readonly key: ObjectKey;
  readonly at?: Instant;
}
