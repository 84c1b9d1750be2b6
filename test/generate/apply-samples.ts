import fc from "fast-check";
import type { SchemaNode } from "../../src/domain/apply/schema.ts";
import type { JsonObject, JsonValue } from "../../src/domain/object/json.ts";

/** A schema and a source of values that fit it. */
export interface Sample {
  readonly schema: SchemaNode;
  readonly value: fc.Arbitrary<JsonValue>;
}

/** Schemas of every kind of merging, at most `depth` levels deep, with their values. */
export function samples(depth: number): fc.Arbitrary<Sample> {
  if (depth === 0) return scalars;
  const inner = samples(depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: scalars },
    { weight: 3, arbitrary: structs(inner) },
    { weight: 1, arbitrary: inner.map(granularMap) },
    { weight: 1, arbitrary: structs(inner).map(atomic) },
    { weight: 1, arbitrary: inner.map(atomicList) },
    { weight: 1, arbitrary: fc.constantFrom(sets.texts, sets.numbers) },
    { weight: 3, arbitrary: structs(inner).map(mapList) },
    { weight: 1, arbitrary: fc.constant(freeForm) },
  );
}

/** A kind (its schema has a spec) and a source of its specs. */
export function kinds(): fc.Arbitrary<Sample> {
  return structs(samples(2)).map(({ schema, value }) => ({ schema: { type: "object", properties: { spec: schema } }, value }));
}

/** An object with this spec, as a client sends it. */
export function objectWith(spec: JsonValue | undefined): JsonObject {
  return {
    apiVersion: "test.dev/v1",
    kind: "Test",
    metadata: { name: "sample" },
    ...(spec === undefined ? {} : { spec }),
  };
}

const names = ["a", "b", "c/d", "__proto__"] as const;

const scalars: fc.Arbitrary<Sample> = fc.constantFrom<Sample>(
  { schema: { type: "string" }, value: fc.constantFrom("x", "y", "") },
  { schema: { type: "integer" }, value: fc.integer({ min: 0, max: 2 }) },
  { schema: { type: "boolean" }, value: fc.boolean() },
  { schema: { "x-kubernetes-int-or-string": true }, value: fc.constantFrom<JsonValue>(1, "1") },
);

// Lists that merge hold at least one item. An empty one is owned by nobody, and there Kubernetes itself is not idempotent;
// the corpus has those cases.
const sets = {
  texts: {
    schema: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    value: fc.uniqueArray(fc.constantFrom("x", "y", "<z>"), { minLength: 1, maxLength: 3 }),
  },
  numbers: {
    schema: { type: "array", items: { type: "number" }, "x-kubernetes-list-type": "set" },
    value: fc.uniqueArray(fc.constantFrom(1, 2.5, 3), { minLength: 1, maxLength: 3 }),
  },
} as const;

const freeForm: Sample = {
  schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  value: fc.dictionary(fc.constantFrom(...names), fc.constantFrom<JsonValue>("x", 1, ["x"], []), { maxKeys: 3, noNullPrototype: true }),
};

function structs(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.uniqueArray(fc.tuple(fc.constantFrom(...names), inner), { minLength: 1, maxLength: 3, selector: ([name]) => name }).map(struct);
}

function struct(fields: readonly (readonly [string, Sample])[]): Sample {
  const properties = Object.fromEntries(fields.map(([name, { schema }]) => [name, schema]));
  const some = fields.map(([name, { value }]) =>
    fc.option(
      value.map((each) => [name, each] as const),
      { nil: undefined },
    ),
  );
  return {
    schema: { type: "object", properties },
    value: fc.tuple(...some).map((entries) => Object.fromEntries(entries.filter((entry) => entry !== undefined))),
  };
}

function granularMap({ schema, value }: Sample): Sample {
  return {
    schema: { type: "object", additionalProperties: schema },
    value: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3, noNullPrototype: true }),
  };
}

function atomic({ schema, value }: Sample): Sample {
  return { schema: { ...schema, "x-kubernetes-map-type": "atomic" }, value };
}

function atomicList({ schema, value }: Sample): Sample {
  return { schema: { type: "array", items: schema }, value: fc.array(value, { maxLength: 2 }) };
}

function mapList({ schema, value }: Sample): Sample {
  const items = { ...schema, properties: { ...schema.properties, id: { type: "string" }, port: { type: "integer", default: 80 } } };
  const identity = fc.record({ id: fc.constantFrom("p", "q", "r"), port: fc.constantFrom(80, 81) }, { requiredKeys: ["id"] });
  // A struct's values are objects.
  const item = fc.tuple(value, identity).map(([fields, keys]) => ({ ...(fields as JsonObject), ...keys }));
  return {
    schema: { type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id", "port"] },
    value: fc.uniqueArray(item, { minLength: 1, maxLength: 3, selector: ({ id, port = 80 }) => JSON.stringify([id, port]) }),
  };
}
