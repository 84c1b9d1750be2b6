import fc from "fast-check";
import { apiVersionOf, type Kind } from "../../src/api/kind.ts";
import { COMMIT, DURATION, SHA256 } from "../../src/api/patterns.ts";
import { nodeOf, type SchemaNode } from "../../src/api/schema.ts";
import type { ApiObject } from "../../src/domain/object/api-object.ts";
import type { JsonValue } from "../../src/domain/object/json.ts";

/** Objects that keep the schema and the metadata rules of a kind; the kind's own rules (Kind.validate) may still refuse them. */
export const objectsOf = (kind: Kind): fc.Arbitrary<ApiObject> =>
  fc
    .record({ body: valuesOf(nodeOf(kind.schema)), metadata: metadataOf(kind) })
    .map(({ body, metadata }) => ({ apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, ...(body as object) }));

const NAMES = [
  ...["metadata", "spec", "status", "name", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "conditions", "lanes"],
  ...["rules", "subjects", "roleRef", "data", "stringData", "url", "ref", "source", "uid", "managedFields", "gitAuthors"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "", "a.b/c"],
];

/** Any JSON, with the names that have meaning in it, and the ones that have meaning in JavaScript. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.letrec<{ readonly value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    fc.constantFrom<JsonValue>(null, true, 0, -1, 1.5, 1e300, "", "name", "\u0000", "a".repeat(300)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...NAMES), tie("value")), { maxLength: 6 })
      .map((members) => Object.fromEntries(members) as JsonValue),
  ),
})).value;

const metadataOf = (kind: Kind): fc.Arbitrary<ApiObject["metadata"]> =>
  fc.record(
    {
      name: fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/),
      labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,10}$/), fc.stringMatching(/^[a-z0-9]{0,10}$/), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
      finalizers: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}\.dev\/[a-z]{1,8}$/), { maxLength: 2 }),
      ...(kind.namespaced ? { namespace: fc.constant("shop") } : {}),
    },
    { requiredKeys: kind.namespaced ? ["name", "namespace"] : ["name"], noNullPrototype: true },
  );

/** Values that keep a schema. */
function valuesOf(node: SchemaNode): fc.Arbitrary<JsonValue> {
  switch (node.type) {
    case "object":
      return node.properties === undefined ? mapsOf(node) : objectsWith(node.properties, node.required ?? []);
    case "array":
      return listsOf(node);
    case "integer":
      return integersOf(node);
    case "boolean":
      return fc.boolean();
    case "string":
      return textsOf(node);
    case undefined:
    default:
      throw new Error(`the schema has the type ${String(node.type)}, for which test/generate/api-object.ts makes no values`);
  }
}

function objectsWith(properties: Readonly<Record<string, SchemaNode>>, required: readonly string[]): fc.Arbitrary<JsonValue> {
  const members = Object.fromEntries(Object.entries(properties).map(([name, node]) => [name, valuesOf(node)]));
  return fc.record(members, { requiredKeys: [...required], noNullPrototype: true });
}

const mapsOf = (node: SchemaNode): fc.Arbitrary<JsonValue> =>
  fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), valuesOf(node.additionalProperties ?? { type: "string" }), {
    maxKeys: 3,
    noNullPrototype: true,
  });

function listsOf(node: SchemaNode): fc.Arbitrary<JsonValue> {
  const bounds = node as { readonly minItems?: number; readonly maxItems?: number };
  const keys = node["x-kubernetes-list-map-keys"];
  return fc.uniqueArray(valuesOf(node.items ?? { type: "string" }), {
    minLength: bounds.minItems ?? 0,
    maxLength: Math.min(bounds.maxItems ?? 4, 4),
    selector: (entry) =>
      JSON.stringify(keys === undefined ? entry : keys.map((key) => (entry as Readonly<Record<string, JsonValue>>)[key])),
  });
}

function integersOf(node: SchemaNode): fc.Arbitrary<JsonValue> {
  const { minimum = -1000, maximum = 2 ** 31 } = node as { readonly minimum?: number; readonly maximum?: number };
  return fc.integer({ min: minimum, max: Math.min(maximum, 2 ** 31 - 1) });
}

const PATTERNS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  [DURATION]: fc.constantFrom("30s", "1h30m", "500ms", "0.5h", "10m"),
  [COMMIT]: fc.stringMatching(/^[0-9a-f]{40}$/),
  [SHA256]: fc.stringMatching(/^[0-9a-f]{64}$/),
};

function textsOf(node: SchemaNode): fc.Arbitrary<JsonValue> {
  const {
    pattern,
    minLength = 0,
    maxLength = 30,
  } = node as { readonly pattern?: string; readonly minLength?: number; readonly maxLength?: number };
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  if (pattern !== undefined) return PATTERNS[pattern] ?? fc.stringMatching(new RegExp(pattern));
  if (node.format === "date-time")
    return fc.integer({ min: 0, max: 4e9 }).map((second) => new Date(second * 1000).toISOString().replace(".000Z", "Z"));
  if (node.format === "byte") return fc.base64String({ maxLength: 40 });
  return fc.string({ minLength, maxLength: Math.min(maxLength, Math.max(minLength, 30)) });
}
