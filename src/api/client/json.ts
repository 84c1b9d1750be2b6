// What users of the client need to name: the CLI and the UI import the contract, never the domain itself.
export type { ApiObject, Condition } from "../../domain/object/api-object.ts";
export { isJsonObject, type JsonObject, type JsonValue } from "../../domain/object/json.ts";
export { nearestName } from "../../domain/object/names.ts";

import { isJsonObject, type JsonValue } from "../../domain/object/json.ts";
import type { ApiObject } from "../../domain/object/api-object.ts";

/** Whether this can be handled as an object of the API: apiVersion, kind and a metadata that is an object. */
export function isApiObject(value: JsonValue | undefined): value is ApiObject {
  return (
    isJsonObject(value) && typeof value["apiVersion"] === "string" && typeof value["kind"] === "string" && isJsonObject(value["metadata"])
  );
}
