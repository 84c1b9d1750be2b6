import { parseResourceVersion } from "../../domain/object/api-object.ts";
import type { Continuation } from "../../ports/resources.ts";
import { badRequest } from "../verbs/refuse.ts";

const FORM = "slipway/1";
const LONGEST = 2000;

/**
 * Where the next page of a list begins, opaque to clients. Not signed: it holds nothing but a version and names, and whoever makes one up
 * gets no more than the list they are allowed to see.
 */
export function continueToken({ at, namespace, name }: Continuation): string {
  return Buffer.from(JSON.stringify([FORM, String(at), namespace, name])).toString("base64url");
}

/** Throws ApiFailure 400 for anything that `continueToken` did not make. */
export function parseContinueToken(token: string): Continuation {
  const parts = token.length <= LONGEST && /^[A-Za-z0-9_-]+$/.test(token) ? listOf(Buffer.from(token, "base64url").toString("utf8")) : [];
  const [form, at, namespace, name] = parts;
  const version = at === undefined ? undefined : parseResourceVersion(at);
  if (parts.length !== 4 || form !== FORM || version === undefined || namespace === undefined || name === undefined)
    throw badRequest("continue key is not valid: it is none that this server gave; list again without continue");
  return { at: version, namespace, name };
}

function listOf(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((part) => typeof part === "string") ? value : [];
  } catch {
    return []; // what is no JSON is no token
  }
}
