import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import type { ApiObject } from "../../domain/object/api-object.ts";
import { isJsonObject, type JsonObject } from "../../domain/object/json.ts";
import { accessWorld, binding, serviceAccount, type AccessWorld } from "../../../test/fixtures/access/world.ts";
import type { Caller } from "../caller.ts";
import { reviews, type Review } from "./reviews.ts";
import { serverCaller } from "./identities.ts";

let world: AccessWorld;
let jane: Caller;
let ask: Readonly<Record<string, Review>>;

before(async () => {
  world = await accessWorld();
  jane = await world.user("jane", { groups: ["devs"] });
  await world.write(binding("shop", "views", "clusterrole/view", "User:jane"));
  await world.write(binding("shop", "edits", "clusterrole/edit", "ServiceAccount:shop/bot"));
  await world.write(serviceAccount("shop", "bot"));
  ask = reviews(world);
});
after(() => world.close());

const review = (group: string, kind: string, spec?: JsonObject): ApiObject => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: {},
  ...(spec === undefined ? {} : { spec }),
});

async function status(resource: string, spec: JsonObject, caller = jane, namespace = ""): Promise<JsonObject> {
  const answer = await ask[`authorization.k8s.io/${resource}`]?.(review("authorization.k8s.io", "Review", spec), caller, namespace);
  assert.ok(answer !== undefined && "answer" in answer, JSON.stringify(answer));
  return isJsonObject(answer.answer.status) ? answer.answer.status : {};
}

async function problem(resource: string, body: ApiObject, namespace = ""): Promise<string | undefined> {
  const answer = await ask[resource]?.(body, jane, namespace);
  return answer !== undefined && "problems" in answer ? answer.problems[0]?.path : undefined;
}

const reading = { verb: "get", group: "slipway.dev", resource: "syncs", namespace: "shop" };

test("kubectl auth can-i is answered with the binding", async () => {
  assert.deepEqual(await status("selfsubjectaccessreviews", { resourceAttributes: reading }), {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "views/shop" of ClusterRole "view" to User "jane"',
  });
  assert.equal((await status("selfsubjectaccessreviews", { resourceAttributes: { ...reading, verb: "delete" } }))["allowed"], false);
  assert.equal((await status("selfsubjectaccessreviews", { nonResourceAttributes: { path: "/metrics", verb: "get" } }))["allowed"], false);
  assert.equal(
    (await status("selfsubjectaccessreviews", { resourceAttributes: { ...reading, verb: "*", resource: "*", group: "*" } }, serverCaller))[
      "allowed"
    ],
    true,
  );
});

test("a question about oneself counts the scope of the token", async () => {
  const limited = { ...jane, scopes: [{ verbs: ["list"], apiGroups: ["slipway.dev"], resources: ["syncs"] }] };
  assert.equal((await status("selfsubjectaccessreviews", { resourceAttributes: reading }, limited))["allowed"], false);
});

test("a question about another is about his name and the groups given", async () => {
  assert.equal((await status("subjectaccessreviews", { resourceAttributes: reading, user: "jane" }, serverCaller))["allowed"], true);
  assert.equal((await status("subjectaccessreviews", { resourceAttributes: reading, user: "joe" }, serverCaller))["allowed"], false);
  assert.equal(
    (await status("subjectaccessreviews", { resourceAttributes: reading, groups: ["system:masters"] }, serverCaller))["allowed"],
    true,
  );
  assert.equal(
    (await status("localsubjectaccessreviews", { resourceAttributes: reading, user: "jane" }, serverCaller, "shop"))["allowed"],
    true,
  );
});

const wrong: readonly (readonly [resource: string, spec: JsonObject | undefined, path: string])[] = [
  ["selfsubjectaccessreviews", undefined, "spec.resourceAttributes"],
  ["selfsubjectaccessreviews", {}, "spec.resourceAttributes"],
  [
    "selfsubjectaccessreviews",
    { resourceAttributes: reading, nonResourceAttributes: { path: "/", verb: "get" } },
    "spec.resourceAttributes",
  ],
  ["subjectaccessreviews", { resourceAttributes: reading }, "spec.user"],
  ["subjectaccessreviews", { resourceAttributes: reading, user: "", groups: "devs" }, "spec.user"],
  ["localsubjectaccessreviews", { resourceAttributes: reading, user: "jane" }, "spec.resourceAttributes.namespace"],
  ["localsubjectaccessreviews", { nonResourceAttributes: { path: "/", verb: "get" }, user: "jane" }, "spec.resourceAttributes"],
  ["selfsubjectrulesreviews", {}, "spec.namespace"],
];
for (const [resource, spec, path] of wrong)
  test(`${resource} of ${JSON.stringify(spec)} says that ${path} is wrong`, async () => {
    assert.equal(await problem(`authorization.k8s.io/${resource}`, review("authorization.k8s.io", "Review", spec), "web"), path);
  });

test("the rules of somebody are those he is judged by", async () => {
  const rules = await status("selfsubjectrulesreviews", { namespace: "shop" });
  assert.equal(rules["incomplete"], false);
  assert.match(JSON.stringify(rules["resourceRules"]), /"resources":\["gitrepositories","gitrepositories\/status","syncs"/);
  assert.match(JSON.stringify(rules["nonResourceRules"]), /\/openapi\/\*/);
  assert.doesNotMatch(JSON.stringify((await status("selfsubjectrulesreviews", { namespace: "web" }))["resourceRules"]), /syncs/);
  assert.match(
    JSON.stringify((await status("selfsubjectrulesreviews", { namespace: "web" }, serverCaller))["resourceRules"]),
    /\{"verbs":\["\*"\],"apiGroups":\["\*"\],"resources":\["\*"\]\}/,
  );
});

test("kubectl auth whoami says who one is", async () => {
  const answer = await ask["authentication.k8s.io/selfsubjectreviews"]?.(review("authentication.k8s.io", "SelfSubjectReview"), jane, "");
  assert.ok(answer !== undefined && "answer" in answer && isJsonObject(answer.answer.status));
  assert.deepEqual(answer.answer.status["userInfo"], { username: "jane", uid: jane.uid, groups: ["devs", "system:authenticated"] });
});

test("a token is looked at for another service, and not sent back", async () => {
  const issued = await world.issue(
    serverCaller,
    { kind: "ServiceAccount", namespace: "shop", name: "bot" },
    { spec: { audiences: ["https://registry"] } },
  );
  const token = isJsonObject(issued.status) && typeof issued.status["token"] === "string" ? issued.status["token"] : "";
  const check = async (spec: JsonObject): Promise<string> => {
    const answer = await ask["authentication.k8s.io/tokenreviews"]?.(
      review("authentication.k8s.io", "TokenReview", spec),
      serverCaller,
      "",
    );
    assert.ok(answer !== undefined && "answer" in answer && isJsonObject(answer.answer.status));
    assert.ok(!JSON.stringify(answer).includes(token));
    return JSON.stringify(answer.answer.status);
  };
  assert.match(
    await check({ token, audiences: ["https://registry", "https://other"] }),
    /"authenticated":true.*"username":"system:serviceaccount:shop:bot".*"audiences":\["https:\/\/registry"\]/,
  );
  assert.match(await check({ token }), /"authenticated":false.*not for https:\/\/slipway/);
  assert.match(await check({ token: "x" }), /"authenticated":false.*malformed/);
  assert.equal(await problem("authentication.k8s.io/tokenreviews", review("authentication.k8s.io", "TokenReview", {})), "spec.token");
});
