import { unknownFields } from "../../api/shape.ts";
import { ApiFailure, unknownFieldText } from "../../api/status.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { apiVersionOf } from "../../api/kind.ts";
import type { ApiObject, ObjectMeta } from "../../domain/object/api-object.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../domain/object/json.ts";
import { isBuiltIn } from "../admission/kind-rules.ts";
import type { Ask, Body, WriteOptions } from "./ask.ts";
import { badRequest } from "./refuse.ts";

/**
 * The object in a body, after the checks that the API server makes before it looks at what is stored: it is an object of the kind of the URL,
 * in the namespace and with the name of the URL. Throws ApiFailure 400 in the API server's words.
 */
export function objectOfBody(ask: Ask, value: JsonValue): ApiObject {
  if (!isJsonObject(value))
    throw badRequest(`the body must hold one JSON object, not ${Array.isArray(value) ? "a list" : JSON.stringify(value).slice(0, 40)}`);
  const typed = withType(ask, value);
  const metadata = metadataOf(typed);
  checkNamespace(ask, metadata);
  if (ask.name !== "" && metadata.name !== undefined && metadata.name !== "" && metadata.name !== ask.name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${ask.name})`);
  return { ...typed, metadata };
}

/** What the body holds that the kind does not know: refused, told as warnings, or passed over. Throws ApiFailure 400. */
export function warningsOf(ask: Ask, object: ApiObject, body: Body, validation: WriteOptions["validation"]): readonly string[] {
  if (validation === "Ignore") return [];
  const duplicates = body.duplicates.map((path): FieldProblem => ({
    path,
    code: "duplicate",
    message: `duplicate field ${JSON.stringify(path)}`,
  }));
  const problems = [...duplicates, ...unknownFields(ask.kind, object)];
  if (problems.length === 0 || validation === "Warn") return problems.map(unknownFieldText);
  throw new ApiFailure({ error: "unknownFields", version: ask.kind.version, kind: ask.kind.kind, problems });
}

function withType(ask: Ask, value: JsonObject): JsonObject & Pick<ApiObject, "apiVersion" | "kind"> {
  const expected = { apiVersion: apiVersionOf(ask.kind), kind: ask.kind.kind };
  const { apiVersion, kind } = value;
  if ((kind === undefined || kind === "") && !isBuiltIn(ask.kind))
    throw badRequest(`Object 'Kind' is missing; write kind: ${expected.kind}`);
  if ((apiVersion === undefined || apiVersion === "") && !isBuiltIn(ask.kind))
    throw badRequest(`Object 'apiVersion' is missing; write apiVersion: ${expected.apiVersion}`);
  if (kind !== undefined && kind !== "" && kind !== expected.kind)
    throw badRequest(`the kind in the data (${printed(kind)}) does not match the expected kind (${expected.kind})`);
  if (apiVersion !== undefined && apiVersion !== "" && apiVersion !== expected.apiVersion)
    throw badRequest(
      `the API version in the data (${printed(apiVersion)}) does not match the expected API version (${expected.apiVersion})`,
    );
  return { ...value, ...expected };
}

/** Only the shape that the server itself relies on; the rest is checked with the object. */
function metadataOf(value: JsonObject): ObjectMeta {
  const metadata = value["metadata"] ?? {};
  if (!isJsonObject(metadata)) throw badRequest("metadata must be an object");
  const known = Object.entries(metadata)
    .filter(([, member]) => member !== null)
    .map(([name, member]): [string, JsonValue | undefined] => [name, TEXT_MAPS.has(name) ? withoutNulls(member) : member]);
  for (const [name, member] of known) {
    const isRight = METADATA_SHAPES.get(name);
    if (isRight !== undefined && !isRight(member))
      throw badRequest(`json: cannot unmarshal metadata.${name}: ${printed(member)} does not fit`);
  }
  return Object.fromEntries(known);
}

const TEXT_MAPS = new Set(["labels", "annotations"]);

/** Go reads a null as the empty text. */
function withoutNulls(value: JsonValue | undefined): JsonValue | undefined {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, member ?? ""])) : value;
}

const isText = (value: JsonValue | undefined): boolean => typeof value === "string";
const isCount = (value: JsonValue | undefined): boolean => Number.isSafeInteger(value);
const isTextMap = (value: JsonValue | undefined): boolean => isJsonObject(value) && Object.values(value).every(isText);
const isListOf =
  (holds: (value: JsonValue | undefined) => boolean) =>
  (value: JsonValue | undefined): boolean =>
    Array.isArray(value) && value.every(holds);

const METADATA_SHAPES: ReadonlyMap<string, (value: JsonValue | undefined) => boolean> = new Map([
  ...["name", "generateName", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink"].map(
    (name) => [name, isText] as const,
  ),
  ...["generation", "deletionGracePeriodSeconds"].map((name) => [name, isCount] as const),
  ["labels", isTextMap],
  ["annotations", isTextMap],
  ["finalizers", isListOf(isText)],
  ["ownerReferences", isListOf(isJsonObject)],
  ["managedFields", isListOf(isJsonObject)],
]);

function checkNamespace(ask: Ask, metadata: ObjectMeta): void {
  const given = metadata.namespace ?? "";
  if (given === "" || given === ask.namespace || !ask.kind.namespaced) return;
  throw badRequest(`the namespace of the provided object does not match the namespace sent on the request (${given}, ${ask.namespace})`);
}

const printed = (value: JsonValue | undefined): string => (typeof value === "string" ? value : JSON.stringify(value ?? null)).slice(0, 100);
