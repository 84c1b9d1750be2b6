import type { ApiObject } from "../../domain/object/api-object.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { ageColumn, at, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { conditionsSchema } from "../meta.ts";
import { choice, list, object, text } from "../schema.ts";

const schema = object(
  "Namespace is a project: names, rights and quotas are its own.",
  {},
  {
    spec: object(
      "Spec is what the namespace should be.",
      {},
      {
        finalizers: list(
          text("A qualified name."),
          "What must be done before the namespace may go; changed through the finalize action only.",
        ),
      },
    ),
    status: object(
      "Status is what the namespace is.",
      {},
      {
        phase: choice(["Active", "Terminating"], "Active, or Terminating while its content is being deleted."),
        conditions: conditionsSchema,
      },
    ),
  },
);

export const namespaceKind: Kind = {
  group: "",
  version: "v1",
  kind: "Namespace",
  resource: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  namespaced: false,
  names: "label",
  description: "Namespace is a project: names, rights and quotas are its own.",
  schema,
  hasStatus: true,
  // a slip of the hand would end every project: Kubernetes has no deletecollection of namespaces either
  verbs: ["create", "get", "list", "watch", "update", "patch", "delete"],
  actions: [
    {
      name: "finalize",
      verb: "update",
      body: { group: "", version: "v1", kind: "Namespace", schema },
      description: "Replace spec.finalizers; with none left and everything in it gone, a namespace that is being deleted goes.",
    },
  ],
  columns: [textColumn("Status", "The phase: Active or Terminating.", (object) => textAt(object, "status", "phase")), ageColumn],
  fields: { "status.phase": (object) => textAt(object, "status", "phase") },
  defaults: withNamespaceDefaults,
};

/** The label every namespace carries, its phase, and the finalizer that Kubernetes gives a namespace while nobody deletes it. */
function withNamespaceDefaults(object: ApiObject): ApiObject {
  const { metadata } = object;
  const deleted = metadata.deletionTimestamp !== undefined;
  const labels = metadata.name === undefined ? metadata.labels : { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const status = isJsonObject(object.status) ? object.status : {};
  return {
    ...object,
    metadata: { ...metadata, ...(labels === undefined ? {} : { labels }) },
    spec: deleted || at(spec, "finalizers") !== undefined ? spec : { ...spec, finalizers: ["kubernetes"] },
    status: { ...status, phase: deleted ? "Terminating" : "Active" },
  };
}
