/** A value as JSON carries it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

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
  const present = (of: JsonObject) => Object.keys(of).filter((name) => of[name] !== undefined);
  const names = present(a);
  return names.length === present(b).length && names.every((name) => Object.hasOwn(b, name) && jsonEqual(a[name], b[name]));
}
