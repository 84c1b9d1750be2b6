import type { JsonObject, JsonValue } from "./json.ts";

/** An object of the resource API in the Kubernetes conventions: what every kind has in common. */
export interface ApiObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: JsonValue;
  readonly status?: JsonValue;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ */
export interface ObjectMeta extends JsonObject {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339 in whole seconds, UTC, as in Kubernetes. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly JsonObject[];
}

export interface StringMap extends JsonObject {
  readonly [name: string]: string;
}

export interface OwnerReference extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** One fact about an object, in the standard shape of `metav1.Condition`. */
export interface Condition extends JsonObject {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** Where an object is found. `namespace` is "" for a cluster-scoped object; `resource` is the plural ("syncs"). */
export interface ObjectKey {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** The same key as one string, `group/resource/namespace/name`: none of the parts may hold a slash. */
export const keyText = (key: ObjectKey): string => `${key.group}/${key.resource}/${key.namespace}/${key.name}`;

/** Position of a write in the one order of all writes; a decimal integer, larger means committed later. */
export type ResourceVersion = number & { readonly unit: "resource-version" };

export function resourceVersion(position: number): ResourceVersion {
  return position as ResourceVersion; // branding is the whole purpose of this function
}

/**
 * Reads a resourceVersion as a client sends it: decimal digits without sign, at most 2^53 - 1.
 * Anything else is undefined, which the caller answers with a 400.
 */
export function parseResourceVersion(text: string): ResourceVersion | undefined {
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const position = Number(text);
  return Number.isSafeInteger(position) ? resourceVersion(position) : undefined;
}
