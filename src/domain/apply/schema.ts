/**
 * The keywords of a Kubernetes structural schema that decide how values merge and who owns what. Any JSON Schema
 * object satisfies it; other keywords are ignored.
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export interface SchemaNode {
  /** A list of types counts as its first one that is not `null`. Absent: any value. */
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  /** Used for the keys of map lists: an item that leaves a key out has the default as its key. */
  readonly default?: unknown;
  /** Absent: `atomic`. */
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  /** Absent: `granular`. */
  readonly "x-kubernetes-map-type"?: "granular" | "atomic";
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
}

const text = { type: "string" } as const;
const time = { type: "string", format: "date-time" } as const;
const integer = { type: "integer", format: "int64" } as const;
const flag = { type: "boolean" } as const;
const textMap = { type: "object", additionalProperties: text } as const;

/**
 * `metadata` of every object (meta/v1 ObjectMeta, Kubernetes 1.36): labels and annotations are owned key by key,
 * finalizers value by value, owner references by uid with each reference as a whole.
 */
export const objectMetaSchema = {
  type: "object",
  properties: {
    annotations: textMap,
    creationTimestamp: time,
    deletionGracePeriodSeconds: integer,
    deletionTimestamp: time,
    finalizers: { type: "array", items: text, "x-kubernetes-list-type": "set" },
    generateName: text,
    generation: integer,
    labels: textMap,
    managedFields: { type: "array", items: { type: "object" }, "x-kubernetes-list-type": "atomic" },
    name: text,
    namespace: text,
    ownerReferences: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      items: {
        type: "object",
        "x-kubernetes-map-type": "atomic",
        properties: {
          apiVersion: text,
          blockOwnerDeletion: flag,
          controller: flag,
          kind: text,
          name: text,
          uid: text,
        },
      },
    },
    resourceVersion: text,
    selfLink: text,
    uid: text,
  },
} as const satisfies SchemaNode;

/** The schema with `apiVersion`, `kind` and `metadata` declared as every root and embedded object has them. */
export function asResourceSchema(schema: SchemaNode): SchemaNode {
  return {
    ...schema,
    type: "object",
    properties: { ...schema.properties, apiVersion: text, kind: text, metadata: objectMetaSchema },
  };
}
