import type { TSchema } from "typebox";
import type { SchemaNode } from "./schema.ts";

/**
 * A schema of the API in plain JSON Schema, for a validator that knows nothing of Kubernetes: what is `nullable` may be null, and an
 * `x-kubernetes-int-or-string` is a whole number or a text.
 * Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export const plainSchema = (schema: TSchema): TSchema =>
  // a schema is JSON through and through, and stays a schema
  JSON.parse(JSON.stringify(schema), (_name, part: unknown) => (isNode(part) ? plainNode(part) : part)) as TSchema;

const isNode = (part: unknown): part is SchemaNode => typeof part === "object" && part !== null && !Array.isArray(part);

function plainNode(node: SchemaNode): object {
  const types = node["x-kubernetes-int-or-string"] === true ? ["integer", "string"] : node.type === undefined ? [] : [node.type];
  if (types.length === 0) return node;
  if (node.nullable !== true) return types.length === 1 ? node : { ...node, type: types };
  return { ...node, type: [...types, "null"], ...(node.enum === undefined ? {} : { enum: [...node.enum, null] }) };
}
