import { type ApiObject, keyText } from "../../src/domain/object/api-object.ts";
import { conditionOf } from "../../src/domain/object/conditions.ts";
import { references } from "../../src/domain/ownership/collect.ts";
import { APPLIED_BY } from "../../src/domain/sync/apply-set.ts";
import { isAsDescribed, slotText } from "./content.ts";
import { commitOf } from "./observer.ts";
import { fieldsOf, keyOfSlot, type Repository } from "./repository.ts";
import { SYNCS, syncKey, type World } from "./world.ts";

/** What is not yet as it must be when nothing has gone wrong for a while; empty when all is well. */
export function unsettled(world: World): readonly string[] {
  const { observer } = world.shared;
  const live = observer.live();
  const uids = new Set(live.map(([, { metadata }]) => metadata.uid));
  return [
    ...live.flatMap(([key, object]) => (object.metadata.deletionTimestamp === undefined ? [] : [`${key} is still being deleted`])),
    ...live.flatMap(([key, object]) => {
      const owners = references(object);
      return owners.length > 0 && owners.every(({ uid }) => !uids.has(uid)) ? [`${key} belongs to nobody any more`] : [];
    }),
    ...live.flatMap(([key, object]) => (object.kind === "AccessToken" && isOverdue(object, world) ? [`${key} expired a day ago`] : [])),
    ...SYNCS.flatMap((sync) => {
      const object = observer.get(keyText(syncKey(sync)));
      return object === undefined ? [] : syncProblems(world, object).map((problem) => `Sync ${sync.namespace}/${sync.name}: ${problem}`);
    }),
  ];
}

function isOverdue({ spec }: ApiObject, world: World): boolean {
  const at = (spec as { readonly expiresAt: string }).expiresAt; // written by the scenario
  return Date.parse(at) + 86_400_000 < world.scheduler.now - 2000;
}

function syncProblems(world: World, sync: ApiObject): readonly string[] {
  const { repository } = world;
  const { path, suspend } = fieldsOf(sync);
  if (suspend) return [];
  const wanted = repository.wanted(repository.head, path);
  const ready = conditionOf(sync, "Ready");
  if (ready === undefined) return ["says nothing"];
  const says = `${ready.status} ${ready.reason}: ${ready.message}`;
  if (ready.status !== "True") {
    if (ready.message === "") return [`does not say why it is not ready: ${says}`];
    return mayBeBlocked(world, sync, ready.reason, wanted) ? [] : [`is ${says}`];
  }
  if (wanted === undefined) return [`is ready although the head cannot be applied: ${says}`];
  if (commitOf(sync) !== repository.head)
    return [`is ready at ${commitOf(sync)?.slice(0, 12) ?? "nothing"}, the head is ${repository.head.slice(0, 12)}`];
  return differences(world, sync, wanted);
}

function mayBeBlocked(world: World, sync: ApiObject, reason: string, wanted: ReturnType<Repository["wanted"]>): boolean {
  const { repository } = world;
  const { path, force } = fieldsOf(sync);
  switch (reason) {
    case "InvalidSource":
      return wanted === undefined;
    case "Refused":
      return wanted === undefined || !force || wanted.some(({ slot }) => slot.namespace === "team") || !isThere(world, "other");
    case "PathNotFound":
      return !repository.hasFolder(repository.head, path);
    case "SourceEmpty":
      return wanted?.length === 0;
    default:
      return false;
  }
}

const isThere = (world: World, namespace: string): boolean => world.shared.observer.get(`/namespaces//${namespace}`) !== undefined;

function differences(world: World, sync: ApiObject, wanted: NonNullable<ReturnType<Repository["wanted"]>>): readonly string[] {
  const { observer } = world.shared;
  const { selfHeal, prune } = fieldsOf(sync);
  const by = `${sync.metadata.namespace ?? ""}/${sync.metadata.name ?? ""}`;
  const keys = new Set(wanted.map(({ slot }) => keyOfSlot(slot)));
  const missing = wanted.filter(({ slot, revision }) => {
    const object = observer.get(keyOfSlot(slot));
    return object === undefined || !isAsDescribed(object, slot, revision);
  });
  const extra = observer
    .live()
    .filter(
      ([key, object]) =>
        object.kind !== "Namespace" &&
        !keys.has(key) &&
        object.metadata.labels?.["applyset.kubernetes.io/part-of"] !== undefined &&
        object.metadata.annotations?.[APPLIED_BY] === by,
    );
  return [
    ...(selfHeal ? missing.map(({ slot, revision }) => `${slotText(slot)} is not as revision ${revision} says`) : []),
    ...(prune ? extra.map(([key]) => `${key} is still there`) : []),
  ];
}
