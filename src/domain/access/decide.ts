import type { Identity } from "./identity.ts";
import { MASTERS, serviceAccountOf } from "./identity.ts";
import type { Policy } from "./policy.ts";
import { grantsOf, subjectText } from "./policy.ts";
import type { Asked } from "./policy-rule.ts";
import { allows, isPath } from "./policy-rule.ts";
import type { AccessScope } from "./scope.ts";
import { scopesAllow, scopesText } from "./scope.ts";

export interface Verdict {
  readonly allowed: boolean;
  /** Which binding allows it; or, for a refusal (see deniedText for its sentence), what would change it: "" when nothing is known. */
  readonly reason: string;
}

/** Somebody and the limits of the token he came with. */
export interface Holder extends Identity {
  readonly scopes?: readonly AccessScope[];
}

/** Whether somebody may do something: what the roles give him, AND what his token is for. Pure; the wording is that of Kubernetes. */
export function decide(policy: Policy, holder: Holder, request: Asked): Verdict {
  const asked = inNamespace(request);
  if (!scopesAllow(holder.scopes, asked)) return { allowed: false, reason: scopeText(holder.scopes ?? []) };
  if (holder.groups.includes(MASTERS)) return { allowed: true, reason: `RBAC: allowed to everyone in Group "${MASTERS}"` };
  if (isOwnToken(holder, asked)) return { allowed: true, reason: "everyone may issue tokens for himself" };
  const missing: string[] = [];
  for (const { binding, role, subject } of grantsOf(policy, holder, isPath(asked) ? "" : asked.namespace)) {
    const name = binding.namespace === "" ? binding.name : `${binding.name}/${binding.namespace}`;
    const text = `${binding.kind} ${JSON.stringify(name)} of ${binding.role.kind} ${JSON.stringify(binding.role.name)} to ${subjectText(subject)}`;
    if (role === undefined) missing.push(text);
    else if (allows(role.rules, asked)) return { allowed: true, reason: `RBAC: allowed by ${text}` };
  }
  return { allowed: false, reason: [...wayOut(policy, holder, asked), ...missingText(missing)].join("; ") };
}

/** `User "jane" cannot list resource "syncs" in API group "slipway.dev" in the namespace "shop"` */
export function deniedText(who: Identity, asked: Asked): string {
  const user = `User ${JSON.stringify(who.name)}`;
  if (isPath(asked)) return `${user} cannot ${asked.verb} path ${JSON.stringify(asked.path)}`;
  const resource = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const place = asked.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(asked.namespace)}`;
  return `${user} cannot ${asked.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(asked.group)} ${place}`;
}

/** A Namespace object counts as being in the namespace it is, so that a RoleBinding there can give `get namespaces`; as in Kubernetes. */
function inNamespace(asked: Asked): Asked {
  if (isPath(asked) || asked.group !== "" || asked.resource !== "namespaces" || asked.namespace !== "") return asked;
  return { ...asked, namespace: asked.name };
}

/** What such a token may do is checked where it is issued. */
const isOwnToken = (who: Identity, asked: Asked): boolean =>
  !isPath(asked) &&
  asked.verb === "create" &&
  asked.group === "slipway.dev" &&
  asked.resource === "users" &&
  asked.subresource === "token" &&
  asked.name !== "" &&
  asked.name === who.name;

const scopeText = (scopes: readonly AccessScope[]): string =>
  `the token is limited to ${scopesText(scopes)}; use one that was issued for this`;

const missingText = (bindings: readonly string[]): readonly string[] =>
  bindings.length === 0 ? [] : [`the role of ${bindings.slice(0, 3).join(" and of ")} does not exist`];

/** Names only roles that come with Slipway: what others are called is nobody's business who may not read them. */
function wayOut(policy: Policy, who: Identity, asked: Asked): readonly string[] {
  const fitting = [...policy.clusterRoles.values()]
    .filter(({ name, labels }) => labels["kubernetes.io/bootstrapping"] === "rbac-defaults" && !name.startsWith("system:"))
    .filter(({ name }) => name !== "slipway:sync" || serviceAccountOf(who.name) !== undefined)
    .filter(({ rules }) => allows(rules, asked))
    .sort((a, b) => weight(a.rules) - weight(b.rules) || (a.name < b.name ? -1 : 1));
  const [least] = fitting;
  if (least === undefined) return [];
  const within = isPath(asked) || asked.namespace === "" ? undefined : asked.namespace;
  const command = within === undefined ? "clusterrolebinding" : `rolebinding -n ${within}`;
  return [
    `ClusterRole ${JSON.stringify(least.name)} would allow it: kubectl create ${command} NAME --clusterrole=${least.name} ${flag(who)}`,
  ];
}

const weight = (rules: readonly { readonly verbs: readonly string[]; readonly resources: readonly string[] }[]): number =>
  rules.reduce(
    (sum, { verbs, resources }) => sum + (verbs.includes("*") ? 100 : verbs.length) * (resources.includes("*") ? 100 : resources.length),
    0,
  );

function flag(who: Identity): string {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(who.name) ?? [];
  return namespace !== undefined && name !== undefined ? `--serviceaccount=${namespace}:${name}` : `--user=${who.name}`;
}
