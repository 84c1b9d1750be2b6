import { isEmptySet, emptySet, type FieldSet } from "./field-set.ts";
import { identify, lacksIdentity } from "./list-item.ts";
import { deduce, fieldShape, partOf, type ListShape, type MapShape, type Shape } from "./shape.ts";
import { isJsonList, isJsonObject, membersOf, setMember, type JsonValue } from "../object/json.ts";

/**
 * The value without the fields and items whose paths are in the set. A container that loses everything becomes null,
 * as in structured-merge-diff/v6 typed, `RemoveItems`.
 */
export function removeItems(shape: Shape, value: JsonValue, paths: FieldSet): JsonValue {
  const fitting = deduce(shape, value);
  switch (partOf(fitting)) {
    case "map":
      return fitting.map === undefined ? null : removeFields(fitting.map, value, paths);
    case "scalar":
      return value;
    case "list":
      return fitting.list === undefined ? null : removeListItems(fitting.list, value, paths);
    case "none":
      return null;
  }
}

function removeFields(map: MapShape, value: JsonValue, paths: FieldSet): JsonValue {
  if (!isJsonObject(value) || map.isAtomic) return null;
  const kept: Record<string, JsonValue> = {};
  for (const [name, inner] of membersOf(value)) {
    const entry = paths.entries.get(`f:${name}`);
    if (entry?.isMember === true) continue;
    const below = entry?.below ?? emptySet;
    setMember(kept, name, isEmptySet(below) ? inner : removeItems(fieldShape(map, name), inner, below));
  }
  return Object.keys(kept).length === 0 ? null : kept;
}

function removeListItems(list: ListShape, value: JsonValue, paths: FieldSet): JsonValue {
  if (!isJsonList(value) || list.isAtomic) return null;
  const kept = value.flatMap((item): readonly JsonValue[] => {
    const element = identify(list, item);
    const entry = lacksIdentity(element) ? undefined : paths.entries.get(element.text);
    if (entry?.isMember === true) return [];
    const below = entry?.below ?? emptySet;
    return [isEmptySet(below) ? item : removeItems(list.item, item, below)];
  });
  return kept.length === 0 ? null : kept;
}
