import { applyPatch, type Operation } from "rfc6902";
import { isJsonList, type JsonObject, type JsonValue } from "../../domain/object/json.ts";
import { isJsonObject, jsonEqual } from "../../domain/object/json.ts";
import { badRequest } from "./refuse.ts";
import { ApiFailure } from "../../api/status.ts";

// As the API server (maxJSONPatchOperations).
const MOST_OPERATIONS = 10_000;
// As the API server (AccumulatedCopySizeLimit): each copy can double the object.
const MOST_COPIED = 3 * 1024 * 1024;
const OPS = ["add", "remove", "replace", "move", "copy", "test"];

/**
 * The object after a JSON Patch (RFC 6902). All operations or none. Throws ApiFailure: 400 for what is no patch, 413 for too many operations,
 * PatchMisfit (a 422) where an operation does not fit the object; the message names the operation by its number.
 */
export function jsonPatched(target: JsonObject, patch: JsonValue): JsonValue {
  if (!isJsonList(patch)) throw badRequest("a JSON patch is a list of operations");
  if (patch.length > MOST_OPERATIONS)
    throw new ApiFailure({
      error: "requestEntityTooLarge",
      message: `The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${patch.length}`,
    });
  // Without prototypes every name is a plain member, whatever it is called.
  const document = { root: withoutPrototypes(target) };
  let copied = 0;
  for (const [at, operation] of patch.entries()) {
    copied += applyOne(document, operation, at, MOST_COPIED - copied);
  }
  return withPrototypes(document.root);
}

/** An operation that does not fit the object. */
export class PatchMisfit extends Error {
  override readonly name = "PatchMisfit";
}

/** Returns how many characters of JSON it copied. */
function applyOne(document: { root: JsonValue }, operation: JsonValue, at: number, mayCopy: number): number {
  const named = checkedOperation(document.root, operation, at);
  if (named.op === "test") {
    // The library makes a text of both values for its message, which fails on objects without a prototype.
    if (jsonEqual(valueAt(document.root, named.path), memberAt(operation, "value"))) return 0;
    throw new PatchMisfit(`operation ${at} of the JSON patch (test ${named.path}): the value there is another one`);
  }
  if (named.op === "remove" && named.path === "")
    throw new PatchMisfit(`operation ${at} of the JSON patch removes the whole object; delete it instead`);
  const copied = named.op === "copy" ? JSON.stringify(valueAt(document.root, named.from) ?? null).length : 0;
  if (copied > mayCopy)
    throw new ApiFailure({
      error: "requestEntityTooLarge",
      message: `the JSON patch copies more than ${MOST_COPIED} bytes altogether (operation ${at})`,
    });
  // One level down, so that an operation may replace the whole document.
  const prefixed: Operation = { ...named, path: `/root${named.path}`, ...("from" in named ? { from: `/root${named.from}` } : {}) };
  const [problem] = applyPatch(document, [prefixed]);
  if (problem !== null && problem !== undefined)
    throw new PatchMisfit(`operation ${at} of the JSON patch (${named.op} ${named.path}): ${problem.message}`);
  return copied;
}

function checkedOperation(root: JsonValue, operation: JsonValue, at: number): Operation {
  if (!isJsonObject(operation)) throw badRequest(`operation ${at} of the JSON patch is no object`);
  const { op, path, from, value } = operation;
  if (typeof op !== "string" || !OPS.includes(op))
    throw badRequest(`operation ${at} of the JSON patch: op must be one of ${OPS.join(", ")}`);
  checkPointer(root, path, `operation ${at} of the JSON patch: path`);
  if (op === "move" || op === "copy") checkPointer(root, from, `operation ${at} of the JSON patch: from`);
  if ((op === "add" || op === "replace" || op === "test") && value === undefined)
    throw badRequest(`operation ${at} of the JSON patch: value is missing`);
  // every member that the type names was checked above; values lose their prototypes with the rest of the document
  return (value === undefined ? operation : { ...operation, value: withoutPrototypes(value) }) as unknown as Operation;
}

/** The library walks into whatever a name finds: into a list only numbers may lead, never its methods. */
function checkPointer(root: JsonValue, pointer: JsonValue | undefined, what: string): void {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/")))
    throw badRequest(`${what} must be a JSON pointer that begins with "/"`);
  let here: JsonValue | undefined = root;
  for (const token of pointer.split("/").slice(1).map(unescaped)) {
    if (Array.isArray(here) && !/^(-|0|[1-9]\d{0,8})$/.test(token))
      throw new PatchMisfit(`${what} ${pointer}: "${token}" is no place in a list`);
    // the library does not walk into these, so that the wrong place would be changed
    if (token === "__proto__" || token === "constructor" || token === "prototype")
      throw new PatchMisfit(`${what} ${pointer}: "${token}" cannot be patched this way; use a merge patch`);
    if (!Array.isArray(here) && !isJsonObject(here)) throw new PatchMisfit(`${what} ${pointer}: there is nothing to hold "${token}"`);
    here = memberAt(here, token);
  }
}

const memberAt = (holder: JsonValue | undefined, token: string): JsonValue | undefined =>
  isJsonList(holder) ? holder[Number(token)] : isJsonObject(holder) ? holder[token] : undefined;

const valueAt = (root: JsonValue, pointer: string): JsonValue | undefined =>
  pointer.split("/").slice(1).map(unescaped).reduce<JsonValue | undefined>(memberAt, root);

const unescaped = (token: string): string => token.replaceAll("~1", "/").replaceAll("~0", "~");

function withoutPrototypes(value: JsonValue): JsonValue {
  if (isJsonList(value)) return value.map(withoutPrototypes);
  if (!isJsonObject(value)) return value;
  const copy: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>; // Object.create is typed any
  for (const [name, member] of Object.entries(value)) if (member !== undefined) copy[name] = withoutPrototypes(member);
  return copy;
}

function withPrototypes(value: JsonValue): JsonValue {
  if (isJsonList(value)) return value.map(withPrototypes);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withPrototypes(member ?? null)]));
}
