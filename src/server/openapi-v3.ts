import type { Catalog } from "../api/catalog.ts";
import { apiVersionOf, type Kind } from "../api/kind.ts";
import { documentOf, type Document } from "./document.ts";
import { byPath, operationsOf, type Operation } from "./openapi-paths.ts";
import { schemasOf, type Part } from "./openapi-schemas.ts";

/** The OpenAPI v3 documents of a catalog: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3 */
export interface OpenApiV3 {
  /** `GET /openapi/v3`: where each document is, with the hash that lets a client keep it for ever. */
  readonly index: Document;
  /** By what follows `/openapi/v3/`: `api/v1`, `apis/slipway.dev/v1alpha1`. */
  readonly documents: ReadonlyMap<string, Document>;
}

export function openApiV3(catalog: Catalog, release: string): OpenApiV3 {
  const documents = new Map(
    catalog.groups.flatMap(({ group, versions }) =>
      versions.map((version) => {
        const kinds = catalog.kinds.filter((kind) => kind.group === group && kind.version === version);
        return [pathOf(group, version), documentOf(openApiV3Of(catalog, kinds, release))] as const;
      }),
    ),
  );
  const paths = Object.fromEntries(
    [...documents].map(([path, { hash }]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]),
  );
  return { index: documentOf({ paths }), documents };
}

/** The document of the kinds of one group and version. */
export function openApiV3Of(catalog: Catalog, kinds: readonly Kind[], release: string): Part {
  return {
    openapi: "3.0.0",
    info: { title: "Slipway", version: release },
    paths: byPath(operationsOf(kinds), operationOf),
    components: {
      schemas: schemasOf(catalog, kinds, refer, (schema, description) => ({ description, allOf: [refer(schema)] })),
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header", description: "Bearer and a token" } },
    },
    security: [{ BearerToken: [] }],
  };
}

const pathOf = (group: string, version: string): string => (group === "" ? `api/${version}` : `apis/${apiVersionOf({ group, version })}`);
const refer = (schema: string): Part => ({ $ref: `#/components/schemas/${schema}` });

function operationOf({ action, answer, body, description, gvk, id, method, parameters, tag }: Operation): Part {
  const json = { "application/json": { schema: refer(answer) } };
  return {
    tags: [tag],
    description,
    operationId: id,
    parameters: parameters.map(({ name, in: place, type, description: text }) => ({
      name,
      in: place,
      description: text,
      ...(place === "path" ? { required: true } : {}),
      schema: { type, uniqueItems: true },
    })),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: Object.fromEntries(body.types.map((type) => [type, { schema: refer(body.schema) }])),
            ...(body.required ? { required: true } : {}),
          },
        }),
    responses: {
      "200": { description: "OK", content: json },
      ...(method === "post" || method === "put" || method === "patch" ? { "201": { description: "Created", content: json } } : {}),
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
  };
}
