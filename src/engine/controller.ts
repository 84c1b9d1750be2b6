import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import type { ObjectEvent } from "../domain/object/object-event.ts";
import type { Instant } from "../domain/units.ts";
import type { NewRecord } from "../ports/records.ts";
import type { Resources, StoredObject } from "../ports/resources.ts";
import type { Wake } from "../ports/work.ts";
import type { Failure } from "./failure.ts";

/**
 * Keeps the objects of one kind as they should be. Each pass over one object goes
 *
 *     observe ─► decide (pure) ─► record ─► act ─► conclude (pure) ─► commit
 *
 * and begins again whenever something changes (engine/wakes.ts says what concerns whom). It may be killed between any two instructions and loses at most one pass: what was decided is
 * recorded before it is done, commands are given again until they are observed, and nothing is committed once the lease is lost.
 */
export interface Controller<Seen, Command, Outcome> {
  /** Lower case. It acts as `system:slipway:<name>`; its field manager is `slipway-<name>`. */
  readonly name: string;
  /** Reads all that the decision may know: own objects in one `resources.snapshot`, then the outside through the controller's ports. Changes nothing. */
  observe(key: ObjectKey, resources: Resources, signal: AbortSignal): Promise<Seen>;
  /** Pure. */
  decide(seen: Seen, now: Instant): Decision<Command>;
  /** Does one command; safe to repeat. `resources` acts in the controller's name. */
  act(command: Command, resources: Resources, signal: AbortSignal): Promise<Outcome>;
  /** What the pass came to, once all commands are done or one has failed (the last entry, the rest were not tried). Pure. Not asked when there was no command. */
  conclude(seen: Seen, done: readonly Done<Command, Outcome>[], now: Instant): Conclusion;
}

/** What is to be said and done now. What is said is committed before anything is done. */
export interface Decision<Command> extends Conclusion {
  /** The wanted outside state, in order; given on every pass until it is observed. */
  readonly commands: readonly Command[];
}

export interface Conclusion {
  /** New states of the object of the pass; what equals the stored one is not written. */
  readonly updates: readonly Update[];
  readonly events: readonly ObjectEvent[];
  readonly records?: readonly NewRecord[];
  readonly wakes?: readonly Wake[];
  /** Look again then, even if nothing changes. Absent: only when something changes. */
  readonly wakeAt?: Instant;
}

/** A write of one controller: the status of its object, or everything but the status (finalizers, removal). */
export type Update =
  | { readonly of: StoredObject; readonly status: NonNullable<ApiObject["status"]> }
  | { readonly of: StoredObject; readonly finalizers: readonly string[] }
  | { readonly of: StoredObject; readonly remove: true };

export type Done<Command, Outcome> =
  { readonly command: Command; readonly outcome: Outcome } | { readonly command: Command; readonly failure: Failure };

/** A controller whose types the loop need not know. */
export interface AnyController {
  readonly name: string;
  pass(key: ObjectKey, tools: PassTools): Promise<PassResult>;
}

/** What a pass is given by the loop. */
export interface PassTools {
  readonly resources: Resources;
  readonly signal: AbortSignal;
  now(): Instant;
  failureOf(error: unknown): Failure;
  phase(name: "observe" | "decide" | "record" | "act" | "conclude"): void;
  /** Commits under the lease; unless `finish` is "no" the pass ends in the same transaction. Returns the stored states of the objects updated. */
  commit(conclusion: Conclusion, finish: "no" | "succeeded" | "failed"): Promise<readonly StoredObject[]>;
}

export type PassResult = { readonly waiting: boolean } | { readonly waiting: boolean; readonly failure: Failure };
