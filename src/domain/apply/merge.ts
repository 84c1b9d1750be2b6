import { groupByIdentity, identifyAll, type IdentifiedItem } from "./list-item.ts";
import { deduce, fieldShape, partOf, type ListShape, type MapShape, type Shape } from "./shape.ts";
import { isJsonList, isJsonObject, member, setMember, type JsonValue } from "../object/json.ts";

/**
 * Lays a partial value over a live one: what both have is the partial value's, nothing is removed, lists keep the
 * live order until the partial value asks for another. `undefined` means that nothing is left.
 * Source: structured-merge-diff/v6 typed, `Merge`.
 */
export function mergeTyped(shape: Shape, live: JsonValue | undefined, partial: JsonValue | undefined): JsonValue | undefined {
  if (live === undefined || partial === undefined) return partial === undefined ? live : partial;
  const fitting = deduce(shape, partial);
  switch (partOf(fitting)) {
    case "map":
      return fitting.map === undefined ? undefined : mergeMaps(fitting.map, live, partial);
    case "scalar":
      return partial;
    case "list":
      return fitting.list === undefined ? undefined : mergeLists(fitting.list, live, partial);
    case "none":
      return undefined;
  }
}

function mergeMaps(map: MapShape, live: JsonValue, partial: JsonValue): JsonValue | undefined {
  const left = isJsonObject(live) ? live : {};
  const right = isJsonObject(partial) ? partial : {};
  const names = Object.keys(right).filter((name) => !Object.hasOwn(left, name));
  if (map.isAtomic || (names.length === 0 && Object.keys(left).length === 0)) return partial;
  const merged: Record<string, JsonValue> = {};
  for (const name of [...Object.keys(left), ...names]) {
    const value = mergeTyped(fieldShape(map, name), member(left, name), member(right, name));
    if (value !== undefined) setMember(merged, name, value);
  }
  return Object.keys(merged).length === 0 ? undefined : merged;
}

function mergeLists(list: ListShape, live: JsonValue, partial: JsonValue): JsonValue | undefined {
  const left = isJsonList(live) ? live : [];
  const right = isJsonList(partial) ? partial : [];
  if (list.isAtomic || (left.length === 0 && right.length === 0)) return partial;
  const merged = mergeItems(list, identifyAll(list, left), identifyAll(list, right));
  return merged.length === 0 ? undefined : merged;
}

/**
 * Live items that the partial list does not name keep their place; one that it names is the place for everything the
 * partial list has up to it, unless it stands before one that should come first: [a, b, c] with [c, n, a] gives
 * [b, c, n, a].
 */
function mergeItems(list: ListShape, live: readonly IdentifiedItem[], partial: readonly IdentifiedItem[]): readonly JsonValue[] {
  const liveItems = groupByIdentity(live);
  const named = new Set(partial.map(({ element }) => element.text));
  const merged: (JsonValue | undefined)[] = [];
  let placed = 0;
  const placeUpTo = (end: number): void => {
    for (const { element, item } of partial.slice(placed, end))
      merged.push(mergeTyped(list.item, onlyOne(liveItems.get(element.text)), item));
    placed = Math.max(placed, end);
  };
  const awaited = partial.flatMap(({ element: { text } }, index) => (liveItems.has(text) ? [{ text, index }] : []));
  let next = 0;
  for (const { element, item } of live) {
    const expected = awaited[next];
    if (!named.has(element.text)) {
      merged.push(item);
    } else if (expected === undefined) {
      // Only an item that is there twice comes here: Kubernetes then puts one more of the partial list.
      placeUpTo(placed + 1);
    } else if (expected.text === element.text) {
      placeUpTo(expected.index + 1);
      next += 1;
    }
  }
  placeUpTo(partial.length);
  return merged.filter((item) => item !== undefined);
}

/** The live item to merge with; of one that is there twice nothing is kept. */
function onlyOne(items: readonly IdentifiedItem[] | undefined): JsonValue | undefined {
  return items === undefined || items.length === 1 ? items?.[0]?.item : null;
}
