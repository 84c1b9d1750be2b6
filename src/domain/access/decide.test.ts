import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { arbitraryAsked, arbitraryRules } from "../../../test/fixtures/access/arbitrary.ts";
import type { ApiObject } from "../object/api-object.ts";
import { bootstrapObjects } from "./bootstrap.ts";
import { decide, deniedText, type Holder } from "./decide.ts";
import { buildPolicy, readBinding, readRole, type Policy } from "./policy.ts";
import { policyRule, ruleObject, type Asked, type PolicyRule } from "./policy-rule.ts";

const RBAC = "rbac.authorization.k8s.io/v1";

function policyOf(objects: readonly ApiObject[]): Policy {
  return buildPolicy(
    objects.filter(({ kind }) => kind.endsWith("Role")).map(readRole),
    objects.filter(({ kind }) => kind.endsWith("Binding")).flatMap((object) => readBinding(object) ?? []),
  );
}

const role = (namespace: string, name: string, ...rules: readonly PolicyRule[]): ApiObject => ({
  apiVersion: RBAC,
  kind: namespace === "" ? "ClusterRole" : "Role",
  metadata: { name, ...(namespace === "" ? {} : { namespace }) },
  rules: rules.map(ruleObject),
});

const binding = (namespace: string, name: string, roleName: string, ...subjects: readonly (readonly string[])[]): ApiObject => ({
  apiVersion: RBAC,
  kind: namespace === "" ? "ClusterRoleBinding" : "RoleBinding",
  metadata: { name, ...(namespace === "" ? {} : { namespace }) },
  roleRef: { kind: roleName.startsWith("role/") ? "Role" : "ClusterRole", name: roleName.replace("role/", "") },
  subjects: subjects.map(([kind = "", subject = "", of]) => ({ kind, name: subject, ...(of === undefined ? {} : { namespace: of }) })),
});

const rule = (verbs: string, resources: string, group = "slipway.dev"): PolicyRule =>
  policyRule({ verbs: verbs.split(" "), apiGroups: [group], resources: resources.split(" ") });
const asked = (verb: string, resource: string, namespace: string, name = ""): Asked => ({
  verb,
  group: "slipway.dev",
  resource,
  subresource: "",
  namespace,
  name,
});
const jane: Holder = { name: "jane", groups: ["devs", "system:authenticated"] };

const policy = policyOf([
  ...bootstrapObjects(),
  role("shop", "reader", rule("get list", "syncs")),
  role("", "writer", rule("update", "syncs"), policyRule({ verbs: ["get"], nonResourceURLs: ["/metrics"] })),
  role("", "ns-reader", rule("get delete", "namespaces", "")),
  binding("shop", "readers", "role/reader", ["Group", "devs"], ["ServiceAccount", "bot"]),
  binding("shop", "writers", "writer", ["User", "jane"], ["ServiceAccount", "bot", "tools"]),
  binding("shop", "ns-readers", "ns-reader", ["User", "jane"]),
  binding("shop", "lost", "role/nowhere", ["User", "lost"]),
  binding("", "all-writers", "writer", ["User", "root"]),
]);

const cases: readonly { readonly name: string; readonly who: Holder; readonly asks: Asked; readonly allowed: boolean }[] = [
  { name: "a group's role in its namespace", who: jane, asks: asked("list", "syncs", "shop"), allowed: true },
  { name: "not in another namespace", who: jane, asks: asked("list", "syncs", "web"), allowed: false },
  { name: "not in all namespaces at once", who: jane, asks: asked("list", "syncs", ""), allowed: false },
  {
    name: "a ClusterRole through a RoleBinding, in its namespace",
    who: jane,
    asks: asked("update", "syncs", "shop", "app"),
    allowed: true,
  },
  { name: "a ClusterRole through a RoleBinding, not elsewhere", who: jane, asks: asked("update", "syncs", "web", "app"), allowed: false },
  { name: "no paths through a RoleBinding", who: jane, asks: { verb: "get", path: "/metrics" }, allowed: false },
  { name: "paths through a ClusterRoleBinding", who: { name: "root", groups: [] }, asks: { verb: "get", path: "/metrics" }, allowed: true },
  { name: "a ClusterRoleBinding everywhere", who: { name: "root", groups: [] }, asks: asked("update", "syncs", "web", "x"), allowed: true },
  {
    name: "a service account of the binding's own namespace",
    who: { name: "system:serviceaccount:shop:bot", groups: [] },
    asks: asked("get", "syncs", "shop", "x"),
    allowed: true,
  },
  {
    name: "a service account of another namespace that is named",
    who: { name: "system:serviceaccount:tools:bot", groups: [] },
    asks: asked("update", "syncs", "shop", "x"),
    allowed: true,
  },
  {
    name: "not its namesake",
    who: { name: "system:serviceaccount:tools:bot", groups: [] },
    asks: asked("get", "syncs", "shop", "x"),
    allowed: false,
  },
  {
    name: "a user is not a group of the same name",
    who: { name: "devs", groups: [] },
    asks: asked("list", "syncs", "shop"),
    allowed: false,
  },
  {
    name: "a namespace object through a binding in it",
    who: jane,
    asks: { ...asked("delete", "namespaces", "", "shop"), group: "" },
    allowed: true,
  },
  { name: "not another namespace object", who: jane, asks: { ...asked("delete", "namespaces", "", "web"), group: "" }, allowed: false },
  {
    name: "everything for system:masters",
    who: { name: "x", groups: ["system:masters"] },
    asks: asked("promote", "anything", ""),
    allowed: true,
  },
  { name: "discovery for everyone authenticated", who: jane, asks: { verb: "get", path: "/openapi/v3" }, allowed: true },
  {
    name: "not for anybody else",
    who: { name: "x", groups: ["system:unauthenticated"] },
    asks: { verb: "get", path: "/openapi/v3" },
    allowed: false,
  },
  { name: "an own token", who: jane, asks: { ...asked("create", "users", "", "jane"), subresource: "token" }, allowed: true },
  {
    name: "no other one's token",
    who: jane,
    asks: { ...asked("create", "users", "", "joe"), subresource: "token" },
    allowed: false,
  },
  {
    name: "no right from a role that does not exist",
    who: { name: "lost", groups: [] },
    asks: asked("get", "syncs", "shop"),
    allowed: false,
  },
];
for (const { name, who, asks, allowed } of cases)
  test(`access: ${name}`, () => assert.equal(decide(policy, who, asks).allowed, allowed, decide(policy, who, asks).reason));

test("a decision names the binding that allows it, in Kubernetes' words", () => {
  assert.equal(
    decide(policy, jane, asked("list", "syncs", "shop")).reason,
    'RBAC: allowed by RoleBinding "readers/shop" of Role "reader" to Group "devs"',
  );
  assert.equal(
    decide(policy, { name: "system:serviceaccount:tools:bot", groups: [] }, asked("update", "syncs", "shop")).reason,
    'RBAC: allowed by RoleBinding "writers/shop" of ClusterRole "writer" to ServiceAccount "bot/tools"',
  );
});

test("a refusal says what was asked, and which role would give it", () => {
  const asks = asked("delete", "syncs", "web", "app");
  assert.equal(deniedText(jane, asks), 'User "jane" cannot delete resource "syncs" in API group "slipway.dev" in the namespace "web"');
  assert.equal(
    decide(policy, jane, asks).reason,
    'ClusterRole "slipway:project-member" would allow it: kubectl create rolebinding -n web NAME --clusterrole=slipway:project-member --user=jane',
  );
  assert.match(
    decide(policy, jane, asked("list", "syncs", "")).reason,
    /^ClusterRole "view" would allow it: kubectl create clusterrolebinding NAME /,
  );
  assert.match(
    decide(policy, { name: "lost", groups: [] }, asked("list", "syncs", "shop")).reason,
    /the role of RoleBinding "lost\/shop" of Role "nowhere" to User "lost" does not exist/,
  );
  assert.equal(deniedText(jane, { verb: "get", path: "/metrics" }), 'User "jane" cannot get path "/metrics"');
});

const scopes = [{ verbs: ["get"], apiGroups: ["slipway.dev"], resources: ["syncs"], namespaces: ["shop"] }];
const scoped: readonly { readonly name: string; readonly who: Holder; readonly asks: Asked; readonly allowed: boolean }[] = [
  { name: "allows what is in it", who: jane, asks: asked("get", "syncs", "shop", "app"), allowed: true },
  { name: "takes what is not in it", who: jane, asks: asked("list", "syncs", "shop"), allowed: false },
  { name: "gives nothing its owner lacks", who: { name: "joe", groups: [] }, asks: asked("get", "syncs", "shop", "app"), allowed: false },
  {
    name: "holds for system:masters too",
    who: { name: "x", groups: ["system:masters"] },
    asks: asked("get", "syncs", "web", "app"),
    allowed: false,
  },
  {
    name: "of a namespace is not for all of them",
    who: { name: "x", groups: ["system:masters"] },
    asks: asked("get", "syncs", ""),
    allowed: false,
  },
  { name: "leaves discovery", who: jane, asks: { verb: "get", path: "/apis" }, allowed: true },
  { name: "takes other paths", who: { name: "x", groups: ["system:masters"] }, asks: { verb: "get", path: "/metrics" }, allowed: false },
  { name: "takes new tokens", who: jane, asks: { ...asked("create", "users", "", "jane"), subresource: "token" }, allowed: false },
  {
    name: "leaves questions about oneself",
    who: jane,
    asks: { ...asked("create", "selfsubjectaccessreviews", ""), group: "authorization.k8s.io" },
    allowed: true,
  },
];
for (const { name, who, asks, allowed } of scoped)
  test(`the scope of a token ${name}`, () => assert.equal(decide(policy, { ...who, scopes }, asks).allowed, allowed));

test("a scope never allows what its owner may not do", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, arbitraryAsked, (rules, limits, asks) => {
      const small = policyOf([role("", "r", ...rules), binding("", "b", "r", ["User", "jane"])]);
      if (
        decide(small, { ...jane, scopes: limits.map(({ verbs, apiGroups, resources }) => ({ verbs, apiGroups, resources })) }, asks).allowed
      )
        assert.ok(decide(small, jane, asks).allowed);
    }),
  );
});

test("a binding that cannot be read gives nobody anything", () => {
  const whole = binding("shop", "b", "cluster-admin", ["User", "jane"]);
  const broken: readonly ApiObject[] = [
    { ...whole, roleRef: "cluster-admin" },
    { ...whole, roleRef: { kind: "Cluster", name: "cluster-admin" } },
    { ...whole, roleRef: { kind: "ClusterRole" } },
    { ...whole, subjects: { kind: "User", name: "jane" } },
    { ...whole, subjects: [null, "jane", { kind: "Person", name: "jane" }, { kind: "User", name: 7 }, { kind: "User" }] },
    { ...whole, metadata: { name: "b" } },
    { ...binding("", "b", "cluster-admin", ["User", "jane"]), roleRef: { kind: "Role", name: "cluster-admin" } },
  ];
  for (const object of broken)
    assert.equal(
      decide(policyOf([...bootstrapObjects(), object]), jane, asked("delete", "syncs", "shop")).allowed,
      false,
      JSON.stringify(object),
    );
});
