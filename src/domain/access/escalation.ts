import type { Coverage } from "./covers.ts";
import { MAX_RIGHTS, covers, rightText } from "./covers.ts";
import type { Holder } from "./decide.ts";
import { decide } from "./decide.ts";
import type { Identity } from "./identity.ts";
import { MASTERS, serviceAccountOf } from "./identity.ts";
import type { Policy, RoleReference } from "./policy.ts";
import { namespacesOf, resolveRules } from "./policy.ts";
import type { AskedResource, PolicyRule } from "./policy-rule.ts";
import { policyRule } from "./policy-rule.ts";
import type { AccessScope } from "./scope.ts";
import { scopeRules } from "./scope.ts";

/**
 * Nobody gives what he does not have: not by a role, a binding, a group or a token.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export type GrantVerdict = { readonly granted: true } | { readonly granted: false; readonly reason: string };

const RBAC = "rbac.authorization.k8s.io";
const granted: GrantVerdict = { granted: true };
const EVERYTHING: readonly PolicyRule[] = [
  policyRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }),
  policyRule({ verbs: ["*"], nonResourceURLs: ["*"] }),
];

/**
 * May the holder write a role with these rules? Yes, when he has every one of them there, or the verb `escalate` on it.
 * A role that aggregates others takes everything, since nobody knows what will be aggregated.
 */
export function mayWriteRole(
  policy: Policy,
  holder: Holder,
  role: { readonly kind: "Role" | "ClusterRole"; readonly namespace: string; readonly name: string; readonly aggregates: boolean },
  rules: readonly PolicyRule[],
): GrantVerdict {
  const what = `${role.kind} ${JSON.stringify(role.name)}`;
  const escalate = {
    verb: "escalate",
    group: RBAC,
    resource: role.kind === "Role" ? "roles" : "clusterroles",
    subresource: "",
    ...placed(role),
  };
  if (decide(policy, holder, escalate).allowed) return granted;
  if (role.aggregates && !holderCovers(policy, holder, "", EVERYTHING).covered)
    return refusal(`${who(holder)} cannot write ${what}: an aggregationRule may only be written by somebody who may do everything`);
  return verdict(
    holderCovers(policy, holder, role.namespace, rules),
    (lacking) =>
      `${who(holder)} cannot write ${what}: it gives rights he lacks (${lacking}); ask for them, or for the verb "escalate" on it`,
  );
}

/** May the holder bind this role (whose rules are given; undefined: there is none) in a namespace? Yes, when he has every right of it there, or the verb `bind` on it. */
export function mayBind(
  policy: Policy,
  holder: Holder,
  role: RoleReference,
  namespace: string,
  rules: readonly PolicyRule[] | undefined,
): GrantVerdict {
  const what = `${role.kind} ${JSON.stringify(role.name)}`;
  const bind = {
    verb: "bind",
    group: RBAC,
    resource: role.kind === "Role" ? "roles" : "clusterroles",
    subresource: "",
    namespace,
    name: role.name,
  };
  if (decide(policy, holder, bind).allowed) return granted;
  if (rules === undefined)
    return refusal(`${who(holder)} cannot bind ${what}: it does not exist; create it first, or ask for the verb "bind" on it`);
  return verdict(
    holderCovers(policy, holder, namespace, rules),
    (lacking) => `${who(holder)} cannot bind ${what}: it gives rights he lacks (${lacking}); ask for them, or for the verb "bind" on it`,
  );
}

/** May the holder put somebody into groups? Each takes the verb `impersonate` on that group. */
export function mayGiveGroups(policy: Policy, holder: Holder, groups: readonly string[]): GrantVerdict {
  const refused = groups.find((group) => !decide(policy, holder, impersonation("groups", "", group)).allowed);
  if (refused === undefined) return granted;
  return refusal(
    `${who(holder)} cannot put a user into the group ${JSON.stringify(refused)}: that takes the verb "impersonate" on groups ${JSON.stringify(refused)}`,
  );
}

/**
 * May the holder act as somebody else, by a token or through a Sync? He may when he may impersonate him (and his groups), or has every right that
 * the other has, in each namespace; with `scopes`, every right within them is enough.
 */
export function mayActAs(policy: Policy, holder: Holder, other: Identity, scopes?: readonly AccessScope[]): GrantVerdict {
  if (scopesExceed(holder, scopes))
    return refusal(
      `${who(holder)} cannot act as ${JSON.stringify(other.name)} with a wider scope than his own token has; ask for the same scope or less`,
    );
  if (isSame(holder, other) || mayImpersonate(policy, holder, other)) return granted;
  if (other.groups.includes(MASTERS) && !holder.groups.includes(MASTERS) && scopes === undefined)
    return refusal(`${who(holder)} cannot act as ${JSON.stringify(other.name)}, who is in the group "${MASTERS}"`);
  for (const namespace of [
    "",
    ...new Set([...namespacesOf(policy, other), ...(scopes ?? []).flatMap(({ namespaces }) => namespaces ?? [])]),
  ]) {
    const theirs = other.groups.includes(MASTERS) ? EVERYTHING : resolveRules(policy, other, namespace);
    const coverage = holderCovers(policy, holder, namespace, theirs);
    if (coverage.covered || (scopes !== undefined && holderCovers(policy, holder, namespace, scopeRules(scopes, namespace)).covered))
      continue;
    return verdict(
      coverage,
      (lacking) =>
        `${who(holder)} cannot act as ${JSON.stringify(other.name)}, who has rights he lacks${namespace === "" ? "" : ` in the namespace ${JSON.stringify(namespace)}`} (${lacking}); ask for the verb "impersonate" on him`,
    );
  }
  return granted;
}

/** An impersonated user has the name without the groups: as long as he lacks one, he is not the same. */
const isSame = (holder: Identity, other: Identity): boolean =>
  holder.name === other.name && other.groups.every((group) => holder.groups.includes(group));

/** What is asked when somebody acts as a user, a group or a service account; the forms of Kubernetes. */
export function impersonation(resource: "users" | "groups" | "serviceaccounts", namespace: string, name: string): AskedResource {
  return { verb: "impersonate", group: "", resource, subresource: "", namespace, name };
}

function mayImpersonate(policy: Policy, holder: Holder, other: Identity): boolean {
  const account = serviceAccountOf(other.name);
  // The groups of a service account follow from its name; only those of a user are rights of their own.
  if (account !== undefined) return decide(policy, holder, impersonation("serviceaccounts", account.namespace, account.name)).allowed;
  const groups = other.groups.filter((group) => group !== "system:authenticated");
  return [impersonation("users", "", other.name), ...groups.map((group) => impersonation("groups", "", group))].every(
    (asked) => decide(policy, holder, asked).allowed,
  );
}

function scopesExceed(holder: Holder, scopes: readonly AccessScope[] | undefined): boolean {
  const own = holder.scopes;
  if (own === undefined) return false;
  if (scopes === undefined) return true;
  const namespaces = new Set(["", ...scopes.flatMap((scope) => scope.namespaces ?? [])]);
  return [...namespaces].some((namespace) => !covers(scopeRules(own, namespace), scopeRules(scopes, namespace)).covered);
}

/** A right is held when the roles give it and the token is for it. */
function holderCovers(policy: Policy, holder: Holder, namespace: string, rules: readonly PolicyRule[]): Coverage {
  const byRoles = holder.groups.includes(MASTERS) ? { covered: true as const } : covers(resolveRules(policy, holder, namespace), rules);
  if (!byRoles.covered || holder.scopes === undefined) return byRoles;
  return covers(scopeRules(holder.scopes, namespace), rules);
}

const placed = ({ namespace, name }: { readonly namespace: string; readonly name: string }) => ({ namespace, name });

const who = (holder: Identity): string => `User ${JSON.stringify(holder.name)}`;

const refusal = (reason: string): GrantVerdict => ({ granted: false, reason });

function verdict(coverage: Coverage, message: (lacking: string) => string): GrantVerdict {
  if (coverage.covered) return granted;
  return refusal(
    message(
      coverage.tooMany
        ? `more than ${MAX_RIGHTS} single rights, which is too many to check: write "*" or fewer`
        : coverage.lacking.map(rightText).join("; "),
    ),
  );
}
