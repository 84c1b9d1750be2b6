import type { Kind } from "../../api/kind.ts";
import type { JsonValue } from "../../domain/object/json.ts";
import { isBuiltIn } from "../admission/kind-rules.ts";
import type { Body } from "../verbs/ask.ts";
import { badRequest, unsupportedMediaType } from "../verbs/refuse.ts";
import { checkTree, readJson } from "./read-json.ts";
import { mediaTypeOf, type ApiRequest } from "./request.ts";

/** Reads YAML of one document; the library belongs to the one who hands this in. Problems say where, in one sentence. */
export type ParseYaml = (
  text: string,
) => { readonly value: JsonValue; readonly duplicates?: readonly string[] } | { readonly problem: string };

/** Reads the protobuf form of built-in kinds, envelope included. Throws ApiFailure 400. */
export type ReadProtobuf = (bytes: Uint8Array) => JsonValue;

export interface BodyReaders {
  readonly parseYaml: ParseYaml;
  readonly readProtobuf: ReadProtobuf;
}

const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** The object of a POST or PUT. Without a content type it counts as JSON, as on the API server. Throws ApiFailure 400, 415. */
export function readObjectBody(readers: BodyReaders, kind: Pick<Kind, "group">, request: ApiRequest): Body {
  const bytes = request.body ?? new Uint8Array();
  switch (mediaTypeOf(request.headers)) {
    case "":
    case "application/json":
      return readJson(bytes);
    case "application/yaml":
      return readYaml(readers, bytes);
    case PROTOBUF:
      if (isBuiltIn(kind)) return readMessage(readers, bytes);
  }
  throw unsupportedMediaType(["application/json", "application/yaml", ...(isBuiltIn(kind) ? [PROTOBUF] : [])]);
}

const OPEN_BRACE = 0x7b;

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false; // YAML's own way to write a map in braces, or nothing at all: the YAML reader tells
  }
}

function readMessage(readers: BodyReaders, bytes: Uint8Array): Body {
  const value = readers.readProtobuf(bytes);
  checkTree(value);
  return { value, duplicates: [] };
}

/** The options of a DELETE: there may be none, and clients of Go send them as protobuf for every kind. */
export function readOptionsBody(readers: BodyReaders, request: ApiRequest): JsonValue | undefined {
  if (request.body === undefined || request.body.length === 0) return undefined;
  return readObjectBody(readers, { group: "" }, request).value;
}

/** YAML, of which JSON is a part; most clients send that, and it is read many times faster. Throws ApiFailure 400. */
export function readYaml(readers: BodyReaders, bytes: Uint8Array): Body {
  if (bytes[0] === OPEN_BRACE && isJson(bytes)) return readJson(bytes);
  const read = readers.parseYaml(new TextDecoder().decode(bytes));
  if ("problem" in read) throw badRequest(`error decoding YAML: ${read.problem}`);
  checkTree(read.value);
  return { value: read.value, duplicates: read.duplicates ?? [] };
}
