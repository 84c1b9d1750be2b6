import type { Catalog } from "../api/catalog.ts";
import { apiVersionOf, type Action, type Kind } from "../api/kind.ts";
import { verbsOf } from "../api/verbs.ts";

/** What a client asks for to get all groups in one answer, best first: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
export const AGGREGATED_TYPES = {
  v2: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  v2beta1: "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
} as const;

/** `GET /api`. */
export function apiVersions(catalog: Catalog) {
  const core = catalog.groups.find(({ group }) => group === "");
  return { kind: "APIVersions", versions: core?.versions ?? [], serverAddressByClientCIDRs: [] };
}

/** `GET /apis`. */
export function apiGroupList(catalog: Catalog) {
  const groups = namedGroups(catalog).map(({ group, versions }) => groupOf(group, versions));
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

/** `GET /apis/GROUP`; undefined = no such group. */
export function apiGroup(catalog: Catalog, group: string) {
  const found = namedGroups(catalog).find((candidate) => candidate.group === group);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupOf(found.group, found.versions) };
}

/** `GET /apis/GROUP/VERSION` and `GET /api/v1`; undefined = no such version. */
export function apiResourceList(catalog: Catalog, group: string, version: string) {
  const kinds = kindsIn(catalog, group, version);
  if (kinds.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf({ group, version }),
    resources: kinds.flatMap(resourcesOf),
  };
}

/** `GET /api` (core) and `GET /apis` (all others) as one aggregated document. */
export function aggregatedDiscovery(catalog: Catalog, part: "core" | "named", version: keyof typeof AGGREGATED_TYPES) {
  const groups = part === "core" ? catalog.groups.filter(({ group }) => group === "") : namedGroups(catalog);
  const items = groups.map(({ group, versions }) => ({
    metadata: group === "" ? {} : { name: group },
    versions: versions.map((served) => ({
      version: served,
      resources: kindsIn(catalog, group, served).map(aggregatedResource),
      freshness: "Current",
    })),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

/**
 * `GET /version`: kubectl reads major and minor, and warns where they are far from its own. `release` is Slipway's version.
 * The Kubernetes version is the one whose API conventions we keep.
 */
export function versionInfo(release: string, node: { readonly version: string; readonly platform: string }) {
  return {
    major: "1",
    minor: "35",
    gitVersion: `v1.35.0-slipway.${release}`,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: `node ${node.version}`,
    compiler: "none",
    platform: node.platform,
  };
}

/** `GET /`: where one can go on from here. */
export function rootPaths(catalog: Catalog) {
  const apis = namedGroups(catalog).flatMap(({ group, versions }) => [
    `/apis/${group}`,
    ...versions.map((version) => `/apis/${group}/${version}`),
  ]);
  return {
    paths: ["/api", "/api/v1", "/apis", ...apis, "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"],
  };
}

const namedGroups = (catalog: Catalog): Catalog["groups"] => catalog.groups.filter(({ group }) => group !== "");

const kindsIn = (catalog: Catalog, group: string, version: string): readonly Kind[] =>
  catalog.kinds.filter((kind) => kind.group === group && kind.version === version).sort((a, b) => (a.resource < b.resource ? -1 : 1));

function groupOf(group: string, versions: readonly string[]) {
  const named = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: named, preferredVersion: named[0] };
}

function resourcesOf(kind: Kind) {
  const { namespaced } = kind;
  const main = {
    name: kind.resource,
    singularName: kind.singular,
    namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  };
  const status = { name: `${kind.resource}/status`, singularName: "", namespaced, kind: kind.kind, verbs: STATUS_VERBS };
  const actions = (kind.actions ?? []).map((action) => ({
    name: `${kind.resource}/${action.name}`,
    singularName: "",
    namespaced,
    ...(isForeign(kind, action) ? { group: action.body.group, version: action.body.version } : {}),
    kind: action.body.kind,
    verbs: [action.verb ?? "create"],
  }));
  return [main, ...actions, ...(kind.hasStatus ? [status] : [])];
}

const STATUS_VERBS = ["get", "patch", "update"];

const isForeign = (kind: Kind, { body }: Action): boolean => body.group !== kind.group || body.version !== kind.version;

function aggregatedResource(kind: Kind) {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind };
  const status = { subresource: "status", responseKind, verbs: STATUS_VERBS };
  const actions = (kind.actions ?? []).map(({ name, body, verb }) => ({
    subresource: name,
    responseKind: { group: body.group, version: body.version, kind: body.kind },
    verbs: [verb ?? "create"],
  }));
  const subresources = [...actions, ...(kind.hasStatus ? [status] : [])];
  return {
    resource: kind.resource,
    responseKind,
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
