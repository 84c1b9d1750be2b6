import type { Catalog } from "../api/catalog.ts";
import { byPath, operationsOf, type Operation } from "./openapi-paths.ts";
import { schemasOf, type Part } from "./openapi-schemas.ts";

/**
 * `GET /openapi/v2` in JSON: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v2
 * All groups in one document.
 */
export function openApiV2(catalog: Catalog, release: string): Part {
  return {
    swagger: "2.0",
    info: { title: "Slipway", version: release },
    paths: byPath(operationsOf(catalog.kinds), operationOf),
    definitions: withoutNullable(schemasOf(catalog, catalog.kinds, refer, (schema, description) => ({ description, ...refer(schema) }))),
    securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header", description: "Bearer and a token" } },
    security: [{ BearerToken: [] }],
  };
}

const refer = (schema: string): Part => ({ $ref: `#/definitions/${schema}` });

function operationOf({ action, answer, body, description, gvk, id, method, parameters, tag }: Operation): Part {
  const schema = refer(answer);
  return {
    tags: [tag],
    description,
    operationId: id,
    schemes: ["https"],
    consumes: body?.types ?? ["*/*"],
    produces: ["application/json"],
    parameters: [
      ...parameters.map(({ name, in: place, type, description: text }) => ({
        name,
        in: place,
        type,
        description: text,
        uniqueItems: true,
        ...(place === "path" ? { required: true } : {}),
      })),
      ...(body === undefined
        ? []
        : [{ name: "body", in: "body", ...(body.required ? { required: true } : {}), schema: refer(body.schema) }]),
    ],
    responses: {
      "200": { description: "OK", schema },
      ...(method === "post" || method === "put" || method === "patch" ? { "201": { description: "Created", schema } } : {}),
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
  };
}

/** Swagger 2.0 does not know `nullable`, and a document with unknown words is refused by strict readers. */
function withoutNullable(part: Part): Part {
  return JSON.parse(
    JSON.stringify(part, (name, value: unknown) => (name === "nullable" && typeof value === "boolean" ? undefined : value)),
  ) as Part; // it came from a Part
}
