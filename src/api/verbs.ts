import type { Kind } from "./kind.ts";
import { SLIPWAY_GROUP } from "./slipway.ts";

export const JSON_PATCH = "application/json-patch+json";
export const MERGE_PATCH = "application/merge-patch+json";
export const APPLY_PATCH = "application/apply-patch+yaml";
export const STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";

/** The ways to patch a kind: strategic merge is for the kinds of Kubernetes only; to our own ones it is a 415, as to a custom resource. */
export const patchTypes = (kind: Pick<Kind, "group">): readonly string[] =>
  kind.group === SLIPWAY_GROUP ? [JSON_PATCH, MERGE_PATCH, APPLY_PATCH] : [JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH];

const ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

/** The verbs a kind serves, by the alphabet. */
export const verbsOf = (kind: Pick<Kind, "verbs">) => ALL.filter((verb) => kind.verbs === undefined || kind.verbs.includes(verb));

/** Whether objects of the kind are kept: reviews are only answered. */
export const isStored = (kind: Pick<Kind, "verbs">): boolean => kind.verbs?.includes("get") !== false;
