import type { ObjectKey } from "../../domain/object/api-object.ts";

/** Keys travel as four arrays, so that one statement serves any number of them. Further arrays may follow inside the brackets. */
export const KEY_ARRAYS = "unnest($1::text[], $2::text[], $3::text[], $4::text[])";
/** The same, open for more. */
export const KEY_ARRAYS_AND = "unnest($1::text[], $2::text[], $3::text[], $4::text[]";

export function keyArrays(keys: readonly ObjectKey[]): unknown[] {
  return [keys.map((key) => key.group), keys.map((key) => key.resource), keys.map((key) => key.namespace), keys.map((key) => key.name)];
}
