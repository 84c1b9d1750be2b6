import { addPath, startSet, type FieldSet, type FieldSetBuilder, type Path } from "./field-set.ts";
import { groupByIdentity, identifyAll, type IdentifiedItem } from "./list-item.ts";
import { fieldElement } from "./path-element.ts";
import { deduce, fieldShape, partOf, type ListShape, type MapShape, type Shape } from "./shape.ts";
import { isJsonList, isJsonObject, jsonEqual, member, type JsonValue } from "../object/json.ts";

/** How a value differs from an earlier one; no path is in two of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Compares two values of one shape, field by field. Source: structured-merge-diff/v6 typed, `Compare`. */
export function compareTyped(shape: Shape, before: JsonValue, after: JsonValue): Comparison {
  const found = { added: startSet(), modified: startSet(), removed: startSet() };
  compareAt(found, shape, { before, after }, undefined);
  return found;
}

type Found = Readonly<Record<keyof Comparison, FieldSetBuilder>>;

/** At least one of the two is there. */
interface Sides {
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

function compareAt(found: Found, shape: Shape, sides: Sides, path: Path): void {
  const before = deduce(shape, sides.before);
  const after = deduce(shape, sides.after);
  if (sides.before !== undefined && sides.after !== undefined && !isSamePart(before, after)) {
    // A value that changes from one form to another, which only free-form fields can: both forms tell what they lost and got.
    comparePart(found, before, sides, path);
    comparePart(found, after, sides, path);
    return;
  }
  if (comparePart(found, sides.after === undefined ? before : after, sides, path)) return;
  if (sides.before === undefined) addPath(found.added, path);
  else if (sides.after === undefined) addPath(found.removed, path);
}

/** Compares by the one part that decides; true when the value counts as one leaf. */
function comparePart(found: Found, shape: Shape, sides: Sides, path: Path): boolean {
  switch (partOf(shape)) {
    case "map":
      return shape.map !== undefined && compareMaps(found, shape.map, sides, path);
    case "scalar":
      return compareLeaf(found, sides, path);
    case "list":
      return shape.list !== undefined && compareLists(found, shape.list, sides, path);
    case "none":
      return false;
  }
}

function compareLeaf(found: Found, { before, after }: Sides, path: Path): true {
  if (before === undefined) addPath(found.added, path);
  else if (after === undefined) addPath(found.removed, path);
  else if (!jsonEqual(before, after)) addPath(found.modified, path);
  return true;
}

function compareMaps(found: Found, map: MapShape, sides: Sides, path: Path): boolean {
  const before = isJsonObject(sides.before) ? sides.before : {};
  const after = isJsonObject(sides.after) ? sides.after : {};
  const names = [...Object.keys(before), ...Object.keys(after).filter((name) => !Object.hasOwn(before, name))];
  // Two empty maps are a leaf, so that null and {} stay apart.
  if (map.isAtomic || names.length === 0) return compareLeaf(found, sides, path);
  for (const name of names) {
    const inner = { before: member(before, name), after: member(after, name) };
    compareAt(found, fieldShape(map, name), inner, { parent: path, element: fieldElement(name) });
  }
  return false;
}

function compareLists(found: Found, list: ListShape, sides: Sides, path: Path): boolean {
  const before = isJsonList(sides.before) ? sides.before : [];
  const after = isJsonList(sides.after) ? sides.after : [];
  if (list.isAtomic || (before.length === 0 && after.length === 0)) return compareLeaf(found, sides, path);
  const left = groupByIdentity(identifyAll(list, before));
  const right = groupByIdentity(identifyAll(list, after));
  for (const key of new Set([...left.keys(), ...right.keys()]))
    compareItems(found, list, { before: left.get(key) ?? [], after: right.get(key) ?? [] }, path);
  return false;
}

/** Compares what is there under one identity; an item that is there twice is compared as a whole. */
function compareItems(
  found: Found,
  list: ListShape,
  { before, after }: { readonly before: readonly IdentifiedItem[]; readonly after: readonly IdentifiedItem[] },
  parent: Path,
): void {
  const [first = after[0]] = before;
  if (first === undefined) return;
  const path = { parent, element: first.element };
  const left = before.map(({ item }) => item);
  const right = after.map(({ item }) => item);
  if (left.length <= 1 && right.length <= 1) return compareAt(found, list.item, { before: left[0], after: right[0] }, path);
  if (left.length >= 2 && right.length >= 2) {
    if (!jsonEqual(left, right)) addPath(found.modified, path);
    return;
  }
  if (left.length >= 2) {
    if (right[0] !== undefined) compareAt(found, list.item, { before: undefined, after: right[0] }, path);
    return addPath(found.removed, path);
  }
  if (left[0] !== undefined) compareAt(found, list.item, { before: left[0], after: undefined }, path);
  addPath(found.added, path);
}

function isSamePart(left: Shape, right: Shape): boolean {
  return left.map === right.map && left.scalar === right.scalar && left.list === right.list;
}
