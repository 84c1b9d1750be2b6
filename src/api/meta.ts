import type { TObject } from "typebox";
import { anything, choice, flag, integer, list, listMap, object, stringMap, text, time } from "./schema.ts";

/**
 * `metadata` of every kind, with what Kubernetes publishes for strategic merge and server-side apply.
 * Fields and list types: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
 */
export const objectMetaSchema: TObject = object(
  "ObjectMeta is what every stored object has: its names, its labels and what the server keeps about it.",
  {},
  {
    name: text("Name, unique among the objects of this kind in the namespace. Cannot be changed."),
    generateName: text("A prefix for a name that the server makes unique; used only where name is empty."),
    namespace: text("The namespace (project) the object is in; empty for a cluster-scoped kind. Cannot be changed."),
    uid: text("Unique in time and space. Set by the server."),
    resourceVersion: text(
      "Changes with every write, for detecting that an object changed in between. Opaque to clients; set by the server.",
    ),
    generation: integer("Counts the changes of everything but metadata and status. Set by the server.", { format: "int64" }),
    creationTimestamp: time("When the object was created. Set by the server."),
    deletionTimestamp: time("When deletion was asked for; the object goes as soon as finalizers is empty. Set by the server."),
    deletionGracePeriodSeconds: integer("Seconds until the object may be removed. Set by the server.", { format: "int64" }),
    labels: stringMap("Names and values to organise and select objects by."),
    annotations: stringMap("Names and values of any content that tools keep with the object; at most 256 KiB altogether."),
    finalizers: list(text("A qualified name."), "What has to be done, and by whom, before the object may go.", {
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
    }),
    ownerReferences: listMap(
      ownerReference(),
      ["uid"],
      "The objects this one depends on; when all of them are gone this one is deleted too.",
      {
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "uid",
      },
    ),
    managedFields: list(managedFieldsEntry(), "Who applied which fields. Kept by the server for server-side apply."),
    selfLink: text("Not used any more; always empty."),
  },
);

function ownerReference(): TObject {
  return object(
    "The owner of an object, in the same namespace or cluster-scoped.",
    {
      apiVersion: text("API version of the owner."),
      kind: text("Kind of the owner."),
      name: text("Name of the owner."),
      uid: text("UID of the owner."),
    },
    {
      controller: flag("Whether the owner is the one that manages this object; at most one is."),
      blockOwnerDeletion: flag("Whether the owner, deleted in the foreground, has to wait for this object."),
    },
    { "x-kubernetes-map-type": "atomic" },
  );
}

function managedFieldsEntry(): TObject {
  return object(
    "The fields that one manager set with one operation.",
    {},
    {
      manager: text("Who: a name that the client gave."),
      operation: choice(["Apply", "Update"], "How: Apply is server-side apply, Update everything else."),
      apiVersion: text("The version that fieldsV1 speaks of."),
      time: time("When it changed last."),
      fieldsType: text("Always FieldsV1."),
      fieldsV1: anything("The set of fields, as a tree of names beginning with f:, k: and v:."),
      subresource: text("The subresource that was written, or empty."),
    },
  );
}

/** `status.conditions` in the shape of metav1.Condition. */
export const conditionsSchema = listMap(
  object(
    "One fact about the object.",
    {
      type: text("What the fact is about, in CamelCase.", { maxLength: 316, minLength: 1 }),
      status: choice(["True", "False", "Unknown"], "Whether it holds; Unknown is an answer."),
      lastTransitionTime: time("When status changed last."),
      reason: text("Why, in one CamelCase word for programs.", { maxLength: 1024 }),
      message: text("Why, in a sentence for people.", { maxLength: 32768 }),
    },
    { observedGeneration: integer("metadata.generation the fact was found at.", { format: "int64", minimum: 0 }) },
  ),
  ["type"],
  "The facts about the object, one for each type.",
  { "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "type", maxItems: 20 },
);

/** `status.observedGeneration`. */
export const observedGeneration = integer("metadata.generation that this status speaks of; a smaller one means: not looked at yet.", {
  format: "int64",
  minimum: 0,
});
