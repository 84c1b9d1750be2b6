import type { ApiObject, OwnerReference } from "../object/api-object.ts";

/** Deletion in the foreground waits for the dependents; orphaning lets them go first. https://kubernetes.io/docs/concepts/architecture/garbage-collection/ */
export const FOREGROUND = "foregroundDeletion";
export const ORPHAN = "orphan";

/** What the collector knows of one owner, named by its uid, when it looks at what points to it. */
export interface Ownership<Dependent> {
  readonly ownerUid: string;
  /** The owner itself, when it is still there under this uid. */
  readonly owner: ApiObject | undefined;
  readonly dependents: readonly {
    readonly at: Dependent;
    readonly object: ApiObject;
    /** Uids of the other owners it names that are still there. */
    readonly otherOwnersAlive: readonly string[];
  }[];
}

export type CollectStep<Dependent> =
  | { readonly do: "delete"; readonly at: Dependent }
  /** Take these owners out of the dependent's references. */
  | { readonly do: "disown"; readonly at: Dependent; readonly owners: readonly string[] }
  /** The owner's deletion need not wait any longer. */
  | { readonly do: "letGo"; readonly finalizer: typeof FOREGROUND | typeof ORPHAN };

/**
 * What is to be done for one owner: dependents of an owner that is gone are deleted unless another owner keeps them; of one that is being
 * orphaned they are disowned; of one that is deleted in the foreground they are deleted first unless another owner keeps them, and the owner let go
 * when none is left that blocks it.
 * Idempotent: with everything done it says nothing.
 */
export function collect<Dependent>(seen: Ownership<Dependent>): readonly CollectStep<Dependent>[] {
  if (seen.owner === undefined) return seen.dependents.flatMap((dependent) => withoutOwner(seen.ownerUid, dependent));
  if (seen.owner.metadata.deletionTimestamp === undefined) return [];
  const finalizers = seen.owner.metadata.finalizers ?? [];
  if (finalizers.includes(ORPHAN)) return orphaned(seen);
  if (finalizers.includes(FOREGROUND)) return foreground(seen);
  return [];
}

type Dependents<Dependent> = Ownership<Dependent>["dependents"][number];

function withoutOwner<Dependent>(uid: string, { at, object, otherOwnersAlive }: Dependents<Dependent>): readonly CollectStep<Dependent>[] {
  if (otherOwnersAlive.length > 0) return [{ do: "disown", at, owners: [uid] }];
  return object.metadata.deletionTimestamp === undefined ? [{ do: "delete", at }] : [];
}

function orphaned<Dependent>({ ownerUid, dependents }: Ownership<Dependent>): readonly CollectStep<Dependent>[] {
  if (dependents.length === 0) return [{ do: "letGo", finalizer: ORPHAN }];
  return dependents.map(({ at }) => ({ do: "disown", at, owners: [ownerUid] }));
}

function foreground<Dependent>({ ownerUid, dependents }: Ownership<Dependent>): readonly CollectStep<Dependent>[] {
  const blocking = dependents.filter(({ object }) =>
    references(object).some((owner) => owner.uid === ownerUid && owner.blockOwnerDeletion === true),
  );
  if (blocking.length === 0) return [{ do: "letGo", finalizer: FOREGROUND }];
  return dependents.flatMap((dependent) => withoutOwner(ownerUid, dependent));
}

export const references = (object: ApiObject): readonly OwnerReference[] => object.metadata.ownerReferences ?? [];
