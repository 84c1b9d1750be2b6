import type { ObjectKey } from "./api-object.ts";
import type { FieldSelector, LabelSelector } from "./selector.ts";

/** Text that every store can hold: NUL and lone surrogates, which PostgreSQL's text cannot, become U+FFFD. */
export function storableText(text: string): string {
  return isStorable(text) ? text : text.toWellFormed().replaceAll("\0", "\ufffd");
}

export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** A key that can name a stored object: a read of any other finds nothing, a write of it is invalid. */
export function isStorableKey(key: ObjectKey): boolean {
  return (
    [key.group, key.resource, key.namespace, key.name].every((part) => isStorable(part) && !part.includes("/")) &&
    key.resource !== "" &&
    key.name !== ""
  );
}

/** Names and values made storable; what is no string is left out. */
export function storableMap(map: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(map).flatMap(([name, value]) => (typeof value === "string" ? [[storableText(name), storableText(value)]] : [])),
  );
}

export interface Selectors {
  readonly labels?: LabelSelector;
  readonly fields?: FieldSelector;
}

/** The same selection in storable text, so that it matches what is stored of a hostile value. */
export function storableSelection<Q extends Selectors>(query: Q): Q {
  return {
    ...query,
    ...(query.labels === undefined ? {} : { labels: query.labels.map(storableLabel) }),
    ...(query.fields === undefined
      ? {}
      : { fields: query.fields.map((part) => ({ ...part, field: storableText(part.field), value: storableText(part.value) })) }),
  };
}

function storableLabel(requirement: LabelSelector[number]): LabelSelector[number] {
  const label = storableText(requirement.label);
  return "values" in requirement ? { ...requirement, label, values: requirement.values.map(storableText) } : { ...requirement, label };
}
