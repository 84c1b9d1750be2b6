import { jsonEqual } from "../domain/object/json.ts";
import type { Change } from "../ports/resources.ts";

/**
 * Whether anything but status and bookkeeping changed. A controller that is woken by its own status writes would never settle.
 * Objects of kinds without a generation count as changed when any field but metadata.managedFields and metadata.resourceVersion did.
 */
export function specOrMetadataChanged({ type, object, previous }: Change): boolean {
  if (type !== "modified" || previous === undefined) return true;
  const { metadata: a, status: _a, ...restA } = object;
  const { metadata: b, status: _b, ...restB } = previous;
  return !jsonEqual(restA, restB) || !jsonEqual(wanted(a), wanted(b));
}

function wanted(metadata: Change["object"]["metadata"]): Change["object"]["metadata"] {
  const { managedFields: _fields, resourceVersion: _version, generation: _generation, ...rest } = metadata;
  return rest;
}
