/** A value as JSON carries it; what a body or a stored row holds once parsed. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Names may be anything a client sends, `__proto__` included. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `Array.isArray` for JSON: it would make a list of `any` of a readonly list. */
export const isJsonList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

/** The object's own member, never one inherited from `Object.prototype`. */
export const member = (object: JsonObject, name: string): JsonValue | undefined => (Object.hasOwn(object, name) ? object[name] : undefined);

/** The members that are there, name and value; one that is undefined is not. */
export const membersOf = (object: JsonObject): readonly (readonly [string, JsonValue])[] =>
  Object.entries(object).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined);

/** A copy with one member set, in its old place, or left out when the value is undefined. */
export function withMember<T extends JsonObject>(object: T, name: string, value: JsonValue | undefined): T {
  const members = new Map(Object.entries(object));
  if (value === undefined) members.delete(name);
  else members.set(name, value);
  return Object.fromEntries(members) as T; // callers give a member what it may hold, and leave out only what may be absent
}

/** Sets a member of an object that is being built; plain assignment would take `__proto__` for the prototype. */
export function setMember(object: Record<string, JsonValue>, name: string, value: JsonValue): void {
  if (name === "__proto__") Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

/** Levels of nesting that an object may have: what walks over objects is recursive. */
export const MOST_LEVELS = 100;

/** Whether objects and lists are nested deeper than `limit` levels. Itself not recursive, so safe on hostile input. */
export function isDeeperThan(value: JsonValue, limit: number): boolean {
  let level = [value].filter(isContainer);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= limit) return true;
    const next: (readonly JsonValue[] | JsonObject)[] = [];
    for (const container of level) for (const inner of Object.values(container)) if (isContainer(inner)) next.push(inner);
    level = next;
  }
  return false;
}

const isContainer = (value: JsonValue | undefined): value is readonly JsonValue[] | JsonObject =>
  typeof value === "object" && value !== null;

/** Equality of meaning: the order of names does not count, the order of lists does, and an undefined member is an absent one. */
export function jsonEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && listsEqual(a, b);
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  return objectsEqual(a, b);
}

function listsEqual(a: readonly JsonValue[], b: readonly JsonValue[]): boolean {
  return a.length === b.length && a.every((item, at) => jsonEqual(item, b[at]));
}

function objectsEqual(a: JsonObject, b: JsonObject): boolean {
  let members = 0;
  for (const name of Object.keys(a)) {
    if (a[name] === undefined) continue;
    if (!jsonEqual(a[name], member(b, name))) return false;
    members++;
  }
  return members === Object.keys(b).filter((name) => b[name] !== undefined).length;
}
