import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { ResourceError } from "../../ports/resources.ts";
import { ApiRefusal } from "../../ports/kubernetes-api.ts";
import { accessWorld, binding, role, serviceAccount, type AccessWorld } from "../../../test/fixtures/access/world.ts";
import type { ApiObject } from "../../domain/object/api-object.ts";
import type { Caller } from "../caller.ts";
import { impersonated } from "./impersonation.ts";
import { serviceAccountCaller, serverCaller } from "./identities.ts";

let world: AccessWorld;
/** May write roles, bindings, users and tokens, but has little to give. */
let member: Caller;
/** The same, with a token that is good for reading syncs in the project shop. */
let scoped: Caller;

const SLIPWAY = "slipway.dev";
const RBAC = "rbac.authorization.k8s.io";
const read = { verbs: ["get", "list"], apiGroups: [SLIPWAY], resources: ["syncs"] };
const access = { verbs: ["get", "create", "update", "delete"], apiGroups: [RBAC], resources: ["roles", "rolebindings"] };

before(async () => {
  world = await accessWorld();
  await world.write(
    role("", "member", [
      read,
      access,
      { verbs: ["create", "update"], apiGroups: [SLIPWAY], resources: ["syncs", "gitrepositories"] },
      { verbs: ["create"], apiGroups: [""], resources: ["serviceaccounts", "serviceaccounts/token"] },
    ]),
  );
  await world.write(
    role("", "outside", [
      { verbs: ["get", "create", "update"], apiGroups: [RBAC], resources: ["clusterroles", "clusterrolebindings"] },
      { verbs: ["get", "create", "update"], apiGroups: [SLIPWAY], resources: ["users", "accesstokens"] },
      { verbs: ["create"], apiGroups: [SLIPWAY], resources: ["users/token"] },
    ]),
  );
  member = await world.user("jane");
  await world.user("root");
  await world.user("plain");
  await world.write(binding("shop", "members", "clusterrole/member", "User:jane"));
  await world.write(binding("", "outsiders", "clusterrole/outside", "User:jane"));
  await world.write(binding("", "roots", "clusterrole/cluster-admin", "User:root"));
  await world.write(role("shop", "reader", [read]));
  await world.write(role("shop", "secret-reader", [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }]));
  for (const [namespace, name] of [
    ["shop", "bot"],
    ["shop", "strong"],
    ["web", "bot"],
  ] as const)
    await world.write(serviceAccount(namespace, name));
  await world.write(binding("shop", "bots", "role/reader", "ServiceAccount:shop/bot"));
  await world.write(binding("shop", "strong", "clusterrole/edit", "ServiceAccount:shop/strong"));
  await world.write({ ...sync("strong", "strong"), spec: { source: { repository: "trusted" }, serviceAccountName: "strong" } });
  scoped = {
    ...member,
    token: "t",
    scopes: [
      { verbs: ["get", "create", "update"], apiGroups: [SLIPWAY, RBAC], resources: ["syncs", "roles", "rolebindings", "users/token"] },
    ],
  };
});
after(() => world.close());

const writing = (object: ApiObject, as?: () => Caller) => async (): Promise<unknown> => world.write(object, as?.() ?? member);
const issuing =
  (owner: Parameters<AccessWorld["issue"]>[1], spec: Record<string, never> | object = {}, as?: () => Caller) =>
  async (): Promise<unknown> =>
    world.issue(as?.() ?? member, owner, { apiVersion: "v1", kind: "TokenRequest", spec: { ...spec } });
const acting = (headers: Readonly<Record<string, string | readonly string[]>>, as?: () => Caller) => async (): Promise<unknown> => {
  const answer = await impersonated(as?.() ?? member, headers, world.authorizer);
  if ("refused" in answer) throw new ApiRefusal(answer.code, "Forbidden", answer.refused);
  return answer;
};
const sync = (name: string, serviceAccountName: string): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { namespace: "shop", name },
  spec: { source: { repository: "app" }, serviceAccountName },
});
const repository = (name: string): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { namespace: "shop", name },
  spec: { url: "https://elsewhere.example.org/x.git" },
});
const aggregated = role("", "mine", [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } });
const labelled = role("", "sneak", [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }], {
  metadata: { name: "sneak", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
});

const tries: readonly { readonly name: string; readonly attempt: () => Promise<unknown>; readonly refused: RegExp }[] = [
  {
    name: "a role with a right he lacks",
    attempt: writing(role("shop", "r1", [{ verbs: ["delete"], apiGroups: [SLIPWAY], resources: ["syncs"] }])),
    refused: /it gives rights he lacks \(delete syncs\.slipway\.dev\)/,
  },
  { name: "a role with every verb", attempt: writing(role("shop", "r2", [{ ...read, verbs: ["*"] }])), refused: /\* syncs/ },
  { name: "a role with every resource", attempt: writing(role("shop", "r3", [{ ...read, resources: ["*"] }])), refused: /rights he lacks/ },
  { name: "a role with every group", attempt: writing(role("shop", "r4", [{ ...read, apiGroups: ["*"] }])), refused: /rights he lacks/ },
  {
    name: "a role with a subresource of what he has",
    attempt: writing(role("shop", "r5", [{ ...read, resources: ["syncs/status"] }])),
    refused: /syncs\/status/,
  },
  { name: "his own rights in another project", attempt: writing(role("web", "r6", [read])), refused: /cannot create resource "roles"/ },
  { name: "his project's rights for the whole cluster", attempt: writing(role("", "r7", [read])), refused: /rights he lacks/ },
  {
    name: "a cluster role with paths",
    attempt: writing(role("", "r8", [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }])),
    refused: /get \/metrics/,
  },
  { name: "an aggregating cluster role", attempt: writing(aggregated), refused: /aggregationRule may only be written/ },
  { name: "a cluster role that is aggregated into view", attempt: writing(labelled), refused: /rights he lacks/ },
  {
    name: "a wider rule in a role that is bound already",
    attempt: writing(role("shop", "reader", [read, { verbs: ["get"], apiGroups: [""], resources: ["secrets"] }])),
    refused: /get secrets/,
  },
  {
    name: "a stronger role for himself",
    attempt: writing(binding("shop", "b1", "clusterrole/admin", "User:jane")),
    refused: /cannot bind ClusterRole "admin"/,
  },
  {
    name: "a stronger role for another",
    attempt: writing(binding("shop", "b2", "role/secret-reader", "User:plain")),
    refused: /get secrets/,
  },
  { name: "a role that does not exist yet", attempt: writing(binding("shop", "b3", "role/later", "User:jane")), refused: /does not exist/ },
  {
    name: "his own role for the whole cluster",
    attempt: writing(binding("", "b4", "clusterrole/member", "User:jane")),
    refused: /rights he lacks/,
  },
  {
    name: "a stronger role for system:masters",
    attempt: writing(binding("", "b5", "clusterrole/cluster-admin", "Group:system:masters")),
    refused: /rights he lacks/,
  },
  {
    name: "a stronger role for a service account of another namespace",
    attempt: writing(binding("shop", "b6", "clusterrole/edit", "ServiceAccount:web/bot")),
    refused: /rights he lacks/,
  },
  {
    name: "himself as a subject of a stronger binding",
    attempt: writing(binding("shop", "strong", "clusterrole/edit", "ServiceAccount:shop/strong", "User:jane")),
    refused: /rights he lacks/,
  },
  {
    name: "a group for himself",
    attempt: writing({ apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name: "jane" }, spec: { groups: ["admins"] } }),
    refused: /into the group "admins"/,
  },
  {
    name: "the group system:masters for himself",
    attempt: writing({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "User",
      metadata: { name: "jane" },
      spec: { groups: ["system:masters"] },
    }),
    refused: /system:/,
  },
  {
    name: "a token written by hand",
    attempt: writing({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "AccessToken",
      metadata: { name: "mine" },
      spec: { subject: { kind: "User", name: "root" }, hash: "0".repeat(64), expiresAt: "2030-01-01T00:00:00Z" },
    }),
    refused: /not written by hand/,
  },
  {
    name: "a token of a stronger user",
    attempt: issuing({ kind: "User", name: "root" }),
    refused: /cannot act as "root", who has rights he lacks/,
  },
  {
    name: "a token of a stronger service account",
    attempt: issuing({ kind: "ServiceAccount", namespace: "shop", name: "strong" }),
    refused: /rights he lacks in the namespace "shop"/,
  },
  {
    name: "a token of a service account of another namespace",
    attempt: issuing({ kind: "ServiceAccount", namespace: "web", name: "bot" }),
    refused: /cannot create resource "serviceaccounts\/token"/,
  },
  {
    name: "a token of a stronger user with a scope he has not",
    attempt: issuing({ kind: "User", name: "root" }, { scopes: [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }] }),
    refused: /rights he lacks/,
  },
  {
    name: "a token of a stronger user for his own project but with all verbs",
    attempt: issuing(
      { kind: "User", name: "root" },
      { scopes: [{ verbs: ["*"], apiGroups: [SLIPWAY], resources: ["syncs"], namespaces: ["shop"] }] },
    ),
    refused: /rights he lacks/,
  },
  {
    name: "an own token without the scope of the present one",
    attempt: issuing({ kind: "User", name: "jane" }, {}, () => scoped),
    refused: /wider scope/,
  },
  {
    name: "an own token with a wider scope",
    attempt: issuing(
      { kind: "User", name: "jane" },
      { scopes: [{ verbs: ["*"], apiGroups: [SLIPWAY], resources: ["syncs"] }] },
      () => scoped,
    ),
    refused: /wider scope/,
  },
  {
    name: "a role that his rights cover and his token does not",
    attempt: writing(role("shop", "r9", [{ verbs: ["list"], apiGroups: [SLIPWAY], resources: ["syncs"] }]), () => scoped),
    refused: /rights he lacks \(list syncs/,
  },
  { name: "to act as a stronger user", attempt: acting({ "impersonate-user": "root" }), refused: /cannot impersonate resource "users"/ },
  {
    name: "to act as himself with a group",
    attempt: acting({ "impersonate-user": "jane", "impersonate-group": ["system:masters"] }),
    refused: /cannot impersonate/,
  },
  {
    name: "to act as a service account",
    attempt: acting({ "impersonate-user": "system:serviceaccount:shop:strong" }),
    refused: /cannot impersonate resource "serviceaccounts"/,
  },
  { name: "to act as a controller", attempt: acting({ "impersonate-user": "system:slipway:sync" }), refused: /cannot impersonate/ },
  {
    name: "a secret, sent to his own server",
    attempt: writing({ ...repository("mine"), spec: { url: "https://elsewhere.example.org/x.git", secretRef: { name: "deploy-key" } } }),
    refused: /it would send the Secret "deploy-key" where its url says/,
  },
  {
    name: "a path on the server's machine, which the server reads with its own rights",
    attempt: writing({ ...repository("local"), spec: { url: "/var/lib/other-project" } }),
    refused: /"use" on "localrepositories"/,
  },
  {
    name: "the same path as a file address",
    attempt: writing({ ...repository("local"), spec: { url: "FILE:///var/lib/other-project" } }),
    refused: /"use" on "localrepositories"/,
  },
  {
    name: "another repository for a sync that acts as a stronger service account",
    attempt: writing(repository("trusted")),
    refused: /a Sync applies what is in it: .*system:serviceaccount:shop:strong/,
  },
  {
    name: "another repository in a sync that acts as a stronger service account",
    attempt: writing({ ...sync("strong", "strong"), spec: { source: { repository: "mine" }, serviceAccountName: "strong" } }),
    refused: /cannot act as/,
  },
  {
    name: "a sync that acts as a stronger service account",
    attempt: writing(sync("s1", "strong")),
    refused: /cannot act as "system:serviceaccount:shop:strong"/,
  },
];
for (const { name, attempt, refused } of tries)
  test(`nobody gets what he lacks: ${name}`, async () => {
    await assert.rejects(attempt(), (error: Error) => {
      assert.ok(error instanceof ResourceError || error instanceof ApiRefusal, error.stack ?? "");
      assert.match(error.message, refused);
      return true;
    });
  });

const gifts: readonly { readonly name: string; readonly attempt: () => Promise<unknown> }[] = [
  { name: "a role of what he has", attempt: writing(role("shop", "ok1", [{ ...read, resourceNames: ["app"] }])) },
  { name: "a binding of what he has", attempt: writing(binding("shop", "ok2", "role/reader", "User:plain", "Group:devs")) },
  {
    name: "a role and at once its binding",
    attempt: async () => {
      await world.write(role("shop", "ok3", [read]), member);
      return world.write(binding("shop", "ok3", "role/ok3", "User:plain"), member);
    },
  },
  { name: "a token of a weaker service account", attempt: issuing({ kind: "ServiceAccount", namespace: "shop", name: "bot" }) },
  { name: "a token of a weaker user", attempt: issuing({ kind: "User", name: "plain" }) },
  { name: "an own token", attempt: issuing({ kind: "User", name: "jane" }) },
  {
    name: "an own token with a narrower scope",
    attempt: issuing(
      { kind: "User", name: "jane" },
      { scopes: [{ verbs: ["get"], apiGroups: [SLIPWAY], resources: ["syncs"], namespaces: ["shop"] }] },
      () => scoped,
    ),
  },
  {
    name: "a token of a stronger user limited to what he has himself",
    attempt: issuing(
      { kind: "User", name: "root" },
      { scopes: [{ verbs: ["get"], apiGroups: [SLIPWAY], resources: ["syncs"], namespaces: ["shop"] }] },
    ),
  },
  { name: "a repository that only weaker syncs read", attempt: writing(repository("free")) },
  {
    name: "a stop to a sync that acts as a stronger service account",
    attempt: writing({
      ...sync("strong", "strong"),
      spec: { source: { repository: "trusted" }, serviceAccountName: "strong", suspend: true },
    }),
  },
  { name: "a sync that acts as a weaker service account", attempt: writing(sync("ok4", "bot")) },
  {
    name: "a user without groups",
    attempt: writing({ apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name: "new" }, spec: {} }),
  },
];
for (const { name, attempt } of gifts) test(`everybody may give what he has: ${name}`, () => assert.doesNotReject(attempt()));

test("the verbs escalate and bind give what is not held", async () => {
  const giver = await world.user("giver");
  await world.write(
    role("", "giver", [
      { verbs: ["create", "escalate"], apiGroups: [RBAC], resources: ["roles"] },
      { verbs: ["create"], apiGroups: [RBAC], resources: ["rolebindings"] },
      { verbs: ["bind"], apiGroups: [RBAC], resources: ["clusterroles"], resourceNames: ["view"] },
    ]),
  );
  await world.write(binding("shop", "givers", "clusterrole/giver", "User:giver"));
  await world.write(role("shop", "anything", [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]), giver);
  await world.write(binding("shop", "views", "clusterrole/view", "User:plain"), giver);
  await assert.rejects(world.write(binding("shop", "edits", "clusterrole/edit", "User:plain"), giver), /cannot bind/);
});

test("who is impersonated by name alone gets no token of the groups he has", async () => {
  await world.user("chief", { groups: ["chiefs"] });
  await world.write(binding("", "chiefs", "clusterrole/cluster-admin", "Group:chiefs"));
  await world.write(role("", "as-chief", [{ verbs: ["impersonate"], apiGroups: [""], resources: ["users"], resourceNames: ["chief"] }]));
  await world.write(binding("", "as-chiefs", "clusterrole/as-chief", "User:jane"));
  const chief = await impersonated(member, { "impersonate-user": "chief" }, world.authorizer);
  assert.ok(!("refused" in chief));
  assert.deepEqual(chief.groups, ["system:authenticated"]);
  await assert.rejects(world.issue(chief, { kind: "User", name: "chief" }, {}), /cannot act as "chief"/);
});

test("the server, and a service account with the right, may act as another", async () => {
  const headers = {
    "impersonate-user": "jane",
    "impersonate-group": ["devs", "ops"],
    "impersonate-uid": "7",
    "impersonate-extra-a%2fb": "c",
  };
  const jane = await impersonated(serverCaller, headers, world.authorizer);
  assert.ok(!("refused" in jane));
  assert.deepEqual(jane, {
    name: "jane",
    uid: "7",
    groups: ["devs", "ops", "system:authenticated"],
    extra: { "a/b": ["c"] },
    impersonatedBy: "system:slipway:server",
  });
  const strong = serviceAccountCaller("shop", "strong", "u");
  const bot = await impersonated(strong, { "impersonate-user": "system:serviceaccount:shop:bot" }, world.authorizer);
  assert.ok(!("refused" in bot));
  assert.deepEqual(bot.groups, ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]);
});

test("impersonation keeps the scope of the token, and malformed headers are refused", async () => {
  const limited = { ...serverCaller, scopes: [{ verbs: ["impersonate"], apiGroups: [""], resources: ["users"] }] };
  const jane = await impersonated(limited, { "impersonate-user": "jane" }, world.authorizer);
  assert.deepEqual("refused" in jane ? [] : jane.scopes, limited.scopes);
  for (const headers of [
    { "impersonate-group": "devs" },
    { "impersonate-user": "" },
    { "impersonate-user": ["a", "b"] },
    { "impersonate-user": "a", "impersonate-x": "y" },
    { "impersonate-user": "a", "impersonate-extra-%ff": "y" },
  ]) {
    const answer = await impersonated(serverCaller, headers, world.authorizer);
    assert.equal("refused" in answer ? answer.code : 0, 400, JSON.stringify(headers));
  }
  assert.equal(await impersonated(member, {}, world.authorizer), member);
});
