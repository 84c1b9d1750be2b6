import type { JsonValue } from "../domain/object/json.ts";

/** `Array.isArray` for JSON: it would make a list of `any` of a readonly list. */
export const isJsonList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);
