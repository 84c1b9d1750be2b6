import { isJsonObject, jsonEqual, type JsonObject, type JsonValue } from "./json.ts";

/** The part of a published schema that says how lists merge; other keywords are ignored. */
export interface MergeSchema {
  readonly properties?: Readonly<Record<string, MergeSchema>>;
  readonly additionalProperties?: boolean | MergeSchema;
  readonly items?: MergeSchema;
  /** "merge" (perhaps with ",retainKeys"): merged by the key, or by value where there is none. Absent: replaced. */
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
}

/** A strategic merge patch that cannot be applied; the message names the field and what may stand there. */
export class StrategicMergeError extends Error {
  override readonly name = "StrategicMergeError";
}

/**
 * The object after a strategic merge patch. Lists are merged by key or value where the schema says so, and else replaced.
 * Directives: `$patch` (replace, delete, merge), `$deleteFromPrimitiveList/F`, `$setElementOrder/F`, `$retainKeys`.
 * `schema` is the whole object's, metadata included. Throws StrategicMergeError.
 * Source: https://github.com/kubernetes/community/blob/main/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
export function strategicMerge(target: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject {
  return mergeMap(target, patch, schema, "");
}

function mergeMap(target: JsonObject, patch: JsonObject, schema: MergeSchema | undefined, path: string): JsonObject {
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === "replace") return plain(changes);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw wrong(path, `$patch is ${JSON.stringify(directive)}; replace, delete or merge may stand there`);
  const members = new Map(Object.entries(retained === undefined ? target : retainedOnly(target, listAt(retained, `${path}.$retainKeys`))));
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined || name.startsWith("$setElementOrder/")) continue;
    if (name.startsWith("$deleteFromPrimitiveList/"))
      deleteValues(members, name.slice(name.indexOf("/") + 1), listAt(change, `${path}.${name}`));
    else setMember(members, name, mergeValue(members.get(name), change, fieldSchema(schema, name), `${path}.${name}`));
  }
  for (const name of new Set(Object.keys(changes).map((change) => change.replace(/^\$setElementOrder\//, "")))) {
    const order = changes[`$setElementOrder/${name}`] ?? changes[name];
    if (isList(order)) reorder(members, name, order, target[name], fieldSchema(schema, name));
  }
  return Object.fromEntries(members);
}

function mergeValue(
  target: JsonValue | undefined,
  change: JsonValue,
  schema: MergeSchema | undefined,
  path: string,
): JsonValue | undefined {
  if (change === null) return undefined;
  if (isJsonObject(change)) return mergeMap(isJsonObject(target) ? target : {}, change, schema, path);
  if (isList(change)) return mergeList(isList(target) ? target : [], change, schema, path);
  return change;
}

function mergeList(
  target: readonly JsonValue[],
  patch: readonly JsonValue[],
  schema: MergeSchema | undefined,
  path: string,
): readonly JsonValue[] {
  const replaces = patch.some((item) => isJsonObject(item) && item["$patch"] === "replace");
  const kept = patch.filter((item) => !(isJsonObject(item) && item["$patch"] === "replace"));
  const strategy = replaces ? "replace" : mergeKeyOf(schema);
  if (strategy === "replace") return kept.map((item) => plain(item));
  if (strategy === "set") return [...target, ...kept.filter((item, at) => !includes(target, item) && !includes(kept.slice(0, at), item))];
  return kept.reduce<readonly JsonValue[]>((list, item) => mergeItem(list, item, strategy.key, schema?.items, path), target);
}

function mergeItem(
  list: readonly JsonValue[],
  item: JsonValue,
  key: string,
  schema: MergeSchema | undefined,
  path: string,
): readonly JsonValue[] {
  const name = isJsonObject(item) ? item[key] : undefined;
  if (!isJsonObject(item) || name === undefined) throw wrong(path, `every item must have "${key}", by which this list is merged`);
  const at = list.findIndex((other) => isJsonObject(other) && jsonEqual(other[key], name));
  if (item["$patch"] === "delete") return at < 0 ? list : list.toSpliced(at, 1);
  const present = at < 0 ? undefined : list[at];
  const merged = mergeMap(isJsonObject(present) ? present : {}, item, schema, `${path}[${key}=${JSON.stringify(name)}]`);
  return at < 0 ? [...list, merged] : list.toSpliced(at, 1, merged);
}

/**
 * Items that the order names come in that order; one that the patch does not name keeps its place before those it stood before, and comes after
 * those that are new. Source: k8s.io/apimachinery/pkg/util/strategicpatch, normalizeElementOrder.
 */
function reorder(
  members: Map<string, JsonValue | undefined>,
  field: string,
  order: readonly JsonValue[],
  before: JsonValue | undefined,
  schema: MergeSchema | undefined,
): void {
  const list = members.get(field);
  const strategy = mergeKeyOf(schema);
  if (!isList(list) || strategy === "replace") return;
  const identity = (item: JsonValue): JsonValue | undefined =>
    strategy === "set" ? item : isJsonObject(item) ? item[strategy.key] : undefined;
  const wanted = order.map(identity);
  const place = (item: JsonValue): number => wanted.findIndex((other) => jsonEqual(other, identity(item)));
  const formerly = (item: JsonValue): number =>
    isList(before) ? before.findIndex((other) => jsonEqual(identity(other), identity(item))) : -1;
  const named = list.filter((item) => place(item) >= 0).sort((a, b) => place(a) - place(b));
  const others = list.filter((item) => place(item) < 0);
  const result: JsonValue[] = [];
  for (const item of named) {
    while (others[0] !== undefined && formerly(others[0]) < formerly(item)) result.push(...others.splice(0, 1));
    result.push(item);
  }
  members.set(field, [...result, ...others]);
}

function mergeKeyOf(schema: MergeSchema | undefined): "replace" | "set" | { readonly key: string } {
  if (schema?.["x-kubernetes-patch-strategy"]?.split(",").includes("merge") !== true) return "replace";
  const key = schema["x-kubernetes-patch-merge-key"];
  return key === undefined ? "set" : { key };
}

function fieldSchema(schema: MergeSchema | undefined, name: string): MergeSchema | undefined {
  const { properties, additionalProperties } = schema ?? {};
  if (properties !== undefined && Object.hasOwn(properties, name)) return properties[name];
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

function deleteValues(members: Map<string, JsonValue | undefined>, field: string, values: readonly JsonValue[]): void {
  const list = members.get(field);
  if (isList(list))
    members.set(
      field,
      list.filter((item) => !includes(values, item)),
    );
}

function retainedOnly(target: JsonObject, names: readonly JsonValue[]): JsonObject {
  return Object.fromEntries(Object.entries(target).filter(([name]) => names.includes(name)));
}

/** The value without directives, as it is stored where nothing was there to merge with. */
function plain(value: JsonObject): JsonObject;
function plain(value: JsonValue): JsonValue;
function plain(value: JsonValue): JsonValue {
  if (isList(value)) return value.filter((item) => !(isJsonObject(item) && item["$patch"] === "delete")).map((item) => plain(item));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([name, member]) => !name.startsWith("$") && member !== null && member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, plain(member ?? null)]));
}

function setMember(members: Map<string, JsonValue | undefined>, name: string, value: JsonValue | undefined): void {
  if (value === undefined) members.delete(name);
  else members.set(name, value);
}

function listAt(value: JsonValue, path: string): readonly JsonValue[] {
  if (!isList(value)) throw wrong(path, "a list must stand there");
  return value;
}

const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);
const includes = (list: readonly JsonValue[], value: JsonValue): boolean => list.some((item) => jsonEqual(item, value));
const wrong = (path: string, message: string): StrategicMergeError =>
  new StrategicMergeError(`strategic merge patch, ${path === "" ? "top level" : path.slice(1)}: ${message}`);
