import type { ObjectKey } from "../domain/object/api-object.ts";
import { keyText } from "../domain/object/api-object.ts";
import { instant, type Instant, type Milliseconds, later, milliseconds, seconds } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Log } from "../ports/log.ts";
import type { Resources } from "../ports/resources.ts";
import type { PassOutcome, PassReport, Telemetry } from "../ports/telemetry.ts";
import type { Lease, WorkQueue } from "../ports/work.ts";
import { commitConclusion } from "./commit.ts";
import type { AnyController, PassResult, PassTools } from "./controller.ts";
import { type Failure, failureOf } from "./failure.ts";

export interface LoopParts {
  readonly controllers: readonly AnyController[];
  /** The admitted resources in a controller's name. */
  readonly resourcesAs: (controller: string) => Resources;
  readonly work: WorkQueue;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

export interface LoopLimits {
  /** Passes under way at once in this process. */
  readonly passes: number;
  /** A control plane that dies is replaced after at most this plus `poll`. Passes under way renew theirs three times in it. */
  readonly leaseFor: Milliseconds;
  /** Look for work at least this often, whatever notifications were lost. */
  readonly poll: Milliseconds;
}

export const LOOP_LIMITS: LoopLimits = { passes: 16, leaseFor: seconds(3), poll: seconds(1) };

/**
 * Runs the passes of all controllers until stopped: claims what is due, one flight per object, renews leases, and turns every error into retry,
 * stall or look again. Never throws; a store that is away is waited for.
 */
export class Loop {
  readonly #parts: LoopParts;
  readonly #limits: LoopLimits;
  readonly #owner: string;
  readonly #stopping = new AbortController();
  readonly #flights = new Map<string, Flight>();
  #roomy: PromiseWithResolvers<void> = Promise.withResolvers();
  #storeFailures = 0;

  constructor(parts: LoopParts, limits: LoopLimits = LOOP_LIMITS) {
    this.#parts = parts;
    this.#limits = limits;
    this.#owner = `loop-${parts.ids.uid()}`;
  }

  /** Resolves after `stop`, when no pass is under way any more. */
  async run(): Promise<void> {
    await Promise.all([this.#claiming(), this.#renewing()]);
    await Promise.all([...this.#flights.values()].map((flight) => flight.ended));
  }

  /** Passes under way are cancelled and their work is given back at once; nothing of theirs is committed by halves. */
  stop(): void {
    this.#stopping.abort(new Stopping());
    for (const flight of this.#flights.values()) flight.cancel.abort(this.#stopping.signal.reason);
  }

  async #claiming(): Promise<void> {
    const { signal } = this.#stopping;
    const names = this.#parts.controllers.map((controller) => controller.name);
    while (!signal.aborted) {
      const room = this.#limits.passes - this.#flights.size;
      if (room === 0) {
        await this.#roomy.promise;
        continue;
      }
      await this.#surviving(async () => {
        const leases = await this.#parts.work.claim(this.#owner, names, room, this.#limits.leaseFor);
        for (const lease of leases) this.#start(lease);
        if (leases.length === 0) await this.#parts.work.due(names, this.#limits.poll, signal);
      });
    }
  }

  async #renewing(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#pause(milliseconds(this.#limits.leaseFor / 3));
      const leases = [...this.#flights.values()].map((flight) => flight.lease);
      if (leases.length === 0) continue;
      await this.#surviving(async () => {
        const kept = new Set((await this.#parts.work.renew(leases, this.#limits.leaseFor)).map(flightName));
        for (const lease of leases)
          if (!kept.has(flightName(lease))) this.#flights.get(flightName(lease))?.cancel.abort(new LeaseLost(lease));
      });
    }
  }

  #start(lease: Lease): void {
    const cancel = new AbortController();
    // Claimed while `stop` came: given back at once as well.
    if (this.#stopping.signal.aborted) cancel.abort(this.#stopping.signal.reason);
    const ended = this.#fly(lease, cancel.signal).finally(() => {
      this.#flights.delete(flightName(lease));
      this.#roomy.resolve();
      this.#roomy = Promise.withResolvers();
    });
    this.#flights.set(flightName(lease), { lease, cancel, ended });
  }

  async #fly(lease: Lease, signal: AbortSignal): Promise<void> {
    const { ids, telemetry, log } = this.#parts;
    const clock = storeClock(lease, this.#parts.clock);
    const started = clock.now();
    const phases: { name: PassReport["phases"][number]["name"]; from: Instant }[] = [];
    const failed = (error: unknown): Failure =>
      failureOf(error, {
        now: clock.now(),
        attempts: lease.attempts,
        jitter: ids.fraction(),
        incident: () => this.#incident(lease, error),
      });
    const controller = this.#parts.controllers.find(({ name }) => name === lease.controller);
    if (controller === undefined) return;
    let result: PassResult;
    try {
      result = await controller.pass(
        lease.key,
        this.#tools(lease, clock, signal, failed, (name) => phases.push({ name, from: clock.now() })),
      );
    } catch (error) {
      const failure = signal.aborted ? cancelled(signal, clock.now()) : failed(error);
      result = { waiting: true, failure };
      await this.#giveBack(lease, failure, !signal.aborted);
    }
    const outcome = outcomeOf(result);
    const failure = "failure" in result ? result.failure : undefined;
    // A pass that was ended from outside failed at nothing.
    if (failure !== undefined && !signal.aborted)
      log.warn({ controller: lease.controller, object: keyText(lease.key), reason: failure.reason, outcome }, failure.message);
    telemetry.passed({
      controller: lease.controller,
      key: lease.key,
      outcome,
      started,
      ended: clock.now(),
      phases,
      epoch: lease.epoch,
      attempts: lease.attempts,
      ...(failure?.incident === undefined ? {} : { incident: failure.incident }),
    });
  }

  #tools(
    lease: Lease,
    clock: Pick<Clock, "now">,
    signal: AbortSignal,
    failureOfError: (error: unknown) => Failure,
    phase: PassTools["phase"],
  ): PassTools {
    const resources = this.#parts.resourcesAs(lease.controller);
    const component = `system:slipway:${lease.controller}`;
    return {
      resources,
      signal,
      now: () => clock.now(),
      failureOf: failureOfError,
      phase,
      commit: (conclusion, finish) => {
        signal.throwIfAborted();
        return commitConclusion(resources, lease, conclusion, {
          finish,
          source: { component, manager: `slipway-${lease.controller}`, now: clock.now() },
        });
      },
    };
  }

  /** The row goes back with the time of its next try. If even that fails the lease runs out by itself. */
  async #giveBack(lease: Lease, failure: Failure, failed: boolean): Promise<void> {
    if (failure.kind === "fenced") return;
    try {
      await this.#parts.work.release(lease, { wakeAt: failure.again, failed });
    } catch (error) {
      this.#parts.log.warn(
        { controller: lease.controller, object: keyText(lease.key), error: messageOf(error) },
        "could not give work back; its lease runs out by itself",
      );
    }
  }

  #incident(lease: Lease, error: unknown): string {
    const incident = this.#parts.ids.uid();
    this.#parts.log.error(
      { incident, controller: lease.controller, object: keyText(lease.key), error: error instanceof Error ? error.stack : String(error) },
      "a pass failed by a fault of the program",
    );
    return incident;
  }

  /** A store that is away is no reason to end: wait longer each time, up to the poll interval times ten, and ask again. */
  async #surviving(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.#storeFailures = 0;
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#storeFailures++;
      const wait = milliseconds(Math.min(this.#limits.poll * 10, 50 * 2 ** Math.min(this.#storeFailures, 20)));
      this.#parts.log.warn({ error: messageOf(error), retryInMs: wait }, "the store could not be asked for work; trying again");
      await this.#pause(wait);
    }
  }

  async #pause(length: Milliseconds): Promise<void> {
    try {
      await this.#parts.clock.until(later(this.#parts.clock.now(), length), this.#stopping.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }
}

interface Flight {
  readonly lease: Lease;
  readonly cancel: AbortController;
  readonly ended: Promise<void>;
}

/** The store's clock for the length of one pass: what it was when the lease was given, and the time that has gone by here since. */
function storeClock({ at }: Lease, clock: Clock): Pick<Clock, "now"> {
  const begun = clock.now();
  return { now: () => instant(at + Math.max(0, clock.now() - begun)) };
}

/** A pass that was ended from outside: the work is somebody else's, or to be done by whoever runs next. */
function cancelled(signal: AbortSignal, now: Instant): Failure {
  const kind = signal.reason instanceof Stopping ? "lookAgain" : "fenced";
  return { kind, reason: "Cancelled", message: messageOf(signal.reason), again: now };
}

class Stopping extends Error {
  override readonly name = "Stopping";

  constructor() {
    super("this control plane is stopping");
  }
}

class LeaseLost extends Error {
  override readonly name = "LeaseLost";

  constructor({ controller, key }: Lease) {
    super(`another control plane has taken over ${controller} ${keyText(key)}`);
  }
}

const flightName = (of: { readonly controller: string; readonly key: ObjectKey; readonly epoch: number }): string =>
  `${of.controller} ${of.epoch} ${keyText(of.key)}`;

function outcomeOf(result: PassResult): PassOutcome {
  return "failure" in result ? result.failure.kind : result.waiting ? "waiting" : "settled";
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
