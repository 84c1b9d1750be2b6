import type { ApiObject } from "../object/api-object.ts";

/** Where an object lives in an API; `namespace` is "" for a cluster-scoped one. */
export interface Place {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly namespace: string;
  readonly name: string;
}

/** One object as the source wants it, and where the source says so. */
export interface Desired {
  readonly place: Place;
  readonly object: ApiObject;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Equal identities, equal objects: where it stands in which content. */
  readonly identity: string;
}

/** Something in the source that keeps it from being applied; `line` and `column` are 0 when a whole file is meant. */
export interface SourceProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `Sync shop/app`, when it is known which object is meant. */
  readonly object?: string;
  readonly message: string;
}

/** The same object at any version: what two files must not both describe. */
export const placeText = ({ group, resource, namespace, name }: Place): string => `${group}/${resource}/${namespace}/${name}`;

/** `Role shop/reader`, as people read it. */
export const placeName = ({ kind, namespace, name }: Place): string => `${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;

export const apiVersionText = ({ group, version }: Pick<Place, "group" | "version">): string =>
  group === "" ? version : `${group}/${version}`;
