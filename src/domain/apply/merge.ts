import { groupByIdentity, identifyAll, type IdentifiedItem } from "./list-item.ts";
import { deduce, fieldShape, partOf, type ListShape, type MapShape, type Shape } from "./shape.ts";
import { isJsonArray, isJsonObject, member, objectOf, type JsonValue } from "./value.ts";

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
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  if (map.isAtomic || names.size === 0) return partial;
  const merged = [...names].flatMap((name) => {
    const value = mergeTyped(fieldShape(map, name), member(left, name), member(right, name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return merged.length === 0 ? undefined : objectOf(merged);
}

function mergeLists(list: ListShape, live: JsonValue, partial: JsonValue): JsonValue | undefined {
  const left = isJsonArray(live) ? live : [];
  const right = isJsonArray(partial) ? partial : [];
  if (list.isAtomic || (left.length === 0 && right.length === 0)) return partial;
  const merged = mergeItems(list, identifyAll(list, left), identifyAll(list, right));
  return merged.length === 0 ? undefined : merged;
}

/**
 * The order of a merged list: live items that the partial list does not name stay before the item they stood before;
 * named ones follow the partial list. Live [a, b, c] with partial [c, a] gives [b, c, a].
 */
function mergeItems(list: ListShape, live: readonly IdentifiedItem[], partial: readonly IdentifiedItem[]): readonly JsonValue[] {
  const liveItems = groupByIdentity(live);
  const named = new Set(partial.map(({ element }) => element.text));
  const shared = partial.map(({ element }) => element.text).filter((text) => liveItems.has(text));
  const merged: (JsonValue | undefined)[] = [];
  const placed = new Set<string>();
  let [l, r, s] = [0, 0, 0];
  const place = ({ element, item }: IdentifiedItem): void => {
    placed.add(element.text);
    merged.push(mergeTyped(list.item, onlyOne(liveItems.get(element.text)), item));
    r += 1;
  };
  while (l < live.length || r < partial.length) {
    const [left, right] = [live[l], partial[r]];
    if (left !== undefined && right !== undefined) {
      if (left.element.text === right.element.text) {
        place(right);
        l += 1;
        s += 1;
        continue;
      }
      const next = shared[s];
      if (named.has(left.element.text) && next !== undefined && next !== left.element.text) {
        l += 1;
        continue;
      }
    }
    if (left !== undefined) {
      if (!named.has(left.element.text)) {
        merged.push(mergeTyped(list.item, left.item, undefined));
        l += 1;
        continue;
      }
      if (placed.has(left.element.text)) l += 1;
    }
    if (right !== undefined) {
      place(right);
      if (shared[s] === right.element.text) s += 1;
    }
  }
  return merged.filter((item) => item !== undefined);
}

/** The live item to merge with; of one that is there twice nothing is kept. */
function onlyOne(items: readonly IdentifiedItem[] | undefined): JsonValue | undefined {
  return items === undefined || items.length === 1 ? items?.[0]?.item : null;
}
