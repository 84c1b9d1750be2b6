import type { Kind } from "../../api/kind.ts";
import type { OwnerReference } from "../../domain/object/api-object.ts";
import { type Ownership, references } from "../../domain/ownership/collect.ts";
import type { Reader, StoredObject } from "../../ports/resources.ts";
import { keyText } from "../../domain/object/api-object.ts";
import { keyOfOwner, type OwnerAt, ownerKey, ownerOfReference } from "./owner-key.ts";

export interface OwnerSeen {
  readonly ownership: Ownership<StoredObject>;
  /** The owner as stored, for taking its finalizer off. */
  readonly owner: StoredObject | undefined;
}

/** The owner, what names it, and which other owners of those are still there. */
export async function readOwnership(at: OwnerAt, kinds: readonly Kind[], reader: Reader): Promise<OwnerSeen> {
  const owner = await readOwner(at, reader);
  const found: StoredObject[] = [];
  for (const { group, resource } of kinds)
    found.push(...(await reader.list({ group, resource, linkedTo: `owner/${at.uid}` })).items.filter((one) => isOwnedBy(at, one, kinds)));
  const dependents: OwnerSeen["ownership"]["dependents"][number][] = [];
  for (const dependent of found) {
    const others = references(dependent.object).filter(({ uid }) => uid !== at.uid);
    const otherOwnersAlive: string[] = [];
    for (const other of others) if (await isAlive(other, dependent.key.namespace, kinds, reader)) otherOwnersAlive.push(other.uid);
    dependents.push({ at: dependent, object: dependent.object, otherOwnersAlive });
  }
  return { owner, ownership: { ownerUid: at.uid, owner: owner?.object, dependents } };
}

/**
 * Whether one of its references means this owner: the same uid written in another project, or with another kind or name, points elsewhere. Without this,
 * an object in one project that names an owner in another would have the real dependents there taken for orphans.
 */
function isOwnedBy(at: OwnerAt, dependent: StoredObject, kinds: readonly Kind[]): boolean {
  const meant = keyText(ownerKey(at.key, at.uid));
  return references(dependent.object).some((reference) => {
    const key = ownerOfReference(reference, dependent.key.namespace, kinds);
    return key !== undefined && keyText(key) === meant;
  });
}

async function readOwner({ key, uid }: OwnerAt, reader: Reader): Promise<StoredObject | undefined> {
  const stored = await reader.get(key);
  return stored?.uid === uid ? stored : undefined;
}

/** An owner of a kind that is not served here counts as alive: what cannot be looked up is never taken for gone. */
async function isAlive(reference: OwnerReference, namespace: string, kinds: readonly Kind[], reader: Reader): Promise<boolean> {
  const key = ownerOfReference(reference, namespace, kinds);
  return key === undefined || (await readOwner(keyOfOwner(key), reader)) !== undefined;
}
