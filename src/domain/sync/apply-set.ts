import type { ApiObject, ObjectKey } from "../object/api-object.ts";

/** What an applied object carries so that the sync that applied it finds it again: the ApplySet label of KEP-3659, and who applied it in clear. */
export const PART_OF = "applyset.kubernetes.io/part-of";
export const APPLIED_BY = "slipway.dev/applied-by";

/** `applyset-<base64url(sha256(name.namespace.kind.group))>-v1`, https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/3659-kubectl-apply-prune */
export const applySetId = (sync: Pick<ObjectKey, "namespace" | "name">, sha256Base64url: (text: string) => string): string =>
  `applyset-${sha256Base64url(`${sync.name}.${sync.namespace}.Sync.slipway.dev`)}-v1`;

export function asMember(object: ApiObject, sync: Pick<ObjectKey, "namespace" | "name">, id: string): ApiObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [PART_OF]: id },
      annotations: { ...metadata.annotations, [APPLIED_BY]: `${sync.namespace}/${sync.name}` },
    },
  };
}

/** The sync that applied this object, if one did. */
export function appliedBy({ metadata }: ApiObject): Pick<ObjectKey, "namespace" | "name"> | undefined {
  if (metadata.labels?.[PART_OF] === undefined) return undefined;
  const [namespace, name, ...rest] = (metadata.annotations?.[APPLIED_BY] ?? "").split("/");
  return namespace === undefined || name === undefined || namespace === "" || name === "" || rest.length > 0
    ? undefined
    : { namespace, name };
}
