import type { ApiObject, StringMap } from "../object/api-object.ts";
import { labelsOf } from "../object/selector.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { isJsonObject } from "../object/json.ts";
import type { LabelSelector } from "../object/selector.ts";
import { aggregatedRules, readAggregation } from "./aggregation.ts";
import type { Identity } from "./identity.ts";
import { serviceAccountUser } from "./identity.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { distinct, readRules } from "./policy-rule.ts";

/** All roles and bindings, arranged for asking. Not changed once built. */
export interface Policy {
  /** By name. */
  readonly clusterRoles: ReadonlyMap<string, Role>;
  /** By `namespace/name`. */
  readonly roles: Pick<ReadonlyMap<string, Role>, "get">;
  /** By `namespace/subject`; the namespace of a ClusterRoleBinding is "". */
  readonly bindings: ReadonlyMap<string, readonly BoundSubject[]>;
}

export interface Role {
  readonly kind: "Role" | "ClusterRole";
  /** "" for a ClusterRole. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: StringMap;
  /** With what is aggregated. */
  readonly rules: readonly PolicyRule[];
  readonly aggregates?: readonly LabelSelector[];
}

export interface Binding {
  readonly kind: "RoleBinding" | "ClusterRoleBinding";
  readonly namespace: string;
  readonly name: string;
  readonly role: RoleReference;
  readonly subjects: readonly Subject[];
}

export interface RoleReference {
  readonly kind: "Role" | "ClusterRole";
  readonly name: string;
}

export interface Subject {
  readonly kind: "User" | "Group" | "ServiceAccount";
  readonly name: string;
  /** Of a ServiceAccount, else "". */
  readonly namespace: string;
}

interface BoundSubject {
  readonly binding: Binding;
  readonly subject: Subject;
}

/** One binding that gives somebody a role. `role` is absent when the role it names does not exist. */
interface Grant extends BoundSubject {
  readonly role: Role | undefined;
}

/** Arranges parsed roles and bindings; the same name twice: the last counts. */
export function buildPolicy(roles: Iterable<Role>, bindings: Iterable<Binding>): Policy {
  const all = [...roles];
  const cluster = all.filter(({ kind }) => kind === "ClusterRole");
  const bySubject = new Map<string, BoundSubject[]>();
  for (const binding of bindings)
    for (const subject of binding.subjects) {
      const key = `${binding.namespace}/${subjectKey(subject)}`;
      const list = bySubject.get(key);
      if (list === undefined) bySubject.set(key, [{ binding, subject }]);
      else list.push({ binding, subject });
    }
  return {
    clusterRoles: new Map(cluster.map((role) => [role.name, { ...role, rules: aggregatedRules(role, cluster) }])),
    roles: new Map(all.filter(({ kind }) => kind === "Role").map((role) => [`${role.namespace}/${role.name}`, role])),
    bindings: bySubject,
  };
}

/** Every binding that reaches somebody in a namespace: those of the cluster first. For "" only those. */
export function* grantsOf(policy: Policy, who: Identity, namespace: string): Iterable<Grant> {
  const subjects = [`User:${who.name}`, ...new Set(who.groups.map((group) => `Group:${group}`))];
  for (const within of namespace === "" ? [""] : ["", namespace])
    for (const subject of subjects)
      for (const bound of policy.bindings.get(`${within}/${subject}`) ?? [])
        yield { ...bound, role: referredRole(policy, bound.binding.role, bound.binding.namespace) };
}

/** Everything somebody may do in a namespace ("": with what has none, and in all namespaces at once). */
export function resolveRules(policy: Policy, who: Identity, namespace: string): readonly PolicyRule[] {
  return distinct([...grantsOf(policy, who, namespace)].flatMap(({ role }) => role?.rules ?? []));
}

/** The namespaces in which a binding of its own reaches somebody. */
export function namespacesOf(policy: Policy, who: Identity): ReadonlySet<string> {
  const subjects = new Set([`User:${who.name}`, ...who.groups.map((group) => `Group:${group}`)]);
  const keys = [...policy.bindings.keys()].map((key) => [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)] as const);
  return new Set(keys.flatMap(([namespace, subject]) => (namespace !== "" && subjects.has(subject) ? [namespace] : [])));
}

export function referredRole(policy: Policy, role: RoleReference, namespace: string): Role | undefined {
  return role.kind === "ClusterRole" ? policy.clusterRoles.get(role.name) : policy.roles.get(`${namespace}/${role.name}`);
}

/** A stored Role or ClusterRole. Its `rules` are its own, before aggregation. */
export function readRole(object: ApiObject): Role {
  const aggregates = object.kind === "ClusterRole" ? readAggregation(object["aggregationRule"]) : undefined;
  return {
    kind: object.kind === "ClusterRole" ? "ClusterRole" : "Role",
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name ?? "",
    labels: labelsOf(object),
    rules: readRules(object["rules"]),
    ...(aggregates === undefined ? {} : { aggregates }),
  };
}

/** A stored RoleBinding or ClusterRoleBinding; undefined when it cannot be read, which gives nobody anything. */
export function readBinding(object: ApiObject): Binding | undefined {
  const role = object["roleRef"];
  if (!isJsonObject(role) || typeof role["name"] !== "string") return undefined;
  const kind = role["kind"] === "ClusterRole" ? "ClusterRole" : role["kind"] === "Role" ? "Role" : undefined;
  const cluster = object.kind === "ClusterRoleBinding";
  if (kind === undefined || (cluster && kind === "Role")) return undefined;
  const namespace = cluster ? "" : (object.metadata.namespace ?? "");
  if (!cluster && namespace === "") return undefined;
  const list = object["subjects"];
  return {
    kind: cluster ? "ClusterRoleBinding" : "RoleBinding",
    namespace,
    name: object.metadata.name ?? "",
    role: { kind, name: role["name"] },
    subjects: Array.isArray(list) ? list.filter(isJsonObject).flatMap((subject: JsonObject) => readSubject(subject, namespace)) : [],
  };
}

/** `User "jane"`, `ServiceAccount "deployer/shop"`: Kubernetes' wording. */
export const subjectText = (subject: Subject): string =>
  `${subject.kind} ${JSON.stringify(subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace}` : subject.name)}`;

function readSubject(subject: JsonObject, namespace: string): readonly Subject[] {
  const name: JsonValue | undefined = subject["name"];
  if (typeof name !== "string" || name === "") return [];
  const { kind } = subject;
  if (kind === "User" || kind === "Group") return [{ kind, name, namespace: "" }];
  if (kind !== "ServiceAccount") return [];
  const own = typeof subject["namespace"] === "string" && subject["namespace"] !== "" ? subject["namespace"] : namespace;
  return own === "" ? [] : [{ kind, name, namespace: own }];
}

const subjectKey = (subject: Subject): string =>
  subject.kind === "ServiceAccount" ? `User:${serviceAccountUser(subject.namespace, subject.name)}` : `${subject.kind}:${subject.name}`;
