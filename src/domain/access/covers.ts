import type { PolicyRule } from "./policy-rule.ts";
import { pathMatches } from "./policy-rule.ts";

/** Single rights that one check looks at; a role that spells out more than this is not checked but refused. */
export const MAX_RIGHTS = 10_000;

/**
 * Whether everything `granted` gives is given by `held` as well; otherwise which rights are lacking (at most ten of them).
 * Sound, not complete, as in Kubernetes: `*` is not covered by a list of everything that exists today.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export function covers(held: readonly PolicyRule[], granted: readonly PolicyRule[]): Coverage {
  const open = granted.filter((rule) => !held.some((own) => ruleCovers(own, rule)));
  if (open.reduce((sum, rule) => sum + rightsIn(rule), 0) > MAX_RIGHTS) return { covered: false, lacking: [], tooMany: true };
  const lacking: PolicyRule[] = [];
  for (const rule of open)
    for (const right of singleRights(rule)) {
      if (held.some((own) => ruleCovers(own, right))) continue;
      if (lacking.push(right) === 10) return { covered: false, lacking, tooMany: false };
    }
  return lacking.length === 0 ? { covered: true } : { covered: false, lacking, tooMany: false };
}

export type Coverage =
  | { readonly covered: true }
  /** `tooMany`: more than MAX_RIGHTS combinations, which nobody looked at. */
  | { readonly covered: false; readonly lacking: readonly PolicyRule[]; readonly tooMany: boolean };

/** `create syncs.slipway.dev "name"`, for a message. */
export function rightText(right: PolicyRule): string {
  const verb = right.verbs.join(", ");
  if (right.nonResourceURLs.length > 0) return `${verb} ${right.nonResourceURLs.join(", ")}`;
  const group = right.apiGroups.join(", ");
  const named = right.resourceNames.length === 0 ? "" : ` ${JSON.stringify(right.resourceNames.join(", "))}`;
  return `${verb} ${right.resources.join(", ")}${group === "" ? "" : `.${group}`}${named}`;
}

function ruleCovers(own: PolicyRule, other: PolicyRule): boolean {
  return (
    allIn(own.verbs, other.verbs) &&
    allIn(own.apiGroups, other.apiGroups) &&
    other.resources.every((resource) => resourceCovered(own.resources, resource)) &&
    namesCovered(own.resourceNames, other) &&
    other.nonResourceURLs.every((path) => own.nonResourceURLs.some((pattern) => pathMatches(pattern, path)))
  );
}

const allIn = (own: readonly string[], other: readonly string[]): boolean => own.includes("*") || other.every((item) => own.includes(item));

function resourceCovered(own: readonly string[], resource: string): boolean {
  if (own.includes("*") || own.includes(resource)) return true;
  const slash = resource.indexOf("/");
  return slash > 0 && own.includes(`*${resource.slice(slash)}`);
}

function namesCovered(own: readonly string[], other: PolicyRule): boolean {
  if (own.length === 0 || other.resources.length === 0) return true;
  return other.resourceNames.length > 0 && other.resourceNames.every((name) => own.includes(name));
}

function rightsIn(rule: PolicyRule): number {
  const size = (list: readonly string[]): number => new Set(list).size;
  const names = Math.max(1, size(rule.resourceNames));
  return size(rule.verbs) * (size(rule.apiGroups) * size(rule.resources) * names + size(rule.nonResourceURLs));
}

/** The rule taken apart into rules of one verb, group, resource and name each. */
function* singleRights(rule: PolicyRule): Iterable<PolicyRule> {
  const names = rule.resourceNames.length === 0 ? [[]] : [...new Set(rule.resourceNames)].map((name) => [name]);
  for (const verb of new Set(rule.verbs)) {
    for (const group of new Set(rule.apiGroups))
      for (const resource of new Set(rule.resources))
        for (const resourceNames of names)
          yield { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames, nonResourceURLs: [] };
    for (const url of new Set(rule.nonResourceURLs))
      yield { verbs: [verb], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [url] };
  }
}
