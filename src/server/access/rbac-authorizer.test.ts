import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { accessWorld, binding, role, type AccessWorld } from "../../../test/fixtures/access/world.ts";
import type { ResourceAttributes } from "../caller.ts";
import { ADMINS } from "../../domain/access/identity.ts";
import { ensureBootstrap } from "./ensure-bootstrap.ts";
import { controllerCaller, serverCaller } from "./identities.ts";
import { userOfGitAuthor } from "./git-authors.ts";

let world: AccessWorld;
before(async () => {
  world = await accessWorld();
});
after(() => world.close());

const asked = (verb: string, resource: string, namespace = "shop", group = "slipway.dev"): ResourceAttributes => {
  const [plural = "", subresource = ""] = resource.split("/");
  return { verb, group, version: "v1", resource: plural, subresource, namespace, name: "x" };
};

test("a right counts from the request after it was given, and ends with the one after it was taken", async () => {
  const jane = await world.user("jane");
  for (let round = 0; round < 20; round += 1) {
    assert.equal((await world.authorizer.authorize(jane, asked("get", "syncs"))).allowed, false);
    await world.write(binding("shop", "views", "clusterrole/view", "User:jane"));
    assert.equal((await world.authorizer.authorize(jane, asked("get", "syncs"))).allowed, true);
    await world.write(binding("shop", "views", "clusterrole/view", "User:joe"));
  }
});

test("what was decided for one is not answered to another", async () => {
  const [a, b] = [await world.user("a"), await world.user("b")];
  await world.write(binding("shop", "as", "clusterrole/view", "User:a"));
  assert.equal((await world.authorizer.authorize(a, asked("get", "syncs"))).allowed, true);
  assert.equal((await world.authorizer.authorize(b, asked("get", "syncs"))).allowed, false);
  assert.equal((await world.authorizer.authorize(a, asked("get", "syncs", "web"))).allowed, false);
  assert.equal((await world.authorizer.authorize({ ...a, scopes: [] }, asked("get", "syncs"))).allowed, false);
});

const controllers: readonly (readonly [controller: string, verb: string, resource: string, group: string, allowed: boolean])[] = [
  ["sync", "update", "syncs/status", "slipway.dev", true],
  ["sync", "get", "gitrepositories", "slipway.dev", true],
  ["sync", "impersonate", "serviceaccounts", "", true],
  ["sync", "create", "events", "", true],
  ["sync", "update", "gitrepositories/status", "slipway.dev", false],
  ["sync", "list", "anything", "any.example", true],
  ["sync", "get", "anything", "any.example", false],
  ["sync", "delete", "anything", "any.example", false],
  ["sync", "patch", "secrets", "", false],
  ["sync", "create", "syncs", "slipway.dev", false],
  ["git-repository", "update", "gitrepositories/status", "slipway.dev", true],
  ["git-repository", "get", "secrets", "", true],
  ["git-repository", "list", "secrets", "", false],
  ["garbage-collector", "delete", "anything", "any.example", true],
  ["garbage-collector", "create", "anything", "any.example", false],
  ["namespace", "deletecollection", "anything", "any.example", true],
  ["access-token", "delete", "accesstokens", "slipway.dev", true],
  ["access-token", "create", "accesstokens", "slipway.dev", false],
  ["tokens", "create", "accesstokens", "slipway.dev", true],
  ["tokens", "list", "accesstokens", "slipway.dev", false],
  ["tokens", "update", "users", "slipway.dev", false],
  ["unheard-of", "get", "syncs", "slipway.dev", false],
];
for (const [controller, verb, resource, group, allowed] of controllers)
  test(`the controller ${controller} may ${allowed ? "" : "not "}${verb} ${resource}`, async () => {
    assert.equal((await world.authorizer.authorize(controllerCaller(controller), asked(verb, resource, "shop", group))).allowed, allowed);
  });

test("the bootstrap policy is written once, and mended", async () => {
  const resources = world.admission.as(serverCaller);
  assert.deepEqual(await ensureBootstrap(resources), { written: 0 });
  await world.write(role("", "system:discovery", []));
  await world.remove("ClusterRoleBinding", "", "system:basic-user");
  assert.deepEqual(await ensureBootstrap(resources), { written: 2 });
  const discovery = await world.store.get({
    group: "rbac.authorization.k8s.io",
    resource: "clusterroles",
    namespace: "",
    name: "system:discovery",
  });
  assert.match(discovery?.json ?? "", /\/openapi\/\*/);
});

test("control planes that start at once agree on the bootstrap policy", async () => {
  const fresh = await accessWorld();
  try {
    const { items: bindings } = await fresh.store.list({ group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" });
    for (const { key, resourceVersion } of bindings) await fresh.store.commit({ writes: [{ verb: "delete", key, resourceVersion }] });
    const written = await Promise.all([1, 2, 3].map(() => ensureBootstrap(fresh.admission.as(serverCaller))));
    assert.equal(
      written.reduce((sum, each) => sum + each.written, 0),
      bindings.length,
    );
  } finally {
    fresh.close();
  }
});

test("who is in the group of administrators may do everything, and only such may put others there", async () => {
  const chief = await world.user("chief", { groups: [ADMINS] });
  assert.equal((await world.authorizer.authorize(chief, asked("promote", "environments", ""))).allowed, true);
  const second = { apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name: "second" }, spec: { groups: [ADMINS] } };
  await world.write(role("", "user-writer", [{ verbs: ["create"], apiGroups: ["slipway.dev"], resources: ["users"] }]));
  await world.write(binding("", "user-writers", "clusterrole/user-writer", "User:clerk"));
  await assert.rejects(world.write(second, await world.user("clerk")), /into the group "slipway:admins"/);
  await world.write(second, chief);
});

test("a commit's author is a user who is not disabled", async () => {
  await world.user("ann", { gitAuthors: ["ann@example.org"] });
  await world.user("bob", { gitAuthors: ["bob@example.org"], disabled: true });
  assert.equal(await userOfGitAuthor(world.index, "Ann <ANN@example.org>"), "ann");
  assert.equal(await userOfGitAuthor(world.index, "bob@example.org"), undefined);
  assert.equal(await userOfGitAuthor(world.index, "eve@example.org"), undefined);
});
