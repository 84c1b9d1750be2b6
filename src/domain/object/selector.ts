import type { ApiObject, ObjectKey, StringMap } from "./api-object.ts";

/** All requirements must hold. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
export type LabelSelector = readonly LabelRequirement[];

export type LabelRequirement =
  | { readonly operator: "exists" | "notExists"; readonly label: string }
  /** `notIn` also holds where the label is absent. `=`, `==` and `!=` are these with one value. */
  | { readonly operator: "in" | "notIn"; readonly label: string; readonly values: readonly string[] }
  | { readonly operator: "greaterThan" | "lessThan"; readonly label: string; readonly than: number };

/** All requirements must hold. An absent field is the empty string. */
export type FieldSelector = readonly FieldRequirement[];

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "equals" | "notEquals";
  readonly value: string;
}

export function matchesLabels(selector: LabelSelector, labels: StringMap | undefined): boolean {
  return selector.every((requirement) =>
    labelHolds(requirement, labels !== undefined && Object.hasOwn(labels, requirement.label) ? labels[requirement.label] : undefined),
  );
}

export function matchesFields(selector: FieldSelector, fields: Readonly<Record<string, string>>): boolean {
  return selector.every(({ field, operator, value }) => {
    const found = Object.hasOwn(fields, field) ? fields[field] : "";
    return operator === "equals" ? found === value : found !== value;
  });
}

/** The fields every kind can be selected by, joined to those of its own. */
export function selectableFields(key: ObjectKey, own: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...own, "metadata.name": key.name, "metadata.namespace": key.namespace };
}

export const labelsOf = (object: ApiObject): StringMap => object.metadata.labels ?? {};

/** Thrown for a selector that cannot be read; the message quotes the part and says what may stand there. */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

/** Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1` as kubectl sends it. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelSelector {
  return splitOutsideBrackets(text).map(parseLabelRequirement);
}

/** Reads `metadata.name=x,status.phase!=Running`; only `=`, `==` and `!=` exist for fields. Backslash escapes `,`, `=` and itself. Throws SelectorError. */
export function parseFieldSelector(text: string): FieldSelector {
  return splitEscaped(text).map((part) => {
    const [, field, operator, value] = /^\s*([^=!\\\s]+)\s*(==|=|!=)(.*)$/s.exec(part) ?? [];
    if (field === undefined || value === undefined)
      throw new SelectorError(`"${part}" is not a field selector; write FIELD=VALUE or FIELD!=VALUE, joined by commas`);
    return { field, operator: operator === "!=" ? "notEquals" : "equals", value: value.replaceAll(/\\([\\,=])/g, "$1") };
  });
}

function labelHolds(requirement: LabelRequirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case "exists":
      return value !== undefined;
    case "notExists":
      return value === undefined;
    case "in":
      return value !== undefined && requirement.values.includes(value);
    case "notIn":
      return value === undefined || !requirement.values.includes(value);
    case "greaterThan":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > requirement.than;
    case "lessThan":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < requirement.than;
  }
}

const NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function parseLabelRequirement(part: string): LabelRequirement {
  const [, not, alone] = /^\s*(!?)\s*([^\s=!<>()]+)\s*$/.exec(part) ?? [];
  if (alone !== undefined) return { operator: not === "!" ? "notExists" : "exists", label: checkedName(alone, part) };
  const [, label, word, list] = /^\s*([^\s=!<>()]+)\s+(in|notin)\s*\(([^()]*)\)\s*$/.exec(part) ?? [];
  if (label !== undefined && list !== undefined) {
    const values = list.split(",").map((value) => checkedValue(value.trim(), part));
    return { operator: word === "in" ? "in" : "notIn", label: checkedName(label, part), values };
  }
  const [, name, sign, value] = /^\s*([^\s=!<>()]+)\s*(==|=|!=|>|<)\s*([^\s=!<>()]*)\s*$/.exec(part) ?? [];
  if (name === undefined || value === undefined)
    throw new SelectorError(
      `"${part}" is not a label selector; write LABEL, !LABEL, LABEL=VALUE, LABEL!=VALUE, LABEL in (A,B) or LABEL notin (A,B)`,
    );
  if (sign === ">" || sign === "<") {
    if (!/^-?\d{1,15}$/.test(value)) throw new SelectorError(`"${part}": after ${sign} stands a whole number, not "${value}"`);
    return { operator: sign === ">" ? "greaterThan" : "lessThan", label: checkedName(name, part), than: Number(value) };
  }
  return { operator: sign === "!=" ? "notIn" : "in", label: checkedName(name, part), values: [checkedValue(value, part)] };
}

function checkedName(name: string, part: string): string {
  if (!NAME.test(name))
    throw new SelectorError(
      `"${part}": "${name}" is no label name; letters, digits, "-", "_", "." (at most 63), optionally after a DNS prefix and "/"`,
    );
  return name;
}

function checkedValue(value: string, part: string): string {
  if (!VALUE.test(value)) throw new SelectorError(`"${part}": "${value}" is no label value; at most 63 letters, digits, "-", "_", "."`);
  return value;
}

function splitOutsideBrackets(text: string): readonly string[] {
  if (text.trim() === "") return [];
  return text.split(/,(?![^()]*\))/);
}

function splitEscaped(text: string): readonly string[] {
  if (text.trim() === "") return [];
  return text.match(/(?:\\.|[^,\\])+|\\$/gs) ?? [];
}
