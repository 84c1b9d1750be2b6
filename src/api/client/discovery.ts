import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/** A kind the server serves. */
export interface ServedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

/** What to send as Accept for everything in one answer: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
export const AGGREGATED_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** The kinds in an aggregated discovery document, the core group's and the others' alike. Parts that are not as they should be are left out. */
export function kindsIn(document: JsonValue | undefined): readonly ServedKind[] {
  return objectsIn(document, "items").flatMap((group) => {
    const name = isJsonObject(group["metadata"]) ? textOf(group["metadata"]["name"]) : "";
    return objectsIn(group, "versions").flatMap((version) =>
      objectsIn(version, "resources").map((resource) => servedKind(name, textOf(version["version"]), resource)),
    );
  });
}

function servedKind(group: string, version: string, resource: JsonObject): ServedKind {
  const kind = isJsonObject(resource["responseKind"]) ? textOf(resource["responseKind"]["kind"]) : "";
  return {
    group,
    version,
    kind,
    resource: textOf(resource["resource"]),
    singular: textOf(resource["singularResource"]) || kind.toLowerCase(),
    shortNames: textsOf(resource["shortNames"]),
    categories: textsOf(resource["categories"]),
    namespaced: resource["scope"] === "Namespaced",
    verbs: textsOf(resource["verbs"]),
    subresources: objectsIn(resource, "subresources").map((one) => textOf(one["subresource"])),
  };
}

function objectsIn(value: JsonValue | undefined, name: string): readonly JsonObject[] {
  const list = isJsonObject(value) ? value[name] : undefined;
  return Array.isArray(list) ? (list as readonly JsonValue[]).filter(isJsonObject) : []; // Array.isArray makes `any[]` of it
}

const textOf = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");
const textsOf = (value: JsonValue | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]).filter((item) => typeof item === "string") : []; // as above

/** `syncs.slipway.dev`; a plural alone in the core group. */
export const resourceName = ({ group, resource }: Pick<ServedKind, "group" | "resource">): string =>
  group === "" ? resource : `${resource}.${group}`;
