// The words of JSON Schema that a custom resource may use and our kinds do.
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
const WORDS = new Set([
  ...["type", "description", "required", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"],
  ...["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "nullable"],
]);

/** A kind's schema as a custom resource definition takes it, without apiVersion, kind and metadata, which the API server adds. */
export function structuralSchema(schema: object): Record<string, unknown> {
  const structural = convert(schema);
  const {
    apiVersion: _version,
    kind: _kind,
    metadata: _metadata,
    ...properties
  } = Object(structural["properties"]) as Record<string, unknown>; // an object schema has them as an object
  return { type: "object", properties };
}

function convert(schema: unknown): Record<string, unknown> {
  const given = Object.entries(Object(schema) as Record<string, unknown>); // a schema is an object
  const kept: Record<string, unknown> = {};
  for (const [word, value] of given) {
    if (WORDS.has(word)) kept[word] = value;
    if (word === "items") kept[word] = convert(value);
    if (word === "additionalProperties" && typeof value === "object") kept[word] = convert(value);
    if (word === "properties")
      kept[word] = Object.fromEntries(
        Object.entries(Object(value) as Record<string, unknown>).map(([name, member]) => [name, convert(member)]),
      ); // names to schemas
  }
  return kept;
}
