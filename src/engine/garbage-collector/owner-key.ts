import type { Kind } from "../../api/kind.ts";
import { apiVersionOf } from "../../api/kind.ts";
import type { ObjectKey, OwnerReference } from "../../domain/object/api-object.ts";

/** An owner that is to be looked at: where it was, and which one of that name is meant. */
export interface OwnerAt {
  readonly key: ObjectKey;
  readonly uid: string;
}

/** A uid is 36 characters, so that the name after it can be found again. */
const UID_LENGTH = 36;

/** The key of the work row for an owner: its own key, with the uid before the name, as an owner made anew under the same name is another one. */
export const ownerKey = (key: ObjectKey, uid: string): ObjectKey => ({ ...key, name: `${uid}.${key.name}` });

export const keyOfOwner = (key: ObjectKey): OwnerAt => ({
  key: { ...key, name: key.name.slice(UID_LENGTH + 1) },
  uid: key.name.slice(0, UID_LENGTH),
});

/**
 * Where a reference points: in the dependent's namespace, or cluster-scoped. Undefined for a kind that is not served here, or a uid that is none:
 * what cannot be looked up is never taken for gone.
 */
export function ownerOfReference(reference: OwnerReference, namespace: string, kinds: readonly Kind[]): ObjectKey | undefined {
  const kind = kinds.find((one) => one.kind === reference.kind && apiVersionOf(one) === reference.apiVersion);
  if (kind === undefined || reference.uid.length !== UID_LENGTH || reference.name.includes("/")) return undefined;
  const { group, resource } = kind;
  return ownerKey({ group, resource, namespace: kind.namespaced ? namespace : "", name: reference.name }, reference.uid);
}
