import type { ApiObject } from "../domain/object/api-object.ts";
import { type JsonValue, jsonEqual } from "../domain/object/json.ts";
import { type EventSource, eventWrite } from "./event-write.ts";
import type { Instant } from "../domain/units.ts";
import type { Resources, StoredObject, Transaction, Write } from "../ports/resources.ts";
import type { Lease } from "../ports/work.ts";
import type { Conclusion, Update } from "./controller.ts";

/**
 * Commits what a pass has to say, under its lease, in one transaction: states, events, records, wake-ups, and the end of the pass unless `finish` is "no".
 * Returns the stored states of the objects updated. Throws ResourceError (`fenced`, `conflict` …) with nothing written.
 */
export async function commitConclusion(
  resources: Resources,
  lease: Lease,
  conclusion: Conclusion,
  { finish, source }: { readonly finish: "no" | "succeeded" | "failed"; readonly source: EventSource & { readonly now: Instant } },
): Promise<readonly StoredObject[]> {
  const updates = conclusion.updates.filter(changes).map((update) => updateWrite(update, source.manager));
  const events = conclusion.events.map((event) => eventWrite(event, source, source.now));
  const transaction: Transaction = {
    writes: [...updates, ...events],
    ...(conclusion.records === undefined ? {} : { records: conclusion.records }),
    ...(conclusion.wakes === undefined ? {} : { wakes: conclusion.wakes }),
    guard: lease,
    ...(finish === "no"
      ? {}
      : { finish: { failed: finish === "failed", ...(conclusion.wakeAt === undefined ? {} : { wakeAt: conclusion.wakeAt }) } }),
  };
  return (await resources.commit(transaction)).slice(0, updates.length);
}

/** What equals the stored state is not written: that keeps a settled object from waking its own controller for ever. */
function changes(update: Update): boolean {
  if ("remove" in update) return true;
  if ("status" in update) return !jsonEqual(update.status, update.of.object.status);
  return !jsonEqual(update.finalizers, update.of.object.metadata.finalizers ?? []);
}

function updateWrite(update: Update, manager: string): Write {
  const { key, resourceVersion, object } = update.of;
  if ("remove" in update) return { verb: "delete", key, resourceVersion, intent: { verb: "delete" } };
  if ("status" in update) {
    return {
      verb: "update",
      key,
      resourceVersion,
      object: { ...object, status: update.status },
      intent: { verb: "update", subresource: "status", manager },
    };
  }
  return {
    verb: "update",
    key,
    resourceVersion,
    object: withFinalizers(object, update.finalizers),
    intent: { verb: "update", subresource: "finalizers", manager },
  };
}

function withFinalizers(object: ApiObject, finalizers: readonly string[]): ApiObject {
  const { finalizers: _, ...rest } = object.metadata;
  const kept: readonly JsonValue[] = finalizers;
  return { ...object, metadata: kept.length === 0 ? rest : { ...rest, finalizers } };
}
