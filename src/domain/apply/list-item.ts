import { keyElement, valueElement, type KeyField, type PathElement } from "./path-element.ts";
import type { ListShape } from "./shape.ts";
import { isJsonList, isJsonObject, member, type JsonObject, type JsonValue } from "../object/json.ts";

/** Why a list item has no identity, in Kubernetes' words. */
export interface NoIdentity {
  readonly problem: string;
}

/** The step that identifies an item of a set or map list; items without identity are an error in what people send. */
export function identify(list: ListShape, item: JsonValue): PathElement | NoIdentity {
  return list.keys.length > 0 ? identifyByKeys(list, item) : identifyByValue(item);
}

/** Whether `identify` found no identity. */
export function lacksIdentity(identity: PathElement | NoIdentity): identity is NoIdentity {
  return "problem" in identity;
}

/** Items by identity, in order; items without identity are left out (the value was validated before). */
export function identifyAll(list: ListShape, items: readonly JsonValue[]): readonly IdentifiedItem[] {
  const identified: IdentifiedItem[] = [];
  for (const item of items) {
    const element = identify(list, item);
    if (!lacksIdentity(element)) identified.push({ element, item });
  }
  return identified;
}

export interface IdentifiedItem {
  readonly element: PathElement;
  readonly item: JsonValue;
}

/** All items of one identity: one, or several where a list that should have none has duplicates. */
export function groupByIdentity(items: readonly IdentifiedItem[]): ReadonlyMap<string, readonly [IdentifiedItem, ...IdentifiedItem[]]> {
  const groups = new Map<string, [IdentifiedItem, ...IdentifiedItem[]]>();
  for (const item of items) {
    const group = groups.get(item.element.text);
    if (group === undefined) groups.set(item.element.text, [item]);
    else group.push(item);
  }
  return groups;
}

function identifyByKeys(list: ListShape, item: JsonValue): PathElement | NoIdentity {
  if (item === null) return { problem: "associative list with keys may not have a null element" };
  if (!isJsonObject(item)) return { problem: "associative list with keys may not have non-map elements" };
  const keys = keysOf(list, item);
  if (keys.length > 0) return keyElement(keys);
  const names = list.keys.map((name) => JSON.stringify(name)).join(" ");
  return {
    problem: `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  };
}

// A key that is left out and has no default is no part of the identity, so {a} and {a, b} are two items.
function keysOf(list: ListShape, item: JsonObject): readonly KeyField[] {
  const keys: KeyField[] = [];
  for (const name of list.keys) {
    const value = member(item, name);
    const key = value === undefined ? list.item.map?.defaultOf(name) : value;
    if (key !== undefined) keys.push([name, key]);
  }
  return keys;
}

function identifyByValue(item: JsonValue): PathElement | NoIdentity {
  if (isJsonObject(item)) return { problem: "associative list without keys has an element that's a map type" };
  if (isJsonList(item)) return { problem: "not supported: associative list with lists as elements" };
  if (item === null) return { problem: "associative list without keys has an element that's an explicit null" };
  return valueElement(item);
}
