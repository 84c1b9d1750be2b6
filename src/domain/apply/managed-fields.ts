import { formatFieldSet, parseFieldSet, type FieldSet } from "./field-set.ts";
import { compareBytes } from "../object/byte-order.ts";
import {
  isDeeperThan,
  isJsonList,
  isJsonObject,
  jsonEqual,
  member,
  membersOf,
  withMember,
  type JsonObject,
  type JsonValue,
} from "../object/json.ts";

export type Operation = "Apply" | "Update";

/** One entry of `metadata.managedFields`: who owns what, by which kind of write. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  /** RFC 3339, seconds, UTC; absent when the manager's writes never changed the object. */
  readonly time?: string;
  readonly fields: FieldSet;
  readonly subresource?: string;
}

/** Entries by `identityOf`. */
export type ManagedFields = ReadonlyMap<string, ManagedEntry>;

/** Nobody owns anything. */
export const noManagedFields: ManagedFields = new Map();

/**
 * What makes an entry one and the same: manager, operation, subresource and, for updates, the version written.
 * It is also the order of managers in conflicts. Source: apimachinery managedfields, `BuildManagerIdentifier`.
 */
export function identityOf(entry: Omit<ManagedEntry, "time" | "fields">): string {
  return JSON.stringify({
    ...(entry.manager === "" ? {} : { manager: entry.manager }),
    operation: entry.operation,
    ...(entry.operation === "Apply" ? {} : { apiVersion: entry.apiVersion }),
    ...(entry.subresource === undefined ? {} : { subresource: entry.subresource }),
  });
}

/** The entries of an object, or why they cannot be read. An object without any has none. */
export function decodeManagedFields(object: JsonObject): ManagedFields | { readonly problem: string } {
  const raw = rawManagedFields(object);
  const entries = new Map<string, ManagedEntry>();
  for (const [index, item] of raw.entries()) {
    const entry = decodeEntry(item, index);
    if ("problem" in entry) return entry;
    entries.set(identityOf(entry), entry);
  }
  return entries;
}

/** Whether `decodeManagedFields` failed. */
export function isUnreadable(decoded: ManagedFields | { readonly problem: string }): decoded is { readonly problem: string } {
  return "problem" in decoded;
}

/**
 * Whether a client asks for all ownership to be dropped: `managedFields: [{}]`. An empty list does not ask for it, so
 * that clients that know nothing of managedFields drop none (as kube-apiserver treats custom resources).
 */
export function asksForReset(object: JsonObject): boolean {
  const value = managedFieldsOf(object);
  if (!isJsonList(value)) return false;
  const [first] = value;
  return value.length === 1 && isJsonObject(first) && membersOf(first).every(([, value]) => isUnset(value));
}

/** The object with these entries, sorted and written as Kubernetes does; without any, the field is left out. */
export function encodeManagedFields(object: JsonObject, managed: ManagedFields): JsonObject {
  const entries = [...managed.values()].sort(compareEntries).map(encodeEntry);
  return withManagedFields(object, entries.length === 0 ? undefined : entries);
}

/** The object without `metadata.managedFields`. */
export function withoutManagedFields(object: JsonObject): JsonObject {
  return withManagedFields(object, undefined);
}

/**
 * The object with the times of `live`, if nothing else differs from `live`: a write that changes nothing makes no
 * new version. Call it last, after defaults and admission. Source: apiserver `IgnoreManagedFieldsTimestampsTransformer`.
 */
export function keepTimesIfUnchanged(live: JsonObject | undefined, object: JsonObject): JsonObject {
  if (live === undefined || !isJsonList(managedFieldsOf(object))) return object;
  // What was written differs more often than who owns it, and is cheaper to compare.
  const isSame = jsonEqual(withoutManagedFields(live), withoutManagedFields(object)) && jsonEqual(withoutTimes(live), withoutTimes(object));
  return isSame ? withManagedFields(object, managedFieldsOf(live)) : object;
}

/** Seconds since the epoch; entries without a time come first. */
export function secondsOf(entry: ManagedEntry): number {
  return entry.time === undefined ? 0 : Math.floor(Date.parse(entry.time) / 1000);
}

function rawManagedFields(object: JsonObject): readonly JsonObject[] {
  const value = managedFieldsOf(object);
  // As Kubernetes reads unstructured objects: what cannot be a list of entries counts as absent.
  return isJsonList(value) && value.every(isJsonObject) && value.every(isWellTyped) ? value : [];
}

function isWellTyped(entry: JsonObject): boolean {
  const texts = ["manager", "operation", "apiVersion", "time", "fieldsType", "subresource"].map((name) => member(entry, name));
  const time = textOf(entry, "time");
  return (
    texts.every((value) => value === undefined || value === null || typeof value === "string") &&
    (time === "" || !Number.isNaN(Date.parse(time)))
  );
}

function managedFieldsOf(object: JsonObject): JsonValue | undefined {
  const metadata = member(object, "metadata");
  return isJsonObject(metadata) ? member(metadata, "managedFields") : undefined;
}

function withManagedFields(object: JsonObject, value: JsonValue | undefined): JsonObject {
  const metadata = member(object, "metadata");
  if (value === undefined && !isJsonObject(metadata)) return object;
  return withMember(object, "metadata", withMember(isJsonObject(metadata) ? metadata : {}, "managedFields", value));
}

function withoutTimes(object: JsonObject): JsonObject {
  return withManagedFields(
    object,
    rawManagedFields(object).map((entry) => withMember(entry, "time", undefined)),
  );
}

function decodeEntry(entry: JsonObject, index: number): ManagedEntry | { readonly problem: string } {
  const operation = member(entry, "operation");
  if (operation !== "Apply" && operation !== "Update") return { problem: "operation must be `Apply` or `Update`" };
  const apiVersion = textOf(entry, "apiVersion");
  if (apiVersion === "") return { problem: "apiVersion must not be empty" };
  const fieldsType = textOf(entry, "fieldsType");
  if (fieldsType === "") return { problem: `missing fieldsType in managed fields entry ${String(index)}` };
  if (fieldsType !== "FieldsV1")
    return { problem: `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${String(index)}` };
  const time = textOf(entry, "time");
  const fields = decodeFields(member(entry, "fieldsV1"), index);
  if ("problem" in fields) return fields;
  const subresource = textOf(entry, "subresource");
  return {
    manager: textOf(entry, "manager"),
    operation,
    apiVersion,
    ...(time === "" ? {} : { time: time.replace(/\.\d+/, "") }),
    fields,
    ...(subresource === "" ? {} : { subresource }),
  };
}

function decodeFields(json: JsonValue | undefined, index: number): FieldSet | { readonly problem: string } {
  const raw = json ?? {};
  try {
    if (isDeeperThan(raw, 1000)) throw new SyntaxError("nested deeper than 1000 levels");
    return parseFieldSet(raw);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { problem: `error decoding fieldsV1 in managed fields entry ${String(index)}: ${why}` };
  }
}

function encodeEntry(entry: ManagedEntry): JsonObject {
  const members: readonly (readonly [string, JsonValue | undefined])[] = [
    ["manager", entry.manager === "" ? undefined : entry.manager],
    ["operation", entry.operation],
    ["apiVersion", entry.apiVersion],
    ["time", entry.time],
    ["fieldsType", "FieldsV1"],
    ["fieldsV1", formatFieldSet(entry.fields)],
    ["subresource", entry.subresource],
  ];
  return Object.fromEntries(members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

function compareEntries(left: ManagedEntry, right: ManagedEntry): number {
  return (
    compareBytes(left.operation, right.operation) ||
    secondsOf(left) - secondsOf(right) ||
    compareBytes(left.manager, right.manager) ||
    compareBytes(left.apiVersion, right.apiVersion) ||
    compareBytes(left.subresource ?? "", right.subresource ?? "")
  );
}

function textOf(entry: JsonObject, name: string): string {
  const value = member(entry, name);
  return typeof value === "string" ? value : "";
}

function isUnset(value: JsonValue): boolean {
  return value === null || value === "";
}
