import type { SchemaNode } from "../../src/domain/apply/schema.ts";
import { membersOf } from "../../src/domain/object/json.ts";
import type { Json, JsonObject } from "../fixtures/apply-corpus/corpus.ts";
import { isObject } from "../fixtures/apply-corpus/corpus.ts";

type Node = SchemaNode & { readonly nullable?: boolean };

/**
 * The object with structural defaults; a null where none is allowed gives way to the default.
 * Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable
 */
export function withDefaults(schema: SchemaNode, object: JsonObject): JsonObject {
  const { metadata, ...rest } = object;
  return { ...(defaulted(schema, rest) as JsonObject), ...(metadata === undefined ? {} : { metadata }) };
}

/** The object as a body is read: a null where none is allowed goes. What apply merged is not read again and keeps it. */
export function withoutNulls(schema: SchemaNode, object: JsonObject): JsonObject {
  const { metadata, ...rest } = object;
  const { kept } = mapFields(schema, rest, (node, value) => (isForbiddenNull(node, value) ? undefined : value));
  return { ...(kept as JsonObject), ...(metadata === undefined ? {} : { metadata }) };
}

/** The object with metadata as Go's ObjectMeta holds it: nothing null or empty, and text where a map of text has null. */
export function withPlainMetadata(object: JsonObject): JsonObject {
  const { metadata } = object;
  if (!isObject(metadata)) return object;
  const plain = membersOf(metadata).map(([name, value]) => [name, isObject(value) ? textsOf(value) : value] as const);
  return { ...object, metadata: Object.fromEntries(plain.filter(([, value]) => !isEmpty(value))) };
}

function textsOf(value: JsonObject): JsonObject {
  return Object.fromEntries(membersOf(value).map(([name, text]) => [name, text ?? ""]));
}

function isEmpty(value: Json): boolean {
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

/** Whether validation would refuse the object for a null where none is allowed. */
export function hasForbiddenNull(schema: SchemaNode, { metadata: _, ...rest }: JsonObject): boolean {
  return mapFields(schema, rest, (node, value) => (isForbiddenNull(node, value) ? undefined : value)).dropped > 0;
}

/** The object without fields that the schema does not declare; root and metadata are kept whole. */
export function withoutUnknown(schema: SchemaNode, object: JsonObject): JsonObject {
  const root = { ...schema, properties: { ...schema.properties, apiVersion: {}, kind: {}, metadata: keepAll } };
  return pruned(root, object, false) as JsonObject;
}

const keepAll = { "x-kubernetes-preserve-unknown-fields": true } as const;

function defaulted(schema: Node | undefined, value: Json): Json {
  if (schema === undefined) return value;
  if (Array.isArray(value)) return value.map((item: Json) => defaulted(schema.items, item));
  if (!isObject(value)) return value;
  const entries = new Map<string, Json>();
  for (const [name, inner] of membersOf(value)) {
    const node = childOf(schema, name);
    if (!isForbiddenNull(node, inner) || node?.default === undefined) entries.set(name, defaulted(node, inner));
  }
  for (const [name, node] of Object.entries(schema.properties ?? {}))
    if (!entries.has(name) && node.default !== undefined) entries.set(name, defaulted(node, node.default as Json));
  return Object.fromEntries(entries);
}

function isForbiddenNull(node: Node | undefined, value: Json): boolean {
  return value === null && node?.type !== undefined && node.nullable !== true;
}

/** Changes or drops every field of every object, from the leaves up. */
function mapFields(
  schema: Node | undefined,
  value: Json,
  change: (node: Node | undefined, value: Json) => Json | undefined,
): { readonly kept: Json; readonly dropped: number } {
  let dropped = 0;
  const inner = (node: Node | undefined, each: Json): Json => {
    const mapped = mapFields(node, each, change);
    dropped += mapped.dropped;
    return mapped.kept;
  };
  if (Array.isArray(value)) return { kept: value.map((item: Json) => inner(schema?.items, item)), dropped };
  if (!isObject(value)) return { kept: value, dropped };
  const entries = membersOf(value).flatMap(([name, each]) => {
    const node = schema === undefined ? undefined : childOf(schema, name);
    const changed = change(node, inner(node, each));
    if (changed === undefined) dropped += 1;
    return changed === undefined ? [] : [[name, changed] as const];
  });
  return { kept: Object.fromEntries(entries), dropped };
}

function pruned(schema: Node | undefined, value: Json, preserves: boolean): Json {
  const keeps = preserves || schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  if (Array.isArray(value)) return value.map((item: Json) => pruned(schema?.items, item, keeps));
  if (!isObject(value) || schema === undefined) return value;
  const kept = membersOf(value).filter(([name]) => keeps || childOf(schema, name) !== undefined);
  return Object.fromEntries(kept.map(([name, inner]) => [name, pruned(childOf(schema, name), inner, keeps)]));
}

function childOf(schema: Node, name: string): Node | undefined {
  const declared = schema.properties?.[name];
  if (declared !== undefined) return declared;
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}
