import type { Kind } from "../../api/kind.ts";
import type { ApiObject } from "../../domain/object/api-object.ts";
import { collect, type CollectStep, FOREGROUND, ORPHAN, references } from "../../domain/ownership/collect.ts";
import { type Change, ResourceError, type Resources, type StoredObject, type WakeRule } from "../../ports/resources.ts";
import type { Controller } from "../controller.ts";
import { keyOfOwner, ownerKey, ownerOfReference } from "./owner-key.ts";
import { type OwnerSeen, readOwnership } from "./read-ownership.ts";

type Step = Exclude<CollectStep<StoredObject>, { do: "letGo" }>;

/**
 * Deletes what belongs to an owner that is gone. Its keys are owners with their uid: an owner is due when it is deleted or being deleted,
 * and when something that names it comes or goes.
 */
export function garbageCollector(catalog: readonly Kind[]): Controller<OwnerSeen, Step, void> {
  const kinds = catalog.filter((kind) => kind.verbs?.includes("get") ?? true);
  return {
    name: "garbage-collector",
    observe: (key, resources) => resources.snapshot((reader) => readOwnership(keyOfOwner(key), kinds, reader)),
    decide: ({ ownership, owner }) => {
      const steps = collect(ownership);
      const letGo = steps.flatMap((step): string[] => (step.do === "letGo" ? [step.finalizer] : []));
      const finalizers = (owner?.object.metadata.finalizers ?? []).filter((name) => !letGo.includes(name));
      const updates = owner === undefined || letGo.length === 0 ? [] : [{ of: owner, finalizers }];
      return { commands: steps.filter((step) => step.do !== "letGo"), updates, events: [] };
    },
    act: perform,
    conclude: () => ({ updates: [], events: [] }),
  };
}

/** An owner is due when it is deleted or being deleted, and when something that names it comes or goes. */
export function dueOwners({ type, key, object, previous }: Change, kinds: readonly Kind[]): readonly WakeRule[] {
  const uid = object.metadata.uid;
  const waits =
    object.metadata.deletionTimestamp !== undefined &&
    (object.metadata.finalizers ?? []).some((name) => name === FOREGROUND || name === ORPHAN);
  const itself = uid !== undefined && (type === "deleted" || waits) ? [ownerKey(key, uid)] : [];
  // A dependent that goes may be the last one its owner waits for; one that comes may name an owner that is already gone.
  const moved = type !== "modified" || ownerUids(object) !== ownerUids(previous);
  const named = moved ? [...references(object), ...(previous === undefined ? [] : references(previous))] : [];
  const owners = named.flatMap((reference) => ownerOfReference(reference, key.namespace, kinds) ?? []);
  return [...itself, ...owners].map((owner) => ({ controller: "garbage-collector", key: owner }));
}

const ownerUids = (object: ApiObject | undefined): string =>
  object === undefined
    ? ""
    : references(object)
        .map(({ uid }) => uid)
        .join(" ");

/** Already gone, or changed since it was looked at, is no failure: the next pass sees how it is now. */
async function perform(step: Step, resources: Resources): Promise<void> {
  const { key, resourceVersion, object } = step.at;
  try {
    if (step.do === "delete") await resources.commit({ writes: [{ verb: "delete", key, resourceVersion, intent: { verb: "delete" } }] });
    else
      await resources.commit({
        writes: [
          {
            verb: "update",
            key,
            resourceVersion,
            object: disowned(object, step.owners),
            intent: { verb: "update", manager: "slipway-garbage-collector" },
          },
        ],
      });
  } catch (error) {
    if (!(error instanceof ResourceError && error.reason === "notFound")) throw error;
  }
}

function disowned(object: ApiObject, owners: readonly string[]): ApiObject {
  const { ownerReferences: _, ...metadata } = object.metadata;
  const kept = references(object).filter(({ uid }) => !owners.includes(uid));
  return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } };
}
