import type { Json, JsonObject } from "../fixtures/apply-corpus/corpus.ts";
import { isObject } from "../fixtures/apply-corpus/corpus.ts";
import { metadataOf } from "../fixtures/apply-corpus/server.ts";

/** What kube-apiserver itself fills into a built-in object, as far as the corpus meets it; undefined for kinds it defines no such thing for. */
export const completions: Readonly<Record<string, (object: JsonObject, live: JsonObject | undefined) => JsonObject>> = {
  // Go writes a list without omitempty as null when there is none.
  Role: (object) => ({ ...object, rules: isEmptyList(object["rules"]) ? null : (object["rules"] ?? null) }),
  RoleBinding: (object) => ({
    ...object,
    ...(isObject(object["roleRef"]) ? { roleRef: { apiGroup: rbac, ...object["roleRef"] } } : {}),
    ...(Array.isArray(object["subjects"]) ? { subjects: object["subjects"].map(withApiGroup) } : {}),
  }),
  ServiceAccount: (object) => object,
  Namespace: completeNamespace,
};

const rbac = "rbac.authorization.k8s.io";

function withApiGroup(subject: Json): Json {
  const isPerson = isObject(subject) && (subject["kind"] === "User" || subject["kind"] === "Group");
  return isPerson ? { apiGroup: rbac, ...subject } : subject;
}

function completeNamespace(object: JsonObject, live: JsonObject | undefined): JsonObject {
  const { namespace: _, ...metadata } = metadataOf(object);
  const labels = { ...(isObject(metadata["labels"]) ? metadata["labels"] : {}), "kubernetes.io/metadata.name": metadata["name"] ?? null };
  return {
    ...object,
    metadata: { ...metadata, labels },
    spec: live?.["spec"] ?? { finalizers: ["kubernetes"] },
    status: live?.["status"] ?? { phase: "Active" },
  };
}

function isEmptyList(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}
