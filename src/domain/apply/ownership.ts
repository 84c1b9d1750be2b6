import { compareTyped, type Comparison } from "./compare.ts";
import { extractFieldSet } from "./extract.ts";
import { difference, differenceWithChildren, emptySet, intersection, isEmptySet, setOf, union, type FieldSet } from "./field-set.ts";
import { identityOf, secondsOf, type ManagedEntry, type ManagedFields } from "./managed-fields.ts";
import { mergeTyped } from "./merge.ts";
import { fieldElement } from "./path-element.ts";
import { reconcileWithSchema, withDeclaredParents } from "./reconcile.ts";
import { removeItems } from "./remove.ts";
import type { Shape } from "./shape.ts";
import { compareBytes } from "../object/byte-order.ts";
import { isJsonObject, jsonEqual, type JsonObject, type JsonValue } from "../object/json.ts";

/** One write: who, how, to which kind of object. */
export interface Write {
  readonly shape: Shape;
  /** The writer, without time and fields. */
  readonly writer: Omit<ManagedEntry, "time" | "fields">;
  /** RFC 3339, seconds, UTC. */
  readonly now: string;
  /** Entries at another version count for nothing. */
  readonly servedVersions: readonly string[];
  /** Top-level fields that this write cannot change, so that nobody comes to own them by it. */
  readonly resetFields: readonly string[];
}

/** What somebody else owns and this write would change. */
export interface Clash {
  readonly owner: ManagedEntry;
  readonly fields: FieldSet;
}

/** Update entries an object may have before the oldest are joined. */
const maxUpdateEntries = 10;

/**
 * Ownership after a create, update or patch made `next` of `live`: who writes a value owns it, alone; who owned what
 * is gone owns it no more. Source: structured-merge-diff/v6 merge `Update`, apimachinery `managedFieldsUpdater`,
 * `stripMetaManager`, `capManagersManager`.
 */
export function ownershipAfterUpdate(write: Write, live: JsonObject, next: JsonObject, managed: ManagedFields): ManagedFields {
  const current = reconciled(write, managed);
  const comparison = compare(write, live, next);
  const changed = union(comparison.modified, comparison.added);
  const kept = yieldFields(current, union(changed, comparison.removed));
  const taken = difference(changed, neverOwned);
  if (isEmptySet(taken)) return capUpdates(kept);
  const identity = identityOf(write.writer);
  const fields = union(taken, kept.get(identity)?.fields ?? emptySet);
  return capUpdates(new Map(kept).set(identity, { ...write.writer, time: write.now, fields }));
}

/** What applying a configuration does: the merged object and who owns what, or with whom it clashes. */
export type Applied = { readonly clashes: readonly Clash[] } | { readonly object: JsonObject; readonly managed: ManagedFields };

/**
 * Merges an applied configuration into `live`, takes out what the applier owned and no longer names and nobody else
 * owns, and moves ownership. Source: structured-merge-diff/v6 merge `Apply`.
 */
export function ownershipAfterApply(
  write: Write,
  live: JsonObject,
  configuration: JsonObject,
  managed: ManagedFields,
  force: boolean,
): Applied {
  const identity = identityOf(write.writer);
  const current = reconciled(write, managed);
  const last = current.get(identity);
  const fields = withoutReset(write, extractFieldSet(write.shape, configuration));
  const applier: ManagedEntry = { ...write.writer, ...timeOf(last), fields };
  const claimed = new Map(current).set(identity, applier);
  const merged = asObject(mergeTyped(write.shape, live, configuration));
  const object = asObject(prune(write.shape, merged, last?.fields ?? emptySet, claimed));
  const comparison = compare(write, live, object);
  const others = new Map([...claimed].filter(([other]) => other !== identity));
  const clashes = clashesOf(others, union(comparison.modified, comparison.added));
  if (clashes.length > 0 && !force) return { clashes };
  const kept = yieldFields(others, union(union(comparison.modified, comparison.added), comparison.removed));
  const owned = difference(fields, neverOwned);
  const time = jsonEqual(live, object) ? timeOf(last) : { time: write.now };
  const result = isEmptySet(owned) ? kept : new Map(kept).set(identity, { ...applier, ...time, fields: owned });
  return { object, managed: result };
}

/**
 * Paths that never appear in an entry: the server's own, or the object's name.
 * Source: apimachinery managedfields, `stripMetaManager`.
 */
const neverOwned: FieldSet = setOf(
  [fieldElement("apiVersion")],
  [fieldElement("kind")],
  [fieldElement("metadata")],
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"].map(
    (name) => [fieldElement("metadata"), fieldElement(name)],
  ),
);

/** The entries as the schema of today means them; entries at a version that is not served count for nothing. */
function reconciled(write: Write, managed: ManagedFields): ManagedFields {
  return new Map(
    [...managed]
      .filter(([, entry]) => write.servedVersions.includes(entry.apiVersion))
      .map(([identity, entry]) => [identity, { ...entry, fields: reconcileWithSchema(write.shape, entry.fields) }]),
  );
}

function compare(write: Write, before: JsonObject, after: JsonObject): Comparison {
  const { added, modified, removed } = compareTyped(write.shape, before, after);
  return {
    added: withoutReset(write, added),
    modified: withoutReset(write, modified),
    removed: withoutReset(write, removed),
  };
}

function withoutReset(write: Write, set: FieldSet): FieldSet {
  if (write.resetFields.length === 0) return set;
  return differenceWithChildren(set, setOf(...write.resetFields.map((name) => [fieldElement(name)])));
}

function clashesOf(others: ManagedFields, changed: FieldSet): readonly Clash[] {
  return [...others]
    .sort(([left], [right]) => compareBytes(left, right))
    .map(([, owner]) => ({ owner, fields: intersection(owner.fields, changed) }))
    .filter(({ fields }) => !isEmptySet(fields));
}

/** Everybody loses these fields; who has none left is forgotten. */
function yieldFields(managed: ManagedFields, lost: FieldSet): ManagedFields {
  return new Map(
    [...managed]
      .map(([identity, entry]) => [identity, { ...entry, fields: difference(entry.fields, lost) }] as const)
      .filter(([, { fields }]) => !isEmptySet(fields)),
  );
}

/**
 * Takes out of the merged object what the applier owned last time, unless somebody (or its new configuration) owns it
 * or something in it. What nobody ever owned stays.
 */
function prune(shape: Shape, merged: JsonObject, last: FieldSet, managed: ManagedFields): JsonObject {
  const owned = [...managed.values()].reduce((all, { fields }) => union(all, fields), emptySet);
  // Mostly an applier names what it named before.
  if (isEmptySet(difference(last, owned))) return merged;
  const named = (set: FieldSet): FieldSet => withDeclaredParents(shape, set);
  const fieldsOf = (object: JsonObject): FieldSet => named(extractFieldSet(shape, object));
  const all = fieldsOf(merged);
  const pruned = asObject(removeItems(shape, merged, named(last)));
  const keep = union(fieldsOf(pruned), named(owned));
  const restored = asObject(removeItems(shape, merged, difference(all, keep)));
  const gone = difference(all, fieldsOf(restored));
  return asObject(removeItems(shape, merged, intersection(gone, named(last))));
}

/** Joins the oldest update entries of a version into `ancient-changes` until there are at most ten. */
function capUpdates(managed: ManagedFields): ManagedFields {
  const updates = [...managed].filter(([, { operation }]) => operation === "Update");
  let excess = updates.length - maxUpdateEntries;
  if (excess <= 0) return managed;
  updates.sort(([a, left], [b, right]) => secondsOf(left) - secondsOf(right) || compareBytes(a, b));
  const result = new Map(managed);
  const firstOf = new Map<string, string>();
  for (const [identity, entry] of updates) {
    if (excess <= 0) break;
    const first = firstOf.get(entry.apiVersion);
    if (first === undefined) {
      firstOf.set(entry.apiVersion, identity);
      continue;
    }
    const bucket = { manager: "ancient-changes", operation: "Update", apiVersion: entry.apiVersion } as const;
    const bucketIdentity = identityOf(bucket);
    const joined = result.get(bucketIdentity) ?? result.get(first);
    if (!result.has(bucketIdentity)) result.delete(first);
    result.delete(identity);
    const fields = union(entry.fields, joined?.fields ?? emptySet);
    result.set(bucketIdentity, { ...bucket, ...timeOf(entry), fields });
    excess -= 1;
  }
  return result;
}

function timeOf(entry: ManagedEntry | undefined): { readonly time?: string } {
  return entry?.time === undefined ? {} : { time: entry.time };
}

// A root is an object before and after; only removing everything leaves null for it.
function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
