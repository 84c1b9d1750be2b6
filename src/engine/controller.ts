import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import type { ObjectEvent } from "../domain/object/object-event.ts";
import type { Instant } from "../domain/units.ts";
import type { NewRecord } from "../ports/records.ts";
import type { Change, Reader, Resources, StoredObject, WakeRule } from "../ports/resources.ts";
import type { Wake } from "../ports/work.ts";

/**
 * A controller keeps the objects of one kind as they should be: observe, decide (pure), act; again whenever something changes.
 * It may be killed between any two instructions and loses at most one pass. `Seen` is all the decision may know.
 */
export interface Controller<Seen, Command> {
  /** Lower case; it acts as `system:slipway:<name>` and its field manager is `slipway-<name>`. */
  readonly name: string;
  /** Which keys a change makes due. Pure. */
  wakes(change: Change): readonly WakeRule[];
  /** Reads what the decision needs: own objects through `reader` (one snapshot), the outside through the controller's ports. Changes nothing. */
  observe(key: ObjectKey, reader: Reader, signal: AbortSignal): Promise<Seen>;
  /** Pure. */
  decide(seen: Seen, now: Instant): Decision<Command>;
  /** Does one command. Safe to repeat. What it learned is seen by the next pass. */
  act(command: Command, resources: Resources, signal: AbortSignal): Promise<void>;
}

/** What one pass came to. Commands are done first, in order; then the rest is committed in one transaction, unless the lease was lost. */
export interface Decision<Command> {
  /** The wanted outside state, given on every pass until it is observed. */
  readonly commands: readonly Command[];
  /** New status of the object of the pass; equal to what is stored = no write. */
  readonly status?: { readonly of: StoredObject; readonly is: ApiObject["status"] };
  /** Changes of metadata (finalizers, annotations) of the object of the pass. */
  readonly metadata?: { readonly of: StoredObject; readonly is: ApiObject["metadata"] };
  readonly events: readonly ObjectEvent[];
  readonly records?: readonly NewRecord[];
  readonly wakes?: readonly Wake[];
  /** Look again then, even if nothing changes. Absent: only when something changes. */
  readonly wakeAt?: Instant;
}
