import type { ApiObject } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { at, sinceColumn, textAt, textColumn } from "../columns.ts";
import type { Column, Kind } from "../kind.ts";
import { integer, object, text, time } from "../schema.ts";

const objectReference = (description: string) =>
  object(
    description,
    {},
    {
      apiVersion: text("API version of the object."),
      kind: text("Kind of the object."),
      namespace: text("Namespace of the object."),
      name: text("Name of the object."),
      uid: text("UID of the object."),
      resourceVersion: text("The version of the object that is meant, if one is."),
      fieldPath: text("The part of the object that is meant, if one is."),
    },
    { "x-kubernetes-map-type": "atomic" },
  );

const schema = object(
  "Event is something that happened to an object, for people to read. Events have a lifetime of their own; do not build on them.",
  { involvedObject: objectReference("The object it happened to.") },
  {
    reason: text("What happened, in one CamelCase word for programs."),
    message: text("What happened, in a sentence for people."),
    type: text("Normal or Warning."),
    source: object("Who reports it.", {}, { component: text("The component that reports it."), host: text("The machine it runs on.") }),
    firstTimestamp: time("When it happened first."),
    lastTimestamp: time("When it happened last."),
    count: integer("How often it happened.", { format: "int32" }),
    eventTime: text("When it was first seen, in microseconds.", { format: "date-time" }),
    series: object(
      "What is known of an event that goes on.",
      {},
      {
        count: integer("How often it happened until lastObservedTime.", { format: "int32" }),
        lastObservedTime: time("When it happened last."),
      },
    ),
    action: text("What was done or failed."),
    related: objectReference("A second object that has to do with it."),
    reportingComponent: text("The controller that reports it, such as slipway.dev/sync."),
    reportingInstance: text("Which instance of that controller."),
  },
);

const lastSeen = (event: ApiObject) =>
  at(event, "series", "lastObservedTime") ?? at(event, "lastTimestamp") ?? at(event, "eventTime") ?? event.metadata.creationTimestamp;
const firstSeen = (event: ApiObject) => at(event, "firstTimestamp") ?? at(event, "eventTime") ?? event.metadata.creationTimestamp;
const source = (event: ApiObject) =>
  [textAt(event, "source", "component") || textAt(event, "reportingComponent"), textAt(event, "source", "host")].filter(Boolean).join(", ");
const countColumn: Column = {
  name: "Count",
  type: "string",
  description: "How often it happened.",
  priority: 1,
  cell: (event) => [at(event, "series", "count"), at(event, "count")].find((count) => typeof count === "number") ?? 1,
};

export const eventKind: Kind = {
  group: "",
  version: "v1",
  kind: "Event",
  resource: "events",
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  namespaced: true,
  description:
    "Event is something that happened to an object, for people to read. Events have a lifetime of their own; do not build on them.",
  schema,
  hasStatus: false,
  ephemeral: true,
  columns: [
    sinceColumn("Last Seen", "How long ago it happened last.", lastSeen),
    textColumn("Type", "Normal or Warning.", (event) => textAt(event, "type")),
    textColumn("Reason", "What happened, in one word.", (event) => textAt(event, "reason")),
    textColumn(
      "Object",
      "The object it happened to.",
      (event) => `${textAt(event, "involvedObject", "kind").toLowerCase()}/${textAt(event, "involvedObject", "name")}`,
    ),
    textColumn("Subobject", "The part of the object.", (event) => textAt(event, "involvedObject", "fieldPath"), 1),
    textColumn("Source", "Who reports it.", source, 1),
    textColumn("Message", "What happened, in a sentence.", (event) => textAt(event, "message").trim()),
    sinceColumn("First Seen", "How long ago it happened first.", firstSeen, 1),
    countColumn,
    textColumn("Name", "The name of the event itself.", (event) => event.metadata.name ?? "", 1),
  ],
  fields: {
    "involvedObject.kind": (event) => textAt(event, "involvedObject", "kind"),
    "involvedObject.namespace": (event) => textAt(event, "involvedObject", "namespace"),
    "involvedObject.name": (event) => textAt(event, "involvedObject", "name"),
    "involvedObject.uid": (event) => textAt(event, "involvedObject", "uid"),
    "involvedObject.apiVersion": (event) => textAt(event, "involvedObject", "apiVersion"),
    "involvedObject.resourceVersion": (event) => textAt(event, "involvedObject", "resourceVersion"),
    "involvedObject.fieldPath": (event) => textAt(event, "involvedObject", "fieldPath"),
    reason: (event) => textAt(event, "reason"),
    reportingComponent: (event) => textAt(event, "reportingComponent"),
    source: (event) => textAt(event, "source", "component") || textAt(event, "reportingComponent"),
    type: (event) => textAt(event, "type"),
  },
  validate: namespacesAgree,
};

/** An event stands in the namespace of its object; those of cluster-scoped objects stand in any, by custom in `default`. */
function namespacesAgree(event: ApiObject): readonly FieldProblem[] {
  const about = textAt(event, "involvedObject", "namespace");
  if (about === "" || event.metadata.namespace === undefined || about === event.metadata.namespace) return [];
  return [
    {
      path: "involvedObject.namespace",
      code: "invalid",
      message: `"${about}" is not the namespace of the event, "${event.metadata.namespace}"`,
      hint: "write the event into the namespace of its object",
    },
  ];
}
