import { keyText } from "../../domain/object/api-object.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import { compareBytes } from "../../domain/object/byte-order.ts";
import { earliest, later } from "../../domain/units.ts";
import type { Instant, Milliseconds } from "../../domain/units.ts";
import { evenTurns, partyText, turnsAfter, turnsAhead } from "../../domain/work/turns.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lease, Wake, WorkQueue } from "../../ports/work.ts";

interface WorkRow {
  readonly controller: string;
  readonly key: ObjectKey;
  readonly wakeAt: Instant | undefined;
  readonly lease: { readonly owner: string; readonly until: Instant; readonly epoch: number } | undefined;
  readonly attempts: number;
}

/** Work rows in a map. A row that waits for nothing is dropped; epochs come from one counter, so that they grow all the same. */
export class MemoryWork implements WorkQueue {
  readonly #clock: Clock;
  readonly #rows = new Map<string, WorkRow>();
  #epoch = 0;
  #turns = evenTurns;
  #woken = Promise.withResolvers<undefined>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async claim(owner: string, controllers: readonly string[], limit: number, leaseFor: Milliseconds): Promise<readonly Lease[]> {
    await Promise.resolve();
    const now = this.#clock.now();
    const due = [...this.#rows.values()].filter((row) => controllers.includes(row.controller) && (dueAt(row) ?? Infinity) <= now);
    const taken = this.#inTurn(due).slice(0, Math.max(0, limit));
    this.#turns = turnsAfter(this.#turns, taken.map(partyOf));
    return taken.map((row) => {
      const lease = { owner, until: later(now, leaseFor), epoch: ++this.#epoch };
      this.#set({ ...row, lease, wakeAt: row.wakeAt !== undefined && row.wakeAt <= now ? undefined : row.wakeAt });
      return { controller: row.controller, key: row.key, owner, epoch: lease.epoch, attempts: row.attempts, at: now };
    });
  }

  async renew(leases: readonly Lease[], leaseFor: Milliseconds): Promise<readonly Lease[]> {
    await Promise.resolve();
    const ours = leases.filter((lease) => this.holds(lease));
    for (const lease of ours) {
      const row = this.#rows.get(rowText(lease));
      if (row?.lease !== undefined) this.#set({ ...row, lease: { ...row.lease, until: later(this.#clock.now(), leaseFor) } });
    }
    return ours;
  }

  async release(lease: Lease, next: { readonly wakeAt?: Instant; readonly failed: boolean }): Promise<void> {
    await Promise.resolve();
    if (this.holds(lease)) this.end(lease, next.wakeAt, next.failed ? lease.attempts + 1 : 0);
  }

  async wake(wakes: readonly Wake[]): Promise<void> {
    await Promise.resolve();
    this.wakeNow(wakes);
  }

  async due(controllers: readonly string[], atMost: Milliseconds, signal: AbortSignal): Promise<void> {
    const end = later(this.#clock.now(), atMost);
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    try {
      while (!signal.aborted) {
        const now = this.#clock.now();
        const next = earliest(...[...this.#rows.values()].filter((row) => controllers.includes(row.controller)).map(dueAt));
        if (now >= end || (next !== undefined && next <= now)) return;
        await Promise.race([this.#woken.promise, this.#clock.until(earliest(end, next) ?? end, either)]);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      done.abort();
    }
  }

  /** Whether the lease is still in force now. */
  holds({ owner, epoch, ...of }: Lease): boolean {
    const lease = this.#rows.get(rowText(of))?.lease;
    return lease !== undefined && lease.owner === owner && lease.epoch === epoch && lease.until > this.#clock.now();
  }

  wakeNow(wakes: readonly Wake[]): void {
    for (const { controller, key, at } of wakes) {
      const row = this.#rows.get(rowText({ controller, key })) ?? { controller, key, wakeAt: undefined, lease: undefined, attempts: 0 };
      this.#set({ ...row, wakeAt: earliest(row.wakeAt, at ?? this.#clock.now()) });
    }
    if (wakes.length > 0) this.#tell();
  }

  /** Ends a pass. What was woken meanwhile stays due. */
  end(lease: Pick<Lease, "controller" | "key">, wakeAt: Instant | undefined, attempts: number): void {
    const row = this.#rows.get(rowText(lease));
    if (row === undefined) return;
    const next = earliest(row.wakeAt, wakeAt);
    if (next === undefined && attempts === 0) this.#rows.delete(rowText(lease));
    else this.#set({ ...row, wakeAt: next, lease: undefined, attempts });
    this.#tell();
  }

  #inTurn(due: readonly WorkRow[]): readonly WorkRow[] {
    const oldestFirst = [...due].sort((a, b) => (dueAt(a) ?? 0) - (dueAt(b) ?? 0) || compareBytes(rowText(a), rowText(b)));
    const counts = new Map<string, number>();
    const ranked = oldestFirst.map((row) => {
      const before = counts.get(partyText(partyOf(row))) ?? 0;
      counts.set(partyText(partyOf(row)), before + 1);
      return { row, rank: before + turnsAhead(this.#turns, partyOf(row)) };
    });
    return ranked.sort((a, b) => a.rank - b.rank).map(({ row }) => row); // the sort is stable: equal ranks stay oldest first
  }

  #set(row: WorkRow): void {
    this.#rows.set(rowText(row), row);
  }

  #tell(): void {
    const waiting = this.#woken;
    this.#woken = Promise.withResolvers();
    waiting.resolve(undefined);
  }
}

const rowText = (of: Pick<Lease, "controller" | "key">): string => `${of.controller}/${keyText(of.key)}`;

const partyOf = (row: WorkRow) => ({ controller: row.controller, namespace: row.key.namespace });

/** A row under lease is due when the lease ends unfinished. */
const dueAt = (row: WorkRow): Instant | undefined => (row.lease === undefined ? row.wakeAt : row.lease.until);
