import type { ObjectKey, StringMap } from "./api-object.ts";
import { matchesFields, matchesLabels, selectableFields } from "./selector.ts";
import type { FieldSelector, LabelSelector } from "./selector.ts";

/** What a selector can see of one state of an object. */
export interface Selectable {
  readonly labels: StringMap;
  /** Its own fields, without name and namespace. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface Selected {
  readonly namespace?: string;
  readonly labels?: LabelSelector;
  readonly fields?: FieldSelector;
}

/**
 * What one change means to somebody who watches a selection; undefined = nothing.
 * `before` and `after` are absent when the object did not, or does no longer, exist. An object that stops matching is deleted to this watcher, one that begins to is added.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function watchEventType(
  selected: Selected,
  key: ObjectKey,
  before: Selectable | undefined,
  after: Selectable | undefined,
): "added" | "modified" | "deleted" | undefined {
  if (selected.namespace !== undefined && selected.namespace !== key.namespace) return undefined;
  const matched = before !== undefined && isSelected(selected, key, before);
  const matches = after !== undefined && isSelected(selected, key, after);
  if (matches) return matched ? "modified" : "added";
  return matched ? "deleted" : undefined;
}

/** Whether one state of an object is part of a selection. */
export function isSelected(selected: Selected, key: ObjectKey, state: Selectable): boolean {
  if (selected.namespace !== undefined && selected.namespace !== key.namespace) return false;
  if (selected.labels !== undefined && !matchesLabels(selected.labels, state.labels)) return false;
  return (
    selected.fields === undefined || selected.fields.length === 0 || matchesFields(selected.fields, selectableFields(key, state.fields))
  );
}
