import { compareBytes } from "../object/byte-order.ts";
import { isJsonObject, membersOf, type JsonValue } from "../object/json.ts";
import { kubernetesJson } from "./kubernetes-json.ts";
import { compareValues } from "./value-order.ts";

/**
 * One step of a field path. `text` is its form in `fieldsV1` and its identity: equal steps have equal text.
 * Source: sigs.k8s.io/structured-merge-diff/v6 fieldpath, "serialize-pe".
 */
export type PathElement =
  | { readonly kind: "field"; readonly text: string; readonly name: string }
  | { readonly kind: "key"; readonly text: string; readonly keys: readonly KeyField[] }
  | { readonly kind: "value"; readonly text: string; readonly value: JsonValue }
  | { readonly kind: "index"; readonly text: string; readonly index: number };

/** A key field of a list item: name and value. */
export type KeyField = readonly [name: string, value: JsonValue];

/** The field or map key of this name: `f:name`. */
export function fieldElement(name: string): PathElement {
  return { kind: "field", text: `f:${name}`, name };
}

/** The item of a map list with these key fields: `k:{"name":"x"}`. */
export function keyElement(fields: readonly KeyField[]): PathElement {
  const keys = fields.length < 2 ? fields : fields.toSorted(([left], [right]) => compareBytes(left, right));
  const members = keys.map(([name, value]) => `${kubernetesJson(name)}:${kubernetesJson(value)}`);
  return { kind: "key", text: `k:{${members.join(",")}}`, keys };
}

/** The item of a set with this value: `v:"x"`. */
export function valueElement(value: JsonValue): PathElement {
  return { kind: "value", text: `v:${kubernetesJson(value)}`, value };
}

/** The item of a list at this place: `i:0`. */
export function indexElement(index: number): PathElement {
  return { kind: "index", text: `i:${String(index)}`, index };
}

/**
 * Reads one step of `fieldsV1`. `undefined` for a kind of step that is not known: Kubernetes drops those, a later
 * version may know them. Throws a SyntaxError when the step is malformed.
 */
export function parseElement(text: string): PathElement | undefined {
  if (text.length < 2) throw new SyntaxError(`field path step ${JSON.stringify(text)} is shorter than "f:"`);
  if (text.charAt(1) !== ":") throw new SyntaxError(`missing colon: ${JSON.stringify(text)}`);
  const rest = text.slice(2);
  switch (text.charAt(0)) {
    case "f":
      return fieldElement(rest);
    case "k":
      return keyElement(parseKeys(rest));
    case "v":
      return valueElement(parseJson(rest));
    case "i":
      return indexElement(parseIndex(rest));
    default:
      return undefined;
  }
}

/** The order in which Kubernetes writes steps: fields, keys, values, indexes; each in its own order. */
export function compareElements(left: PathElement, right: PathElement): number {
  if (left.kind === "field" && right.kind === "field") return compareBytes(left.name, right.name);
  if (left.kind === "key" && right.kind === "key") return compareKeys(left.keys, right.keys);
  if (left.kind === "value" && right.kind === "value") return compareValues(left.value, right.value);
  if (left.kind === "index" && right.kind === "index") return left.index - right.index;
  return kinds.indexOf(left.kind) - kinds.indexOf(right.kind);
}

/** The step as people read it in conflicts: `.spec`, `[name="x"]`, `[="x"]`, `[0]`. */
export function describeElement(element: PathElement): string {
  switch (element.kind) {
    case "field":
      return `.${element.name}`;
    case "key": {
      const keys = element.keys.map(([name, value]) => `${name}=${describeValue(value)}`);
      return `[${keys.join(",")}]`;
    }
    case "value":
      return `[=${describeValue(element.value)}]`;
    case "index":
      return `[${String(element.index)}]`;
  }
}

/** A whole path as people read it: `.spec.containers[name="x"].image`. */
export function describePath(path: readonly PathElement[]): string {
  return path.map(describeElement).join("");
}

const kinds = ["field", "key", "value", "index"];

function compareKeys(left: readonly KeyField[], right: readonly KeyField[]): number {
  for (const [i, [name, value]] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const order = compareBytes(name, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function describeValue(value: JsonValue): string {
  if (typeof value === "number") return describeNumber(value);
  return JSON.stringify(value);
}

/** Owned numbers are float64 in Kubernetes and printed with Go's `%v`: 1000000 is `1e+06`, 100000 is `100000`. */
function describeNumber(value: number): string {
  const [digits = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function parseKeys(text: string): readonly KeyField[] {
  const keys = parseJson(text);
  if (!isJsonObject(keys)) throw new SyntaxError(`list item key k:${text} is not a JSON object`);
  return membersOf(keys);
}

function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue; // JSON.parse yields nothing but JSON values
}

function parseIndex(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new SyntaxError(`list index i:${text} is not a whole number`);
  return Number(text);
}
