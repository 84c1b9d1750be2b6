import type protobuf from "protobufjs/light.js";
import type { JsonObject, JsonValue } from "../../domain/object/json.ts";
import { instant, rfc3339 } from "../../domain/units.ts";
import type { ReadProtobuf } from "../http/body.ts";
import { badRequest } from "../verbs/refuse.ts";
import { MESSAGE_OF, MESSAGES, type FieldShape, type MessageName, type MessageShape } from "./messages.ts";
import { protobufTypes } from "./types.ts";

/**
 * Reads the protobuf form in which kubectl 1.32 and client-go send built-in kinds, and gives the JSON they would have sent. Throws ApiFailure 400.
 * The envelope: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function protobufReader(): ReadProtobuf {
  let types: protobuf.Root | undefined;
  return (bytes) => {
    types ??= protobufTypes();
    return readEnvelope(types, bytes);
  };
}

const MAGIC = [0x6b, 0x38, 0x73, 0x00]; // "k8s" and a zero

function readEnvelope(types: protobuf.Root, bytes: Uint8Array): JsonValue {
  if (!MAGIC.every((byte, at) => bytes[at] === byte))
    throw badRequest("the body is no Kubernetes protobuf: it does not begin with the bytes 6b 38 73 00");
  const { typeMeta, raw, contentEncoding } = decode(types, "Unknown", bytes.subarray(MAGIC.length));
  const { apiVersion, kind } = isRecord(typeMeta) ? typeMeta : {};
  if (typeof contentEncoding === "string" && contentEncoding !== "")
    throw badRequest("the body is an encoded protobuf envelope; send it without contentEncoding");
  if (typeof apiVersion !== "string" || typeof kind !== "string")
    throw badRequest("the protobuf envelope does not say apiVersion and kind");
  const message = kind === "DeleteOptions" ? "DeleteOptions" : MESSAGE_OF[`${apiVersion} ${kind}`];
  if (message === undefined || !Object.hasOwn(MESSAGES, message))
    throw badRequest(`${apiVersion.slice(0, 100)} ${kind.slice(0, 100)} is not read as protobuf; send it as JSON`);
  const object = toJson(message, decode(types, message, raw instanceof Uint8Array ? raw : new Uint8Array()));
  return { apiVersion, kind, ...object };
}

type Decoded = Readonly<Record<string, unknown>>;

function decode(types: protobuf.Root, message: string, bytes: Uint8Array): Decoded {
  const type = types.lookupType(message);
  try {
    return type.toObject(type.decode(bytes), { longs: Number });
  } catch (cause) {
    throw badRequest(
      `the protobuf body cannot be read as ${message}: ${cause instanceof Error ? cause.message.slice(0, 200) : "it is malformed"}`,
    );
  }
}

function toJson(message: MessageName, decoded: Decoded): JsonObject {
  const members: [string, JsonValue][] = [];
  for (const [name, [, shape]] of Object.entries(MESSAGES[message])) {
    const value = Object.hasOwn(decoded, name) ? valueOf(shape, decoded[name]) : undefined;
    if (value !== undefined) members.push([name, value]);
  }
  return Object.fromEntries(members);
}

/** Undefined: left out, as Go's JSON would. */
function valueOf(shape: FieldShape, value: unknown): JsonValue | undefined {
  if (typeof shape !== "string") return shape.isList ? listOf(shape, value) : nestedOf(shape, value);
  switch (shape) {
    case "text":
      return typeof value === "string" && value !== "" ? value : undefined;
    case "keptText":
      return typeof value === "string" ? value : undefined;
    case "count":
      return typeof value === "number" && value !== 0 ? value : undefined;
    case "keptCount":
      return typeof value === "number" ? value : undefined;
    case "flag":
      return value === true ? true : undefined;
    case "keptFlag":
      return typeof value === "boolean" ? value : undefined;
    case "texts":
      return Array.isArray(value) && value.length > 0 ? value.map(String) : undefined;
    case "time":
      return timeOf(value);
    case "microTime":
      return timeOf(value)?.replace("Z", `.${String(Math.floor(nanosOf(value) / 1000)).padStart(6, "0")}Z`);
    case "textMap":
      return mapOf(value, (item) => (typeof item === "string" ? item : ""));
    case "bytesMap":
      return mapOf(value, (item) => (item instanceof Uint8Array ? Buffer.from(item).toString("base64") : ""));
    case "textsMap":
      return mapOf(value, (item) => (isRecord(item) && Array.isArray(item["items"]) ? item["items"].map(String) : []));
    case "fieldSet":
      return fieldSetOf(value);
  }
}

function listOf({ of }: MessageShape, value: unknown): JsonValue | undefined {
  return Array.isArray(value) && value.length > 0 ? value.map((item) => toJson(of, isRecord(item) ? item : {})) : undefined;
}

function nestedOf({ of, isKept }: MessageShape, value: unknown): JsonObject | undefined {
  const object = toJson(of, isRecord(value) ? value : {});
  return isKept || Object.keys(object).length > 0 ? object : undefined;
}

/** A time that was never set is an empty message. */
function timeOf(value: unknown): string | undefined {
  if (!isRecord(value) || typeof value["seconds"] !== "number" || Math.abs(value["seconds"]) > 253_402_300_799) return undefined;
  return rfc3339(instant(value["seconds"] * 1000));
}

const nanosOf = (value: unknown): number => (isRecord(value) && typeof value["nanos"] === "number" ? value["nanos"] : 0);

function mapOf(value: unknown, itemOf: (item: unknown) => JsonValue): JsonObject | undefined {
  if (!isRecord(value) || Object.keys(value).length === 0) return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, itemOf(item)]));
}

function fieldSetOf(value: unknown): JsonValue | undefined {
  const raw = isRecord(value) ? value["raw"] : undefined;
  if (!(raw instanceof Uint8Array) || raw.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(raw)) as JsonValue; // JSON.parse yields nothing but JSON values
  } catch (cause) {
    throw badRequest(`metadata.managedFields: fieldsV1 is no JSON: ${cause instanceof Error ? cause.message.slice(0, 100) : ""}`);
  }
}

const isRecord = (value: unknown): value is Decoded => typeof value === "object" && value !== null && !(value instanceof Uint8Array);
