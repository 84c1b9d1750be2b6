import type { JsonObject, JsonValue } from "../object/json.ts";
import { isJsonObject } from "../object/json.ts";

/**
 * What may be done with what. Rules only ever give; nothing takes away.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole
 */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  /** `syncs`, `syncs/status`, `*` (everything, subresources included) or `*` + `/status` (that subresource of everything). */
  readonly resources: readonly string[];
  /** Empty: every name, and requests without one (list, create). */
  readonly resourceNames: readonly string[];
  /** Paths outside the resource API; a `*` at the end stands for any rest. */
  readonly nonResourceURLs: readonly string[];
}

/** One request, as an authoriser is asked about it. */
export type Asked = AskedResource | AskedPath;

export interface AskedResource {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** "" for the object itself. */
  readonly subresource: string;
  /** "" for a cluster-scoped object, and for all namespaces at once. */
  readonly namespace: string;
  /** "" where the request names no object. */
  readonly name: string;
}

interface AskedPath {
  readonly path: string;
  readonly verb: string;
}

export const isPath = (asked: Asked): asked is AskedPath => "path" in asked;

/** A rule from its parts; what is left out is empty. */
export function policyRule(parts: Partial<PolicyRule>): PolicyRule {
  return { verbs: [], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [], ...parts };
}

/** The rules of a stored role. What cannot be read gives no right: a broken list is an empty one. */
export function readRules(value: JsonValue | undefined): readonly PolicyRule[] {
  if (!Array.isArray(value)) return [];
  // Array.isArray leaves the element type open; these are JSON values
  return (value as readonly JsonValue[]).filter(isJsonObject).map((rule) => ({
    verbs: texts(rule["verbs"]),
    apiGroups: texts(rule["apiGroups"]),
    resources: texts(rule["resources"]),
    resourceNames: names(rule["resourceNames"]),
    nonResourceURLs: texts(rule["nonResourceURLs"]),
  }));
}

/** The rule as it is written in a role: without the lists that are empty. */
export function ruleObject(rule: PolicyRule): JsonObject {
  return Object.fromEntries(Object.entries(rule).filter(([, list]: [string, readonly string[]]) => list.length > 0));
}

/** Whether this one rule gives what is asked. The same answers as Kubernetes' `RuleAllows`. */
function ruleAllows(rule: PolicyRule, asked: Asked): boolean {
  if (!hasOrAll(rule.verbs, asked.verb)) return false;
  if (isPath(asked)) return rule.nonResourceURLs.some((url) => pathMatches(url, asked.path));
  return (
    hasOrAll(rule.apiGroups, asked.group) &&
    rule.resources.some((resource) => resourceMatches(resource, asked)) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(asked.name))
  );
}

export const allows = (rules: readonly PolicyRule[], asked: Asked): boolean => rules.some((rule) => ruleAllows(rule, asked));

/** `*` is every path; `/logs/*` is everything that begins with `/logs/`. */
export function pathMatches(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, ""));
}

/** Rules without repetition, in their order. */
export function distinct(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const seen = new Set<string>();
  return rules.filter((rule) => {
    const text = JSON.stringify([rule.verbs, rule.apiGroups, rule.resources, rule.resourceNames, rule.nonResourceURLs]);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

const hasOrAll = (list: readonly string[], wanted: string): boolean => list.includes("*") || list.includes(wanted);

function resourceMatches(ruled: string, asked: AskedResource): boolean {
  if (ruled === "*") return true;
  if (asked.subresource === "") return ruled === asked.resource;
  return ruled === `${asked.resource}/${asked.subresource}` || ruled === `*/${asked.subresource}`;
}

/** The texts of a list. */
export function texts(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item: JsonValue) => typeof item === "string") : [];
}

/** A broken list of names must not become the empty one, which means every name: it becomes a name that nothing has. */
function names(value: JsonValue | undefined): readonly string[] {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return [];
  const read = texts(value);
  return read.length > 0 ? read : ["\u0000"];
}
