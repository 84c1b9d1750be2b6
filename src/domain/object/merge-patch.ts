import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/**
 * The document after a JSON Merge Patch: members of the patch replace, `null` removes, objects merge, everything else is taken whole.
 * Source: RFC 7386, section 2. Neither argument is changed. Both must be nested less deeply than the stack allows (see json-limits in the server).
 */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const members = new Map<string, JsonValue | undefined>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, change] of Object.entries(patch)) {
    if (change === null || change === undefined) members.delete(name);
    else members.set(name, mergePatch(members.get(name), change));
  }
  return objectOf(members);
}

function objectOf(members: ReadonlyMap<string, JsonValue | undefined>): JsonObject {
  return Object.fromEntries(members);
}
