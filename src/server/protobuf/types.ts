import protobuf from "protobufjs/light.js";
import { MESSAGES, type FieldShape, type MessageName } from "./messages.ts";

/** The messages as protobufjs knows them, with the runtime envelope. Made once; costs a few milliseconds. */
export function protobufTypes(): protobuf.Root {
  const names = Object.keys(MESSAGES) as readonly MessageName[]; // the record has exactly these
  const own = names.map((name) => [name, { fields: fieldsOf(name) }] as const);
  // proto2, as the published files are: a zero or false that was sent is told from one that was not.
  const nested = Object.fromEntries([...own, ...Object.entries(HELPERS)].map(([name, type]) => [name, { ...type, edition: "proto2" }]));
  return protobuf.Root.fromJSON({ nested });
}

// k8s.io/apimachinery/pkg/runtime and pkg/apis/meta/v1, generated.proto of Kubernetes 1.36
const HELPERS = {
  Unknown: {
    fields: {
      typeMeta: { id: 1, type: "TypeMeta" },
      raw: { id: 2, type: "bytes" },
      contentEncoding: { id: 3, type: "string" },
      contentType: { id: 4, type: "string" },
    },
  },
  TypeMeta: { fields: { apiVersion: { id: 1, type: "string" }, kind: { id: 2, type: "string" } } },
  Time: { fields: { seconds: { id: 1, type: "int64" }, nanos: { id: 2, type: "int32" } } },
  FieldSet: { fields: { raw: { id: 1, type: "bytes" } } },
  Texts: { fields: { items: { id: 1, type: "string", rule: "repeated" } } },
};

function fieldsOf(name: MessageName): Record<string, protobuf.IField | protobuf.IMapField> {
  return Object.fromEntries(Object.entries(MESSAGES[name]).map(([field, [id, shape]]) => [field, { id, ...wireType(shape) }]));
}

function wireType(shape: FieldShape): Omit<protobuf.IField, "id"> | Omit<protobuf.IMapField, "id"> {
  if (typeof shape !== "string") return { type: shape.of, ...(shape.isList ? { rule: "repeated" } : {}) };
  switch (shape) {
    case "text":
    case "keptText":
      return { type: "string" };
    case "texts":
      return { type: "string", rule: "repeated" };
    case "count":
    case "keptCount":
      return { type: "int64" };
    case "flag":
    case "keptFlag":
      return { type: "bool" };
    case "time":
    case "microTime":
      return { type: "Time" };
    case "fieldSet":
      return { type: "FieldSet" };
    case "textMap":
      return { keyType: "string", type: "string" };
    case "bytesMap":
      return { keyType: "string", type: "bytes" };
    case "textsMap":
      return { keyType: "string", type: "Texts" };
  }
}
