import { MOST_LEVELS, type JsonValue } from "../../domain/object/json.ts";
import { badRequest } from "../verbs/refuse.ts";
import type { Body } from "../verbs/ask.ts";
import { duplicateNames } from "./duplicate-names.ts";

/**
 * Reads a JSON body. Throws ApiFailure 400 that says where it is no JSON, and for what no object of ours can hold: nesting deeper than
 * MOST_LEVELS, or the name `__proto__`.
 */
export function readJson(bytes: Uint8Array): Body {
  const text = utf8(bytes);
  const value = parse(text);
  checkTree(value);
  return { value, duplicates: duplicateNames(text) };
}

/** The limits that every body keeps, however it was written. Not recursive, so safe on hostile input. */
export function checkTree(value: JsonValue): void {
  let level: readonly JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const containers = level.filter((item) => typeof item === "object" && item !== null);
    if (containers.length > 0 && depth >= MOST_LEVELS) throw badRequest(`the body is nested deeper than ${MOST_LEVELS} levels; flatten it`);
    const next: JsonValue[] = [];
    for (const container of containers) {
      // Assigning to this name would set a prototype somewhere on the way.
      if (!Array.isArray(container) && Object.hasOwn(container, "__proto__"))
        throw badRequest('the body holds a field called "__proto__", which is not allowed');
      for (const member of Object.values(container)) next.push(member as JsonValue); // members of JSON are JSON
    }
    level = next;
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badRequest(`the body is not UTF-8 text: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function parse(text: string): JsonValue {
  if (text.trim() === "") throw badRequest("couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)");
  try {
    return JSON.parse(text) as JsonValue; // JSON.parse yields nothing but JSON values
  } catch (cause) {
    // The message quotes a part of the body, which may be a secret: only the place is told on.
    throw badRequest(`json parse error: ${placeOf(cause instanceof Error ? cause.message : "", text)}`);
  }
}

/** V8 ends its sentence with the place, except where the text ends too early. */
function placeOf(message: string, text: string): string {
  const at = /at position (\d+)/.exec(message)?.[1];
  if (at === undefined) return /end of JSON|Unterminated/.test(message) ? "unexpected end of JSON input" : "the body is no JSON";
  const before = text.slice(0, Number(at));
  const line = before.split("\n").length;
  return `unexpected character at line ${line}, column ${Number(at) - before.lastIndexOf("\n")} (position ${at})`;
}
