import { rfc3339, type Instant } from "../units.ts";
import type { ApiObject, ObjectKey, ObjectMeta } from "./api-object.ts";
import { isJsonObject, jsonEqual, withMember, type JsonObject, type JsonValue } from "./json.ts";

/** What the lifecycle has to know of a kind. */
export interface LifecycleRules {
  /** `status` is a subresource: a write of the object keeps it, a write of the status keeps everything else. */
  readonly hasStatus: boolean;
  /** `metadata.generation` counts the changes of everything but metadata and status. */
  readonly countsGeneration: boolean;
  /** `spec` holds finalizers and is written through the finalize action only (Namespaces). */
  readonly hasFinalizeAction: boolean;
}

/** Finalizers with which a client says what becomes of the dependants; the garbage collector removes them. */
export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";

/** A new object as it is stored first: who asked cannot choose what the system sets. */
export function asCreated(object: ApiObject, key: ObjectKey, uid: string, now: Instant, rules: LifecycleRules): ApiObject {
  const {
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    resourceVersion: _version,
    generation: _generation,
    selfLink: _link,
    ...given
  } = object.metadata;
  const { namespace: _namespace, ...own } = withoutEmpty(given);
  const metadata: ObjectMeta = {
    ...own,
    ...place(key),
    uid,
    ...(rules.countsGeneration ? { generation: 1 } : {}),
    creationTimestamp: rfc3339(now),
  };
  return rules.hasStatus ? without({ ...object, metadata }, "status") : { ...object, metadata };
}

/**
 * What is stored when `next` is written over `previous`: what the system sets stays, the generation grows when anything but
 * metadata and status changed. A write of a subresource takes nothing but its own part (and managedFields) from `next`.
 */
export function asUpdated(previous: ApiObject, next: ApiObject, subresource: string, rules: LifecycleRules): ApiObject {
  if (subresource !== "") return withPartOf(previous, next, subresource);
  const body = rules.hasStatus ? withMember(next, "status", previous.status) : next;
  const whole = rules.hasFinalizeAction ? withMember(body, "spec", previous.spec) : body;
  return raised(previous, { ...whole, metadata: kept(previous.metadata, next.metadata) }, rules);
}

/** The object marked for deletion, to be removed when its last finalizer goes. Marking twice keeps the first moment. */
export function asDeleting(object: ApiObject, now: Instant, finalizers: readonly string[], rules: LifecycleRules): ApiObject {
  const metadata: ObjectMeta = {
    ...withMember(object.metadata, "finalizers", finalizers.length > 0 ? finalizers : undefined),
    deletionTimestamp: object.metadata.deletionTimestamp ?? rfc3339(now),
    deletionGracePeriodSeconds: 0,
  };
  // The API server counts the mark as a change of the wanted state.
  const generation = object.metadata.generation;
  const counts = rules.countsGeneration && generation !== undefined && object.metadata.deletionTimestamp === undefined;
  return { ...object, metadata: counts ? { ...metadata, generation: generation + 1 } : metadata };
}

/** Everything that has to happen before the object may go, those in `spec.finalizers` of a Namespace included. */
export function finalizersOf(object: ApiObject): readonly string[] {
  const inSpec =
    object.apiVersion === "v1" && object.kind === "Namespace" && isJsonObject(object.spec) ? object.spec["finalizers"] : undefined;
  return [...(object.metadata.finalizers ?? []), ...texts(inSpec)];
}

export const isDeleting = (object: ApiObject): boolean => object.metadata.deletionTimestamp !== undefined;

/** Nothing holds the object any more: the write that brings it to this removes it. */
export const isFinished = (object: ApiObject): boolean => isDeleting(object) && finalizersOf(object).length === 0;

/** Finalizers in `next` that were not there before; none may be added to an object that is being deleted. */
export function addedFinalizers(previous: ApiObject, next: ApiObject): readonly string[] {
  const before = new Set(finalizersOf(previous));
  return finalizersOf(next).filter((name) => !before.has(name));
}

/** Which finalizers a deletion with this policy leaves on the object. */
export function finalizersForPolicy(object: ApiObject, policy: "Background" | "Foreground" | "Orphan" | undefined): readonly string[] {
  const present = object.metadata.finalizers ?? [];
  if (policy === undefined) return present;
  const others = present.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER);
  switch (policy) {
    case "Background":
      return others;
    case "Foreground":
      return [...others, FOREGROUND_FINALIZER];
    case "Orphan":
      return [...others, ORPHAN_FINALIZER];
  }
}

/** Whether both are the same but for what every write changes by itself. */
export function isSameObject(a: ApiObject, b: ApiObject): boolean {
  return jsonEqual(timeless(a), timeless(b));
}

function withPartOf(previous: ApiObject, next: ApiObject, subresource: string): ApiObject {
  const metadata = withMember(previous.metadata, "managedFields", next.metadata.managedFields);
  switch (subresource) {
    case "status":
      return withMember({ ...previous, metadata }, "status", next.status);
    case "finalize":
      return withMember({ ...previous, metadata }, "spec", next.spec);
    case "finalizers": {
      const { finalizers } = next.metadata;
      return { ...previous, metadata: withMember(metadata, "finalizers", finalizers?.length === 0 ? undefined : finalizers) };
    }
    default:
      return previous; // a subresource that writes no part of the object
  }
}

function raised(previous: ApiObject, next: ApiObject, rules: LifecycleRules): ApiObject {
  if (!rules.countsGeneration) return next;
  const before = previous.metadata.generation ?? 1;
  const generation = jsonEqual(wanted(previous, rules), wanted(next, rules)) ? before : before + 1;
  return { ...next, metadata: { ...next.metadata, generation } };
}

function wanted(object: ApiObject, rules: LifecycleRules): JsonObject {
  const { metadata: _metadata, ...rest } = object;
  return rules.hasStatus ? without(rest, "status") : rest;
}

const SYSTEM_FIELDS = [
  "name",
  "namespace",
  "uid",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

function kept(previous: ObjectMeta, next: ObjectMeta): ObjectMeta {
  const members = new Map(Object.entries(next));
  members.delete("resourceVersion");
  members.delete("selfLink");
  for (const field of SYSTEM_FIELDS) {
    const value = previous[field];
    if (value === undefined) members.delete(field);
    else members.set(field, value);
  }
  return withoutEmpty(Object.fromEntries(members));
}

/** Empty labels, annotations and lists are stored as none at all, as in Kubernetes. */
function withoutEmpty(metadata: ObjectMeta): ObjectMeta {
  const isEmpty = (value: JsonValue | undefined): boolean =>
    Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
  return Object.fromEntries(Object.entries(metadata).filter(([name, value]) => name === "managedFields" || !isEmpty(value)));
}

function place(key: ObjectKey): ObjectMeta {
  return key.namespace === "" ? { name: key.name } : { name: key.name, namespace: key.namespace };
}

function timeless(object: ApiObject): ApiObject {
  const { resourceVersion: _version, managedFields, ...metadata } = object.metadata;
  const entries = managedFields?.map((entry) => without(entry, "time"));
  return { ...object, metadata: { ...metadata, ...(entries === undefined || entries.length === 0 ? {} : { managedFields: entries }) } };
}

function without<T extends JsonObject>(object: T, name: string): T {
  return withMember(object, name, undefined);
}

function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
