import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { makeWorld } from "../fixtures/authorization/actors.ts";
import { sender, type Sender } from "../fixtures/fuzz/send.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

/** JSON of an answer, for looking into. */
type Json = ReturnType<typeof JSON.parse>;

let server: RunningServer;
let sending: Sender;
const tokens = new Map<string, string>();

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const SLIPWAY = "/apis/slipway.dev/v1alpha1";
const SHOP = `${SLIPWAY}/namespaces/shop`;
const MERGE = "application/merge-patch+json";

interface Answer {
  readonly code: number;
  readonly body: Json;
}

before(async () => {
  server = await runningServer();
  const config = JSON.parse(await readFile(server.kubeconfig, "utf8"));
  tokens.set("admin", config.users[0].user.token);
  sending = sender(server.url, Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString("utf8"), 10_000);
  const actors = await makeWorld(async (how, path, body) => {
    const headers = how.startsWith("IMPERSONATED ") ? { "impersonate-user": "system:slipway:tokens" } : {};
    return ok(await as("admin", how.replace("IMPERSONATED ", ""), path, body, headers));
  });
  for (const { name, token, headers } of actors) if (headers.length === 0) tokens.set(name, token);
  await prepare();
});
after(async () => {
  sending.close();
  await server.close();
});

/** People with single dangerous rights, and things that are mightier than they. */
async function prepare(): Promise<void> {
  await special("user-manager", [{ apiGroups: ["slipway.dev"], resources: ["users", "users/token"], verbs: ["*"] }]);
  await special("role-writer", [
    { apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles", "roles"], verbs: ["get", "create", "update", "patch"] },
  ]);
  await special("binder", [
    {
      apiGroups: ["rbac.authorization.k8s.io"],
      resources: ["rolebindings", "clusterrolebindings"],
      verbs: ["get", "create", "update", "patch"],
    },
  ]);
  await special("status-writer", [{ apiGroups: ["slipway.dev"], resources: ["syncs/status"], verbs: ["update", "patch"] }]);
  await special("patcher", [
    {
      apiGroups: ["slipway.dev"],
      resources: ["syncs", "gitrepositories", "releasebindings"],
      verbs: ["get", "list", "patch", "update", "create"],
    },
  ]);
  await make("/api/v1/namespaces/shop/serviceaccounts", { metadata: { name: "strong" } });
  await make(
    `${RBAC}/namespaces/shop/rolebindings`,
    binding("strong", "cluster-admin", [{ kind: "ServiceAccount", name: "strong", namespace: "shop" }]),
  );
  await make("/api/v1/namespaces/shop/secrets", { metadata: { name: "login" }, stringData: { password: "p" } });
  await make(`${SHOP}/gitrepositories`, repository("strong", { url: "https://git.example.org/a.git", suspend: true }));
  await make(`${SHOP}/syncs`, sync("strong", { serviceAccountName: "strong", source: { repository: "strong" }, suspend: true }));
}

async function special(name: string, rules: readonly object[]): Promise<void> {
  await make(`${SLIPWAY}/users`, own("User", { metadata: { name }, spec: {} }));
  await make(`${RBAC}/clusterroles`, { metadata: { name }, rules });
  await make(`${RBAC}/clusterrolebindings`, binding(name, name, [{ kind: "User", name }]));
  const answer = await make(`${SLIPWAY}/users/${name}/token`, own("AccessTokenRequest", { spec: {} }));
  tokens.set(name, answer.status.token);
}

interface Attempt {
  readonly way: string;
  readonly who: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: 400 | 403 | 404 | 405 | 422;
  readonly says: RegExp;
}

const attempts: readonly Attempt[] = [
  {
    way: "bind cluster-admin to oneself in the project",
    who: "project admin",
    method: "POST",
    path: `${RBAC}/namespaces/shop/rolebindings`,
    body: binding("me", "cluster-admin", [{ kind: "User", name: "project-admin" }]),
    code: 403,
    says: /cannot bind ClusterRole "cluster-admin": it gives rights he lacks/,
  },
  {
    way: "bind cluster-admin to oneself everywhere",
    who: "project admin",
    method: "POST",
    path: `${RBAC}/clusterrolebindings`,
    body: binding("me", "cluster-admin", [{ kind: "User", name: "project-admin" }]),
    code: 403,
    says: /cannot create resource "clusterrolebindings"/,
  },
  {
    way: "bind with the right to write bindings alone",
    who: "binder",
    method: "POST",
    path: `${RBAC}/clusterrolebindings`,
    body: binding("me", "cluster-admin", [{ kind: "User", name: "binder" }]),
    code: 403,
    says: /cannot bind ClusterRole "cluster-admin"/,
  },
  {
    way: "bind a role before it exists",
    who: "binder",
    method: "POST",
    path: `${RBAC}/clusterrolebindings`,
    body: binding("me", "still-to-come", [{ kind: "User", name: "binder" }]),
    code: 403,
    says: /does not exist/,
  },
  {
    way: "bind a role of rights that one has elsewhere only",
    who: "project admin",
    method: "POST",
    path: `${RBAC}/namespaces/other/rolebindings`,
    body: binding("me", "view", [{ kind: "User", name: "project-admin" }]),
    code: 403,
    says: /cannot create resource "rolebindings"/,
  },
  {
    way: "come into an existing binding of a mightier role",
    who: "project admin",
    method: "PATCH",
    path: `${RBAC}/namespaces/shop/rolebindings/strong`,
    body: { subjects: [{ kind: "User", name: "project-admin", apiGroup: "rbac.authorization.k8s.io" }] },
    code: 403,
    says: /cannot bind ClusterRole "cluster-admin"/,
  },
  {
    way: "point an own binding to another role",
    who: "project admin",
    method: "PATCH",
    path: `${RBAC}/namespaces/shop/rolebindings/x`,
    body: { roleRef: { kind: "ClusterRole", name: "cluster-admin", apiGroup: "rbac.authorization.k8s.io" } },
    code: 422,
    says: /cannot change roleRef/,
  },
  {
    way: "write a role that may do everything",
    who: "project admin",
    method: "POST",
    path: `${RBAC}/namespaces/shop/roles`,
    body: { metadata: { name: "all" }, rules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] },
    code: 403,
    says: /cannot write Role "all": it gives rights he lacks/,
  },
  {
    way: "write a role that may escalate",
    who: "project admin",
    method: "POST",
    path: `${RBAC}/namespaces/shop/roles`,
    body: {
      metadata: { name: "esc" },
      rules: [{ verbs: ["escalate", "bind"], apiGroups: ["rbac.authorization.k8s.io"], resources: ["*"] }],
    },
    code: 403,
    says: /it gives rights he lacks/,
  },
  {
    way: "widen a role that others are bound to",
    who: "project admin",
    method: "PATCH",
    path: `${RBAC}/namespaces/shop/roles/named`,
    body: { rules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] },
    code: 403,
    says: /it gives rights he lacks/,
  },
  {
    way: "take the names off a role with resourceNames",
    who: "role-writer",
    method: "PATCH",
    path: `${RBAC}/namespaces/shop/roles/named`,
    body: { rules: [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }] },
    code: 403,
    says: /it gives rights he lacks/,
  },
  {
    way: "make a role part of edit by its label",
    who: "role-writer",
    method: "POST",
    path: `${RBAC}/clusterroles`,
    body: {
      metadata: { name: "agg", labels: { "rbac.authorization.k8s.io/aggregate-to-edit": "true" } },
      rules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    },
    code: 403,
    says: /it gives rights he lacks/,
  },
  {
    way: "label cluster-admin as a part of view",
    who: "role-writer",
    method: "PATCH",
    path: `${RBAC}/clusterroles/cluster-admin`,
    body: { metadata: { labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } } },
    code: 403,
    says: /cannot write ClusterRole "cluster-admin"/,
  },
  {
    way: "aggregate everything",
    who: "role-writer",
    method: "POST",
    path: `${RBAC}/clusterroles`,
    body: { metadata: { name: "agg" }, aggregationRule: { clusterRoleSelectors: [{}] }, rules: [] },
    code: 403,
    says: /an aggregationRule may only be written by somebody who may do everything/,
  },
  {
    way: "give view an own selector",
    who: "role-writer",
    method: "PATCH",
    path: `${RBAC}/clusterroles/view`,
    body: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { "kubernetes.io/bootstrapping": "rbac-defaults" } }] } },
    code: 403,
    says: /an aggregationRule may only be written/,
  },
  {
    way: "put oneself into a group",
    who: "project admin",
    method: "PATCH",
    path: `${SLIPWAY}/users/project-admin`,
    body: { spec: { groups: ["slipway:admins"] } },
    code: 403,
    says: /cannot patch resource "users"/,
  },
  {
    way: "put oneself into the administrators as a keeper of users",
    who: "user-manager",
    method: "PATCH",
    path: `${SLIPWAY}/users/user-manager`,
    body: { spec: { groups: ["slipway:admins"] } },
    code: 403,
    says: /cannot put a user into the group "slipway:admins"/,
  },
  {
    way: "put oneself into system:masters as a keeper of users",
    who: "user-manager",
    method: "PATCH",
    path: `${SLIPWAY}/users/user-manager`,
    body: { spec: { groups: ["system:masters"] } },
    code: 403,
    says: /cannot put a user into the group "system:masters"/,
  },
  {
    way: "make a user in a group of the server",
    who: "user-manager",
    method: "POST",
    path: `${SLIPWAY}/users`,
    body: own("User", { metadata: { name: "u" }, spec: { groups: ["system:serviceaccounts"] } }),
    code: 422,
    says: /groups that begin with "system:"/,
  },
  {
    way: "call a user as a service account is called",
    who: "user-manager",
    method: "POST",
    path: `${SLIPWAY}/users`,
    body: own("User", { metadata: { name: "system:serviceaccount:shop:strong" }, spec: {} }),
    code: 422,
    says: /metadata\.name/,
  },
  {
    way: "make a token of the administrator as a keeper of users",
    who: "user-manager",
    method: "POST",
    path: `${SLIPWAY}/users/admin/token`,
    body: own("AccessTokenRequest", { spec: {} }),
    code: 403,
    says: /cannot act as "admin", who has rights he lacks/,
  },
  {
    way: "make a token of the administrator",
    who: "project admin",
    method: "POST",
    path: `${SLIPWAY}/users/admin/token`,
    body: own("AccessTokenRequest", { spec: {} }),
    code: 403,
    says: /cannot create resource "users\/token"/,
  },
  {
    way: "make a token of a mightier service account",
    who: "project member",
    method: "POST",
    path: "/api/v1/namespaces/shop/serviceaccounts/strong/token",
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    code: 403,
    says: /cannot create resource "serviceaccounts\/token"/,
  },
  {
    way: "forge an access token",
    who: "project admin",
    method: "POST",
    path: `${SLIPWAY}/accesstokens`,
    body: forged("forged"),
    code: 403,
    says: /cannot create resource "accesstokens"/,
  },
  {
    way: "forge an access token as an administrator",
    who: "administrator",
    method: "POST",
    path: `${SLIPWAY}/accesstokens`,
    body: forged("forged"),
    code: 403,
    says: /tokens are not written by hand/,
  },
  {
    way: "change whose an access token is, as an administrator",
    who: "administrator",
    method: "PATCH",
    path: `${SLIPWAY}/accesstokens/x`,
    body: { spec: { subject: { kind: "User", name: "admin" } } },
    code: 422,
    says: /field is immutable/,
  },
  {
    way: "impersonate the administrator",
    who: "project admin",
    method: "GET",
    path: "/api/v1/secrets",
    headers: { "impersonate-user": "admin", "impersonate-group": "slipway:admins" },
    code: 403,
    says: /cannot impersonate resource "users"/,
  },
  {
    way: "apply as a mightier service account: a new Sync",
    who: "project member",
    method: "POST",
    path: `${SHOP}/syncs`,
    body: sync("mine", { serviceAccountName: "strong", source: { repository: "x" } }),
    code: 403,
    says: /cannot act as "system:serviceaccount:shop:strong"/,
  },
  {
    way: "apply as a mightier service account: another account for an own Sync",
    who: "project member",
    method: "PATCH",
    path: `${SHOP}/syncs/x`,
    body: { spec: { serviceAccountName: "strong" } },
    code: 403,
    says: /cannot act as "system:serviceaccount:shop:strong"/,
  },
  {
    way: "apply as a mightier service account: another folder for its Sync",
    who: "project member",
    method: "PATCH",
    path: `${SHOP}/syncs/strong`,
    body: { spec: { path: "mine" } },
    code: 403,
    says: /cannot act as "system:serviceaccount:shop:strong"/,
  },
  {
    way: "apply as a mightier service account: another address for its repository",
    who: "project member",
    method: "PATCH",
    path: `${SHOP}/gitrepositories/strong`,
    body: { spec: { url: "https://evil.example/a.git" } },
    code: 403,
    says: /a Sync applies what is in it: User "member" cannot act as/,
  },
  {
    way: "apply as a mightier service account: the repository made anew",
    who: "project member",
    method: "POST",
    path: `${SHOP}/gitrepositories`,
    body: repository("gone", { url: "https://evil.example/a.git" }),
    code: 403,
    says: /a Sync applies what is in it/,
  },
  {
    way: "have a Secret sent to oneself",
    who: "project member",
    method: "POST",
    path: `${SHOP}/gitrepositories`,
    body: repository("thief", { url: "https://evil.example/a.git", secretRef: { name: "login" } }),
    code: 403,
    says: /it would send the Secret "login"/,
  },
  {
    way: "take a Secret as the token of a webhook",
    who: "project member",
    method: "POST",
    path: `${SHOP}/gitrepositories`,
    body: repository("thief", { url: "https://evil.example/a.git", webhook: { secretRef: { name: "login" } } }),
    code: 403,
    says: /the Secret "login"/,
  },
  {
    way: "let go a project that others hold",
    who: "project admin",
    method: "PUT",
    path: "/api/v1/namespaces/shop/finalize",
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" }, spec: { finalizers: [] } },
    code: 403,
    says: /cannot update resource "namespaces\/finalize"/,
  },
  {
    way: "hold what others delete by a finalizer",
    who: "viewer",
    method: "PATCH",
    path: `${SHOP}/syncs/x`,
    body: { metadata: { finalizers: ["a.example/mine"] } },
    code: 403,
    says: /cannot patch resource "syncs"/,
  },
  {
    way: "take over by the name of a field manager",
    who: "viewer",
    method: "PATCH",
    path: `${SHOP}/syncs/x?fieldManager=slipway-sync%2Fshop%2Fstrong&force=true`,
    body: own("Sync", { metadata: { name: "x" }, spec: { serviceAccountName: "strong" } }),
    headers: { "content-type": "application/apply-patch+yaml" },
    code: 403,
    says: /cannot patch resource "syncs"/,
  },
  {
    way: "write into another project by the namespace of the body",
    who: "project admin",
    method: "POST",
    path: `${SHOP}/syncs`,
    body: own("Sync", { metadata: { name: "y", namespace: "other" }, spec: { source: { repository: "a" }, serviceAccountName: "x" } }),
    code: 400,
    says: /does not match the namespace/,
  },
  {
    way: "rename on the way",
    who: "project admin",
    method: "PATCH",
    path: `${SHOP}/syncs/x`,
    body: { metadata: { name: "strong" } },
    code: 400,
    says: /does not match the name on the URL/,
  },
  {
    way: "give an object away to the garbage collector without the right to delete it",
    who: "patcher",
    method: "PATCH",
    path: `${SHOP}/syncs/x`,
    body: {
      metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Secret", name: "gone", uid: "00000000-0000-4000-8000-000000000000" }] },
    },
    code: 403,
    says: /delete/,
  },
  {
    way: "give an object away to the pruning of a Sync without the right to delete it",
    who: "patcher",
    method: "PATCH",
    path: `${SHOP}/syncs/x`,
    body: {
      metadata: { labels: { "applyset.kubernetes.io/part-of": "applyset-x-v1" }, annotations: { "slipway.dev/applied-by": "shop/strong" } },
    },
    code: 403,
    says: /delete/,
  },
  {
    way: "read another project by dots in the path",
    who: "project admin",
    method: "GET",
    path: "/api/v1/namespaces/shop/../other/secrets",
    code: 404,
    says: /could not find/,
  },
  {
    way: "read another project by encoded dots in the path",
    who: "project admin",
    method: "GET",
    path: "/api/v1/namespaces/shop%2F..%2Fother/secrets",
    code: 404,
    says: /could not find/,
  },
  {
    way: "read another project by a doubled slash",
    who: "project admin",
    method: "GET",
    path: "/api/v1//namespaces/other/secrets",
    code: 404,
    says: /could not find/,
  },
  {
    way: "delete by another method's name",
    who: "viewer",
    method: "POST",
    path: `${SHOP}/syncs/x`,
    headers: { "x-http-method-override": "DELETE" },
    body: {},
    code: 405,
    says: /does not allow this method/,
  },
];

test(`${attempts.length} ways to become more than one is are refused, each with its reason`, async () => {
  const holes: string[] = [];
  // A Sync waits for this repository already.
  await make(`${SHOP}/syncs`, sync("waiting", { serviceAccountName: "strong", source: { repository: "gone" }, suspend: true }));
  for (const { way, who, method, path, body, headers, code, says } of attempts) {
    const answer = await as(who, method, path, body, headers);
    if (answer.code !== code || !says.test(String(answer.body?.message)))
      holes.push(`${way}: expected ${code} ${String(says)}, got ${answer.code} ${JSON.stringify(answer.body).slice(0, 500)}`);
  }
  console.log(`  ${attempts.length} ways up, ${holes.length} open`);
  assert.ok(holes.length === 0, holes.join("\n"));
});

test("the status of an object is the way to its status alone", async () => {
  const before = (await as("admin", "GET", `${SHOP}/syncs/x`)).body;
  const evil = {
    metadata: {
      ...before.metadata,
      labels: { evil: "yes" },
      annotations: { evil: "yes" },
      finalizers: ["evil.example/x"],
      ownerReferences: [{ apiVersion: "v1", kind: "Secret", name: "gone", uid: "00000000-0000-4000-8000-000000000000" }],
    },
    spec: { ...before.spec, serviceAccountName: "strong", suspend: false },
    status: { blockedBy: "somebody" },
  };
  ok(await as("status-writer", "PUT", `${SHOP}/syncs/x/status`, { ...before, ...evil }));
  const { managedFields: _, resourceVersion: __, ...metadata } = evil.metadata;
  ok(await as("status-writer", "PATCH", `${SHOP}/syncs/x/status`, { ...evil, metadata }));
  const now = (await as("admin", "GET", `${SHOP}/syncs/x`)).body;
  assert.deepEqual(now.spec, before.spec);
  for (const field of ["labels", "annotations", "finalizers", "ownerReferences"])
    assert.deepEqual(now.metadata[field], before.metadata[field], field);
  assert.equal(now.status.blockedBy, "somebody");
});

test("a token gives no wider token, and those of an earlier bearer of the name give nothing", async () => {
  const order = own("AccessTokenRequest", {
    spec: { scopes: [{ verbs: ["create"], apiGroups: ["slipway.dev"], resources: ["users/token"] }] },
  });
  tokens.set("minting", (await make(`${SLIPWAY}/users/boss/token`, order)).status.token);
  const wide = await as("minting", "POST", `${SLIPWAY}/users/boss/token`, own("AccessTokenRequest", { spec: {} }));
  assert.equal(wide.code, 403, JSON.stringify(wide.body));
  assert.match(wide.body.message, /wider scope/);

  for (const [collection, request] of [
    ["/api/v1/namespaces/shop/serviceaccounts", { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }],
    [`${SLIPWAY}/users`, own("AccessTokenRequest", { spec: {} })],
  ] as const) {
    const object = collection.includes("users") ? own("User", { metadata: { name: "again" }, spec: {} }) : { metadata: { name: "again" } };
    await make(collection, object);
    tokens.set("again", (await make(`${collection}/again/token`, request)).status.token);
    assert.equal((await as("again", "GET", "/version")).code, 200);
    ok(await as("admin", "DELETE", `${collection}/again`));
    await make(collection, object);
    assert.equal((await as("again", "GET", "/version")).code, 401, `${collection}: the token of the one before`);
  }
});

test("what a stranger's object says of its owner neither deletes nor holds what is in another project", async () => {
  const secrets = "/api/v1/namespaces/shop/secrets";
  const owner = await make(secrets, { metadata: { name: "owner" } });
  const reference = {
    apiVersion: "v1",
    kind: "Secret",
    name: "owner",
    uid: owner.metadata.uid,
    blockOwnerDeletion: true,
    controller: true,
  };
  await make("/api/v1/namespaces/shop/serviceaccounts", {
    metadata: { name: "child", ownerReferences: [{ ...reference, blockOwnerDeletion: false }] },
  });
  const repositories = `${SLIPWAY}/namespaces/other/gitrepositories`;
  const hostile = own("GitRepository", {
    metadata: { name: "leech", ownerReferences: [reference], finalizers: ["evil.example/never"] },
    spec: { url: "https://git.example.org/a.git", suspend: true },
  });
  ok(await as("member of another project", "POST", repositories, hostile));
  // A twin in the other project, under the name and kind that the reference gives.
  ok(await as("admin", "POST", "/api/v1/namespaces/other/secrets", { metadata: { name: "owner" } }));
  ok(await as("admin", "DELETE", "/api/v1/namespaces/other/secrets/owner"));
  await pause(500);
  assert.equal((await as("admin", "GET", `${secrets}/owner`)).code, 200, "the owner lives");
  assert.equal((await as("admin", "GET", "/api/v1/namespaces/shop/serviceaccounts/child")).code, 200, "and so does what belongs to it");
  ok(await as("admin", "DELETE", `${secrets}/owner`, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" }));
  await eventually(
    "the owner is gone, whoever says to block it in another project",
    async () => (await as("admin", "GET", `${secrets}/owner`)).code === 404,
  );
});

async function eventually(what: string, holds: () => Promise<boolean>, longestMs = 10_000): Promise<void> {
  const deadline = performance.now() + longestMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, what);
    await pause(100);
  }
}

async function as(
  who: string,
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const token = tokens.get(who);
  assert.ok(token, `there is a token of ${who}`);
  const typed =
    body === undefined || headers["content-type"] !== undefined
      ? headers
      : { ...headers, "content-type": method === "PATCH" ? MERGE : "application/json" };
  const { code, text } = await sending.send({
    method,
    path,
    headers: Object.entries(typed),
    who: "admin",
    token,
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
  return { code, body: JSON.parse(text === "" ? "null" : text) };
}

const make = async (path: string, body: object): Promise<Json> => ok(await as("admin", "POST", path, body));

function ok({ code, body }: Answer): Json {
  assert.ok(code < 300, `${code} ${JSON.stringify(body)}`);
  return body;
}

function own(kind: string, rest: object): object {
  return { apiVersion: "slipway.dev/v1alpha1", kind, ...rest };
}

function sync(name: string, spec: object): object {
  return own("Sync", { metadata: { name }, spec });
}

function repository(name: string, spec: object): object {
  return own("GitRepository", { metadata: { name }, spec });
}

function binding(name: string, role: string, subjects: readonly object[]): object {
  return { metadata: { name }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role }, subjects };
}

function forged(name: string): object {
  return own("AccessToken", {
    metadata: { name },
    spec: { subject: { kind: "User", name: "admin", uid: "1" }, hash: "0".repeat(64), expiresAt: "2099-01-01T00:00:00Z" },
  });
}
