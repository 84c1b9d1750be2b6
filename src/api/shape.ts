import type { ApiObject } from "../domain/object/api-object.ts";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import { isJsonList, isJsonObject, type JsonObject, type JsonValue } from "../domain/object/json.ts";
import { nearestName } from "../domain/object/names.ts";
import { capped, MOST_PROBLEMS } from "./check.ts";
import type { Kind } from "./kind.ts";
import { objectMetaSchema } from "./meta.ts";
import { fieldPath, indexPath, keyPath, quoted } from "./paths.ts";
import { nodeOf, type SchemaNode } from "./schema.ts";

/**
 * Fields the kind does not know, each with its path and the nearest known name: an error, a warning or nothing, as `fieldValidation` asks.
 * All fields below `metadata` are looked at too. Takes any JSON, in time proportional to its size, and lists at most MOST_PROBLEMS.
 */
export function unknownFields(kind: Kind, object: JsonValue): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  collectUnknown(wholeNode(kind), object, "", problems);
  return capped(problems);
}

/**
 * The object without the fields its kind does not know, and without nulls where a field may not be null: what Kubernetes stores of a custom
 * resource. `nulls: "keep"` leaves those outside metadata for the check to name, as Kubernetes does with what server-side apply merged.
 */
export function pruned<T extends JsonValue>(kind: Kind, object: T, nulls: Nulls = "drop"): T {
  // the outermost level keeps apiVersion, kind and metadata, and the type of everything known
  return prunedBy(wholeNode(kind), object, nulls) as T;
}

type Nulls = "drop" | "keep";

/**
 * The object with the defaults of the schema, those inside a default included, and then those the kind computes. A null where none may be
 * gives way to the default. What is of the wrong type is left for the check.
 * Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable
 */
export function withDefaults(kind: Kind, object: ApiObject): ApiObject {
  const filled = defaulted(nodeOf(kind.schema), object) as ApiObject; // adds fields, changes none
  return kind.defaults === undefined || !isJsonObject(filled.metadata) ? filled : kind.defaults(filled);
}

/** A body of an action, pruned and with the defaults of its schema. */
export const shapedBody = (schema: Kind["schema"], body: JsonValue): JsonValue =>
  defaulted(
    nodeOf(schema),
    prunedBy({ ...nodeOf(schema), properties: { ...TYPE_META, ...nodeOf(schema).properties } }, body, "drop") ?? null,
  ) ?? null;

const METADATA = nodeOf(objectMetaSchema);
const TYPE_META: Readonly<Record<string, SchemaNode>> = {
  apiVersion: { type: "string" },
  kind: { type: "string" },
  metadata: METADATA,
};
const whole = new WeakMap<Kind, SchemaNode>();

function wholeNode(kind: Kind): SchemaNode {
  const known = whole.get(kind);
  if (known !== undefined) return known;
  const node = nodeOf(kind.schema);
  const made: SchemaNode = { ...node, properties: { ...node.properties, ...TYPE_META } };
  whole.set(kind, made);
  return made;
}

/** Whether fields that the schema does not name belong to the value: it is a map, or kept as it comes. */
const isOpen = (node: SchemaNode): boolean => node["x-kubernetes-preserve-unknown-fields"] === true || node.properties === undefined;

function collectUnknown(node: SchemaNode, value: JsonValue | undefined, path: string, problems: FieldProblem[]): void {
  if (isJsonList(value)) {
    const { items } = node;
    if (items === undefined) return;
    for (const [index, entry] of value.entries()) collectUnknown(items, entry, indexPath(path, index), problems);
    return;
  }
  if (!isJsonObject(value)) return;
  const { properties = {}, additionalProperties } = node;
  for (const [name, member] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) collectUnknown(properties[name] ?? {}, member, fieldPath(path, name), problems);
    else if (additionalProperties !== undefined) collectUnknown(additionalProperties, member, keyPath(path, name), problems);
    else if (!isOpen(node))
      problems.push(unknownField(fieldPath(path, name), name, problems.length < MOST_PROBLEMS ? Object.keys(properties) : []));
  }
}

function unknownField(path: string, name: string, known: readonly string[]): FieldProblem {
  const nearest = nearestName(name, known);
  return {
    path,
    code: "unknownField",
    message: `unknown field ${quoted(path)}`,
    ...(nearest === undefined ? {} : { hint: `did you mean ${quoted(nearest)}?` }),
  };
}

/** undefined = leave the field out. */
function prunedBy(node: SchemaNode, value: JsonValue | undefined, nulls: Nulls): JsonValue | undefined {
  if (value === null || value === undefined) return node.nullable === true || nulls === "keep" ? value : undefined;
  if (isJsonList(value)) {
    const { items } = node;
    if (items === undefined) return value;
    // an entry that is null stays, for the check to name
    return value.map((entry) => prunedBy(items, entry, nulls) ?? null);
  }
  if (!isJsonObject(value)) return value;
  const { properties = {}, additionalProperties } = node;
  const kept = Object.entries(value).flatMap(([name, member]): (readonly [string, JsonValue])[] => {
    const of = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (of === undefined) return isOpen(node) && member !== undefined ? [[name, member]] : [];
    const inner = prunedBy(of, member, of === METADATA ? "drop" : nulls);
    return inner === undefined ? [] : [[name, inner]];
  });
  // defines members instead of assigning them: a member called __proto__ stays one
  return Object.fromEntries(kept);
}

function defaulted(node: SchemaNode, value: JsonValue | undefined): JsonValue | undefined {
  if (isJsonList(value)) {
    const { items } = node;
    if (items === undefined || !hasDefaults(items)) return value;
    return value.map((entry) => defaulted(items, entry) ?? null);
  }
  if (!isJsonObject(value) || !hasDefaults(node)) return value;
  const { properties = {}, additionalProperties } = node;
  const present = Object.entries(value).map(([name, member]): readonly [string, JsonValue | undefined] => {
    const of = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (of === undefined) return [name, member];
    return [name, member === null && of.default !== undefined && of.nullable !== true ? defaultOf(of) : defaulted(of, member)];
  });
  const missing = Object.entries(properties)
    .filter(([name, of]) => of.default !== undefined && (!Object.hasOwn(value, name) || value[name] === undefined))
    .map(([name, of]) => [name, defaultOf(of)] as const);
  const result: JsonObject = Object.fromEntries([...present, ...missing]);
  return result;
}

const defaultOf = (node: SchemaNode): JsonValue | undefined => defaulted(node, node.default as JsonValue); // a schema is JSON, so its defaults are

const withDefaultsInside = new WeakMap<SchemaNode, boolean>();

/** Whether anything below has a default: most of an object has none and need not be copied. */
function hasDefaults(node: SchemaNode): boolean {
  const known = withDefaultsInside.get(node);
  if (known !== undefined) return known;
  const inner = [...Object.values(node.properties ?? {}), ...[node.items, node.additionalProperties].filter((part) => part !== undefined)];
  const has = inner.some((part) => part.default !== undefined || hasDefaults(part));
  withDefaultsInside.set(node, has);
  return has;
}
