import type { Kind } from "../../api/kind.ts";
import type { OwnerReference } from "../../domain/object/api-object.ts";
import { type Ownership, references } from "../../domain/ownership/collect.ts";
import type { Reader, StoredObject } from "../../ports/resources.ts";
import { keyOfOwner, type OwnerAt, ownerOfReference } from "./owner-key.ts";

export interface OwnerSeen {
  readonly ownership: Ownership<StoredObject>;
  /** The owner as stored, for taking its finalizer off. */
  readonly owner: StoredObject | undefined;
}

/** The owner, what names it, and which other owners of those are still there. */
export async function readOwnership(at: OwnerAt, kinds: readonly Kind[], reader: Reader): Promise<OwnerSeen> {
  const owner = await readOwner(at, reader);
  const found: StoredObject[] = [];
  for (const { group, resource } of kinds) found.push(...(await reader.list({ group, resource, linkedTo: `owner/${at.uid}` })).items);
  const dependents: OwnerSeen["ownership"]["dependents"][number][] = [];
  for (const dependent of found) {
    const others = references(dependent.object).filter(({ uid }) => uid !== at.uid);
    const otherOwnersAlive: string[] = [];
    for (const other of others) if (await isAlive(other, dependent.key.namespace, kinds, reader)) otherOwnersAlive.push(other.uid);
    dependents.push({ at: dependent, object: dependent.object, otherOwnersAlive });
  }
  return { owner, ownership: { ownerUid: at.uid, owner: owner?.object, dependents } };
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
