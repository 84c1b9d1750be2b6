/** Any JSON value, read-only: what a body or a stored row holds once parsed. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object, read-only. Keys may be anything a client sends, `__proto__` included. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** A Kubernetes-convention object (`apiVersion`, `kind`, `metadata`, …) as plain JSON; nothing about it is trusted. */
export type ApiObject = JsonObject;

/** Levels of nesting that an object may have; deeper ones are refused before any recursive walk. */
export const depthLimit = 100;

/** Whether the value is a JSON object (not null, not an array). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the value is a JSON array; `Array.isArray` does not narrow a read-only one. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The object's own member, never one inherited from `Object.prototype`. */
export function member(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An object of these entries, in this order; a `__proto__` entry becomes a plain member and sets no prototype. */
export function objectOf(entries: Iterable<readonly [string, JsonValue]>): JsonObject {
  return Object.fromEntries(entries);
}

/** Sets a member of an object that is being built; plain assignment would take `__proto__` for the prototype. */
export function setMember(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** A copy of the object with one member set, or left out when the value is undefined; its place in the order is kept. */
export function withMember(object: JsonObject, key: string, value: JsonValue | undefined): JsonObject {
  const entries = new Map(Object.entries(object));
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
  return objectOf(entries);
}

/** Whether objects and arrays are nested deeper than `limit` levels. Itself not recursive, so safe on hostile input. */
export function isDeeperThan(value: JsonValue, limit: number): boolean {
  let level = [value].filter(isContainer);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= limit) return true;
    const next: (readonly JsonValue[] | JsonObject)[] = [];
    for (const container of level) for (const inner of Object.values(container)) if (isContainer(inner)) next.push(inner);
    level = next;
  }
  return false;
}

function isContainer(value: JsonValue): value is readonly JsonValue[] | JsonObject {
  return typeof value === "object" && value !== null;
}

/** Deep equality of JSON values; the order of object members does not matter. */
export function isEqualValue(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (left === right) return true;
  if (isJsonArray(left)) return isJsonArray(right) && left.length === right.length && left.every((item, i) => isEqualValue(item, right[i]));
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && isEqualValue(left[key], right[key]));
}

/** Orders text by code point, which is the byte order of UTF-8 and so the order of Go's strings; `<` compares UTF-16 units. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i += 1) {
    if (left.charCodeAt(i) !== right.charCodeAt(i)) return (left.codePointAt(i) ?? 0) - (right.codePointAt(i) ?? 0);
  }
  return left.length - right.length;
}

/** Total order of values as structured-merge-diff's `value.Compare`: numbers, text, booleans, lists, maps, null. */
export function compareValues(left: JsonValue, right: JsonValue): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  if (isJsonArray(left) && isJsonArray(right)) return compareLists(left, right);
  if (isJsonObject(left) && isJsonObject(right)) return compareLists(flatEntries(left), flatEntries(right));
  return rank(left) - rank(right);
}

/**
 * JSON text exactly as Kubernetes writes it (Go's encoding/json and json-iterator): sorted keys, no spaces, and
 * `<`, `>`, `&`, U+2028, U+2029 and control characters as `\u` escapes.
 */
export function kubernetesJson(value: JsonValue): string {
  if (typeof value === "string") return quote(value);
  if (isJsonArray(value)) return `[${value.map(kubernetesJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort(compareText);
  return `{${keys.map((key) => `${quote(key)}:${kubernetesJson(value[key] ?? null)}`).join(",")}}`;
}

// json-iterator knows short escapes only for these three; JSON.stringify also writes \b and \f.
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

// Nothing in here is ever escaped; most names and values are like this.
const plainText = /^[\w\-./:= ]*$/;

function quote(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  const escaped = Array.from(text.toWellFormed(), escapeCharacter).join("");
  return `"${escaped}"`;
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (character < " " || "<>&\u2028\u2029".includes(character)) return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return character;
}

function compareLists(left: readonly JsonValue[], right: readonly JsonValue[]): number {
  for (const [i, item] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const order = compareValues(item, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function flatEntries(object: JsonObject): readonly JsonValue[] {
  const keys = Object.keys(object).sort(compareText);
  return keys.flatMap((key) => [key, object[key] ?? null]);
}

function rank(value: JsonValue): number {
  if (typeof value === "number") return 0;
  if (typeof value === "string") return 1;
  if (typeof value === "boolean") return 2;
  if (isJsonArray(value)) return 3;
  return value === null ? 5 : 4;
}
