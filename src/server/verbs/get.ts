import type { StoredObject } from "../../ports/resources.ts";
import { attributesOf } from "../admission/attributes.ts";
import { notFound } from "../admission/refusals.ts";
import { keyOf, type Ask, type VerbParts } from "./ask.ts";

/** The object as it is stored. A right on a subresource is asked for as that. Throws ResourceError. */
export async function get(parts: VerbParts, ask: Ask): Promise<StoredObject> {
  const key = keyOf(ask);
  await parts.admission.authorize(ask.caller, attributesOf(ask.kind, key, "get", ask.subresource));
  const stored = await parts.resources.get(key);
  if (stored === undefined) throw notFound(key);
  return stored;
}
