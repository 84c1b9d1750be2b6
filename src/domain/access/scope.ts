import type { Asked, AskedResource, PolicyRule } from "./policy-rule.ts";
import { allows, isPath, pathMatches } from "./policy-rule.ts";

/** A limit on a token: it can only take from what its owner may do. `namespaces` absent = all, and what has no namespace. */
export interface AccessScope {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly namespaces?: readonly string[];
}

/**
 * Whether a limited token may be used for this. No limits: for everything. Discovery and asking about oneself
 * are never limited: without them no client starts, and they show nothing but what is served and what the token may do.
 */
export function scopesAllow(scopes: readonly AccessScope[] | undefined, asked: Asked): boolean {
  if (scopes === undefined) return true;
  if (isPath(asked)) return asked.verb === "get" && DISCOVERY_PATHS.some((pattern) => pathMatches(pattern, asked.path));
  return asksAboutOneself(asked) || allows(scopeRules(scopes, asked.namespace), asked);
}

/** The limits that hold in one namespace ("": for what has none, and for all at once), as rules. */
export function scopeRules(scopes: readonly AccessScope[], namespace: string): readonly PolicyRule[] {
  return scopes
    .filter(({ namespaces }) => namespaces === undefined || (namespace !== "" && namespaces.includes(namespace)))
    .map(({ verbs, apiGroups, resources }) => ({ verbs, apiGroups, resources, resourceNames: [], nonResourceURLs: [] }));
}

/** `get, list on syncs.slipway.dev in shop; …`, for a message. */
export function scopesText(scopes: readonly AccessScope[]): string {
  if (scopes.length === 0) return "nothing";
  return scopes
    .map(({ verbs, apiGroups, resources, namespaces }) => {
      const groups = apiGroups.map((group) => (group === "" ? "core" : group)).join(", ");
      return `${verbs.join(", ")} on ${resources.join(", ")} of ${groups}${namespaces === undefined ? "" : ` in ${namespaces.join(", ")}`}`;
    })
    .join("; ");
}

/** Read by every client before its first request; `system:discovery` gives them. */
export const DISCOVERY_PATHS: readonly string[] = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/openapi",
  "/openapi/*",
  "/version",
  "/version/",
  "/healthz",
  "/livez",
  "/readyz",
];

const SELF_REVIEWS = new Set([
  "authorization.k8s.io/selfsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectrulesreviews",
  "authentication.k8s.io/selfsubjectreviews",
]);

const asksAboutOneself = (asked: AskedResource): boolean => asked.verb === "create" && SELF_REVIEWS.has(`${asked.group}/${asked.resource}`);
