import type { Catalog } from "../api/catalog.ts";
import { apiVersionOf, type Kind } from "../api/kind.ts";
import { objectMetaSchema } from "../api/meta.ts";
import { isStored } from "../api/verbs.ts";

/** Part of a schema document, as JSON. */
export type Part = Readonly<Record<string, unknown>>;

/** How a document points to one of its schemas: both versions of OpenAPI have their own place for them. */
export type Refer = (schema: string) => Part;

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const SCHEMA = {
  objectMeta: `${META}.ObjectMeta`,
  listMeta: `${META}.ListMeta`,
  status: `${META}.Status`,
  deleteOptions: `${META}.DeleteOptions`,
  patch: `${META}.Patch`,
};

/** The name of a schema as Kubernetes and its tools write it: `io.k8s.api.core.v1.Namespace`, `dev.slipway.v1alpha1.Sync`. */
export function schemaName({ group, version, kind }: { readonly group: string; readonly version: string; readonly kind: string }): string {
  if (group === "") return `io.k8s.api.core.${version}.${kind}`;
  if (group.endsWith(".k8s.io")) return `io.k8s.api.${group.split(".")[0] ?? ""}.${version}.${kind}`;
  return `${group.split(".").reverse().join(".")}.${version}.${kind}`;
}

export const listName = (kind: Kind): string => schemaName({ ...kind, kind: `${kind.kind}List` });

/** All schemas that the paths of these kinds point to. `place` wraps a reference together with a description. */
export function schemasOf(
  catalog: Catalog,
  kinds: readonly Kind[],
  refer: Refer,
  place: (schema: string, description: string) => Part,
): Part {
  const objects = kinds.flatMap((kind) => [
    [schemaName(kind), objectSchema(kind, kind.schema, kind.description, place)] as const,
    ...(isStored(kind) ? [[listName(kind), listSchema(kind, refer, place)] as const] : []),
    ...(kind.actions ?? []).map(
      ({ body, description }) => [schemaName(body), objectSchema(body, body.schema, description, place)] as const,
    ),
  ]);
  return Object.fromEntries(
    [
      ...objects.filter(([name], at) => objects.findIndex(([other]) => other === name) === at),
      ...metaSchemas(catalog, kinds.some(isStored)),
    ].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const TYPE_META = {
  apiVersion: { type: "string", description: "The version of the schema the object is written in: GROUP/VERSION." },
  kind: { type: "string", description: "What the object is, in CamelCase." },
};

const gvk = (of: { readonly group: string; readonly version: string }, kind: string): Part => ({
  group: of.group,
  version: of.version,
  kind,
});

type Named = { readonly group: string; readonly version: string; readonly kind: string };

function objectSchema(of: Named, schema: Kind["schema"], description: string, place: (schema: string, description: string) => Part): Part {
  // a schema is JSON: this is how it is published
  const own = JSON.parse(JSON.stringify(schema)) as { readonly properties?: Part; readonly required?: readonly string[] };
  return {
    description,
    type: "object",
    ...(own.required === undefined ? {} : { required: own.required }),
    properties: { ...TYPE_META, metadata: place(SCHEMA.objectMeta, "The names, labels and so on of the object."), ...own.properties },
    "x-kubernetes-group-version-kind": [gvk(of, of.kind)],
  };
}

function listSchema(kind: Kind, refer: Refer, place: (schema: string, description: string) => Part): Part {
  return {
    description: `A list of ${kind.resource}, or one page of it.`,
    type: "object",
    required: ["items"],
    properties: {
      ...TYPE_META,
      metadata: place(SCHEMA.listMeta, "The version of the list, and where its next page begins."),
      items: { type: "array", items: refer(schemaName(kind)), description: `The ${kind.resource}.` },
    },
    "x-kubernetes-group-version-kind": [gvk(kind, `${kind.kind}List`)],
  };
}

/** What the paths of reviews do not need is left out: they are only created. */
function metaSchemas(catalog: Catalog, stored: boolean): readonly (readonly [string, Part])[] {
  const versions = [...new Map(catalog.kinds.map((kind) => [apiVersionOf(kind), kind])).values()];
  // a schema is JSON: this is how it is published
  const objectMeta = [SCHEMA.objectMeta, JSON.parse(JSON.stringify(objectMetaSchema)) as Part] as const;
  if (!stored) return [objectMeta];
  return [
    objectMeta,
    [SCHEMA.listMeta, LIST_META],
    [SCHEMA.status, { ...STATUS, "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "Status" }] }],
    [SCHEMA.deleteOptions, { ...DELETE_OPTIONS, "x-kubernetes-group-version-kind": versions.map((kind) => gvk(kind, "DeleteOptions")) }],
    [SCHEMA.patch, { description: "The body of a PATCH; its form is the content type's.", type: "object" }],
  ];
}

const string = (description: string): Part => ({ type: "string", description });
const integer = (description: string): Part => ({ type: "integer", format: "int64", description });

const LIST_META: Part = {
  description: "What the server says of a list.",
  type: "object",
  properties: {
    resourceVersion: string("The version the list shows: a watch from here misses nothing."),
    continue: string("The token for the next page; empty on the last."),
    remainingItemCount: integer("How many items are on the pages to come, where that is known."),
    selfLink: string("Not used any more."),
  },
};

const STATUS: Part = {
  description: "The answer where it is no object.",
  type: "object",
  properties: {
    ...TYPE_META,
    metadata: LIST_META,
    status: string("Success or Failure."),
    message: string("What happened, for people."),
    reason: string("What happened, in one word for programs."),
    code: { type: "integer", format: "int32", description: "The HTTP status code." },
    details: {
      type: "object",
      description: "What it is about.",
      properties: {
        name: string("The name of the object."),
        group: string("Its group."),
        kind: string("Its resource or kind."),
        uid: string("Its uid."),
        retryAfterSeconds: { type: "integer", format: "int32", description: "When to try again." },
        causes: {
          type: "array",
          "x-kubernetes-list-type": "atomic",
          description: "One by one what is wrong.",
          items: {
            type: "object",
            properties: { reason: string("What is wrong, in one word."), message: string("What is wrong."), field: string("Where.") },
          },
        },
      },
    },
  },
};

const DELETE_OPTIONS: Part = {
  description: "How to delete.",
  type: "object",
  properties: {
    ...TYPE_META,
    gracePeriodSeconds: integer("Accepted for compatibility; objects go at once, or when their finalizers are gone."),
    orphanDependents: { type: "boolean", description: "Use propagationPolicy instead." },
    propagationPolicy: string("Background (the default): what it owns is deleted afterwards. Foreground: before. Orphan: not at all."),
    dryRun: {
      type: "array",
      items: { type: "string" },
      "x-kubernetes-list-type": "atomic",
      description: "All: check everything, change nothing.",
    },
    preconditions: {
      type: "object",
      description: "Delete only if these hold.",
      properties: { uid: string("The object has this uid."), resourceVersion: string("The object has this version.") },
    },
  },
};
