import type { Intent, StoredObject, Write } from "../../ports/resources.ts";
import type { Already } from "../admitted.ts";
import type { Ask, VerbParts, WriteOptions } from "./ask.ts";

/** Commits one write through admission, in the name of who asks. Throws ResourceError, PortError. */
export async function commitOne(
  parts: VerbParts,
  { caller }: Ask,
  write: Write,
  { dryRun }: Pick<WriteOptions, "dryRun">,
  already: Already = {},
): Promise<StoredObject> {
  const [stored] = await parts.admission.commit(caller, { writes: [write], dryRun }, already);
  if (stored === undefined)
    throw new Error(`the ${write.verb} of ${write.key.resource} "${write.key.name}" was committed without an answer`);
  return stored;
}

/** What the request wants, as admission and audit know it. `manager` "": `managedFields` are right already. */
export function intentOf(verb: Intent["verb"], ask: Ask, { manager, why }: Pick<WriteOptions, "manager" | "why">): Intent {
  return { verb, subresource: ask.subresource, manager, ...(why === undefined ? {} : { why }) };
}
