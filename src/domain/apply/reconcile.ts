import {
  addPath,
  differenceWithChildren,
  isEmptySet,
  startSet,
  union,
  type FieldSet,
  type FieldSetBuilder,
  type Path,
} from "./field-set.ts";
import { nothing, partOf, type Shape } from "./shape.ts";

/**
 * The set with every declared field added that has a path of the set below it: `spec.a` also gives `spec`, but
 * `labels.a` does not give the item of a free-form map. Source: structured-merge-diff/v6, `EnsureNamedFieldsAreMembers`.
 */
export function withDeclaredParents(shape: Shape, set: FieldSet): FieldSet {
  if (set.entries.size === 0) return set;
  const entries = [...set.entries].map(([text, entry]) => {
    const { element } = entry;
    const isDeclared = element.kind === "field" && shape.map?.declares(element.name) === true;
    const isMember = entry.isMember || (isDeclared && !isEmptySet(entry.below));
    return [text, { ...entry, isMember, below: withDeclaredParents(belowOf(shape, entry.element), entry.below) }] as const;
  });
  return { entries: new Map(entries) };
}

function belowOf(shape: Shape, element: { readonly kind: string; readonly name?: string }): Shape {
  if (element.kind === "field" && element.name !== undefined) return shape.map?.field(element.name) ?? nothing;
  return element.kind === "key" ? (shape.list?.item ?? nothing) : nothing;
}

/**
 * What was owned field by field and is atomic in the schema of today is owned as a whole from now on.
 * Source: structured-merge-diff/v6 typed, `ReconcileFieldSetWithSchema`.
 */
export function reconcileWithSchema(shape: Shape, set: FieldSet): FieldSet {
  const atomic = startSet();
  collectAtomic(atomic, shape, set, false, undefined);
  return isEmptySet(atomic) ? set : union(differenceWithChildren(set, atomic), atomic);
}

function collectAtomic(atomic: FieldSetBuilder, shape: Shape, set: FieldSet, isWhole: boolean, path: Path): void {
  const part = partOf(shape);
  if (part === "scalar" || part === "none") return;
  if (part === "map" && shape.map?.isFreeForm === true) return;
  const isAtomic = part === "map" ? shape.map?.isAtomic : shape.list?.isAtomic;
  if (isAtomic === true) {
    if (!isWhole && !isEmptySet(set)) addPath(atomic, path);
    return;
  }
  for (const { element, isMember, below } of set.entries.values()) {
    const inner = part === "list" ? shape.list?.item : element.kind === "field" ? shape.map?.field(element.name) : undefined;
    if (inner === undefined) continue;
    collectAtomic(atomic, inner, below, isMember && isEmptySet(below), { parent: path, element });
  }
}
