import protobuf from "protobufjs/light.js";
import type { Part } from "./openapi-schemas.ts";

/** The media type in which client-go asks for `/openapi/v2`, and the only one it reads there (DiscoveryClient.OpenAPISchema of k8s.io/client-go 0.36). */
export const OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/** The type it is answered with: client-go refuses an "@", which is no character of a media type. The same as the API server answers. */
export const OPENAPI_V2_PROTOBUF_ANSWER = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/**
 * The definitions of an OpenAPI v2 document as the message `openapi.v2.Document`. kubectl checks a `v1 List` by it before it sends its items: everything else
 * it finds in OpenAPI v3. The paths are left out, as no reader of this form looks at them.
 * The message: https://github.com/google/gnostic-models/blob/v0.7.0/openapiv2/OpenAPIv2.proto
 */
export function openApiV2Protobuf(document: Part): Uint8Array {
  const type = types().lookupType("Document");
  return type
    .encode(type.fromObject({ swagger: document["swagger"], info: document["info"], definitions: named(document["definitions"]) }))
    .finish();
}

/** A schema of JSON as the message Schema. A constraint that this does not name stays out, which makes the check less strict and never wrong. */
function schemaOf(schema: Part): Record<string, unknown> {
  const { $ref, type, items, properties, additionalProperties, required, enum: choices } = schema;
  return {
    ...($ref === undefined ? {} : { _ref: $ref }),
    ...pick(schema, "format", "description", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
    ...(schema["default"] === undefined ? {} : { default: any(schema["default"]) }),
    ...(type === undefined ? {} : { type: { value: [type] } }),
    ...(isPart(items) ? { items: { schema: [schemaOf(items)] } } : {}),
    ...(isPart(properties) ? { properties: named(properties) } : {}),
    ...(isPart(additionalProperties) ? { additionalProperties: { schema: schemaOf(additionalProperties) } } : {}),
    ...(typeof additionalProperties === "boolean" ? { additionalProperties: { boolean: additionalProperties } } : {}),
    ...(Array.isArray(required) ? { required } : {}),
    ...(Array.isArray(choices) ? { enum: choices.map(any) } : {}),
    vendorExtension: Object.entries(schema)
      .filter(([name]) => name.startsWith("x-"))
      .map(([name, value]) => ({ name, value: any(value) })),
  };
}

const named = (schemas: unknown): Record<string, unknown> => ({
  additionalProperties: Object.entries(isPart(schemas) ? schemas : {}).map(([name, value]) => ({
    name,
    value: schemaOf(isPart(value) ? value : {}),
  })),
});

/** A value of any type is written as YAML, and JSON is YAML. */
const any = (value: unknown): Part => ({ yaml: JSON.stringify(value) });
const isPart = (value: unknown): value is Part => typeof value === "object" && value !== null && !Array.isArray(value);
const pick = (from: Part, ...names: readonly string[]): Part =>
  Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));

let made: protobuf.Root | undefined;

function types(): protobuf.Root {
  made ??= protobuf.Root.fromJSON({ nested: MESSAGES });
  return made;
}

const field = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: "repeated" });

const MESSAGES = {
  Document: { fields: { swagger: field(1, "string"), info: field(2, "Info"), definitions: field(9, "NamedSchemas") } },
  Info: { fields: { title: field(1, "string"), version: field(2, "string") } },
  // Definitions and Properties there: the same in two names
  NamedSchemas: { fields: { additionalProperties: many(1, "NamedSchema") } },
  NamedSchema: { fields: { name: field(1, "string"), value: field(2, "Schema") } },
  Any: { fields: { yaml: field(2, "string") } },
  NamedAny: { fields: { name: field(1, "string"), value: field(2, "Any") } },
  TypeItem: { fields: { value: many(1, "string") } },
  ItemsItem: { fields: { schema: many(1, "Schema") } },
  AdditionalPropertiesItem: { fields: { schema: field(1, "Schema"), boolean: field(2, "bool") } },
  Schema: {
    fields: {
      _ref: field(1, "string"),
      format: field(2, "string"),
      description: field(4, "string"),
      default: field(5, "Any"),
      maximum: field(7, "double"),
      minimum: field(9, "double"),
      maxLength: field(11, "int64"),
      minLength: field(12, "int64"),
      pattern: field(13, "string"),
      maxItems: field(14, "int64"),
      minItems: field(15, "int64"),
      required: many(19, "string"),
      enum: many(20, "Any"),
      additionalProperties: field(21, "AdditionalPropertiesItem"),
      type: field(22, "TypeItem"),
      items: field(23, "ItemsItem"),
      properties: field(25, "NamedSchemas"),
      vendorExtension: many(31, "NamedAny"),
    },
  },
};
