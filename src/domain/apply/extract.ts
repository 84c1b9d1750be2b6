import { addPath, startSet, type FieldSet, type FieldSetBuilder, type Path } from "./field-set.ts";
import { groupByIdentity, identifyAll } from "./list-item.ts";
import { fieldElement } from "./path-element.ts";
import { deduce, fieldShape, partOf, type ListShape, type MapShape, type Shape } from "./shape.ts";
import { isJsonList, isJsonObject, membersOf, type JsonValue } from "../object/json.ts";

/**
 * The paths that whoever applies this value owns: every leaf, every list item, every key of a free-form map, and
 * maps that are empty or null. Source: structured-merge-diff/v6 typed, `ToFieldSet`.
 */
export function extractFieldSet(shape: Shape, value: JsonValue): FieldSet {
  const set = startSet();
  extractAt(set, shape, value, undefined);
  return set;
}

function extractAt(set: FieldSetBuilder, shape: Shape, value: JsonValue, path: Path): void {
  const fitting = deduce(shape, value);
  switch (partOf(fitting)) {
    case "map":
      if (fitting.map !== undefined) extractMap(set, fitting.map, value, path);
      return;
    case "scalar":
      addPath(set, path);
      return;
    case "list":
      if (fitting.list !== undefined) extractList(set, fitting.list, value, path);
      return;
    case "none":
  }
}

function extractMap(set: FieldSetBuilder, map: MapShape, value: JsonValue, path: Path): void {
  if (map.isAtomic) return addPath(set, path);
  if (!isJsonObject(value)) return;
  for (const [name, inner] of membersOf(value)) {
    const below = { parent: path, element: fieldElement(name) };
    extractAt(set, fieldShape(map, name), inner, below);
    const isEmpty = inner === null || (isJsonObject(inner) && Object.keys(inner).length === 0);
    if (isEmpty || !map.declares(name)) addPath(set, below);
  }
}

function extractList(set: FieldSetBuilder, list: ListShape, value: JsonValue, path: Path): void {
  if (list.isAtomic) return addPath(set, path);
  if (!isJsonList(value)) return;
  // Of an item that is there twice only the item is owned, nothing inside: it is not clear which one is meant.
  for (const [first, ...more] of groupByIdentity(identifyAll(list, value)).values()) {
    const below = { parent: path, element: first.element };
    if (more.length === 0) extractAt(set, list.item, first.item, below);
    addPath(set, below);
  }
}
