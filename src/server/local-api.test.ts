import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiWithoutServer } from "../../test/fixtures/api-server.ts";
import { ApiRefusal } from "../ports/kubernetes-api.ts";
import { localKubernetesApi } from "./local-api.ts";

const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
const nobody = { name: "nobody", uid: "", groups: [], extra: {} };
const signal = new AbortController().signal;
const repositories = { group: "slipway.dev", version: "v1alpha1", kind: "GitRepository", resource: "gitrepositories", namespaced: true };
const at = { kind: repositories, namespace: "shop", name: "app" };
const repository = (url: string, labels = {}) => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { name: "app", namespace: "shop", labels },
  spec: { url },
});
const options = { manager: "slipway-sync", force: true, dryRun: false };

async function world() {
  const { verbs, end } = await startApiWithoutServer();
  return { api: localKubernetesApi(verbs)(admin), as: localKubernetesApi(verbs), end };
}

const refusedWith = (code: number, reason: string, message: RegExp) => (error: unknown) =>
  error instanceof ApiRefusal && error.code === code && error.reason === reason && message.test(error.message);

test("applying creates, then changes, then writes nothing", async () => {
  const { api, end } = await world();
  assert.equal((await api.apply(repository("https://a.example/1.git"), options, signal)).outcome, "created");
  const changed = await api.apply(repository("https://a.example/2.git"), options, signal);
  assert.equal(changed.outcome, "changed");
  const same = await api.apply(repository("https://a.example/2.git"), options, signal);
  assert.equal(same.outcome, "unchanged");
  assert.equal(same.object.metadata.resourceVersion, changed.object.metadata.resourceVersion);
  end();
});

test("a dry run says what would come of it", async () => {
  const { api, end } = await world();
  assert.equal((await api.apply(repository("https://a.example/1.git"), { ...options, dryRun: true }, signal)).outcome, "created");
  assert.equal(await api.get(at, signal), undefined);
  end();
});

test("an apply that was decided on another state is a conflict", async () => {
  const { api, end } = await world();
  const absent = { ...options, decidedOn: "" };
  const { object } = await api.apply(repository("https://a.example/1.git"), absent, signal);
  await assert.rejects(
    api.apply(repository("https://a.example/2.git"), absent, signal),
    refusedWith(409, "Conflict", /the object has been modified/),
  );
  const decidedOn = object.metadata.resourceVersion ?? "";
  assert.equal((await api.apply(repository("https://a.example/2.git"), { ...options, decidedOn }, signal)).outcome, "changed");
  await assert.rejects(
    api.apply(repository("https://a.example/3.git"), { ...options, decidedOn }, signal),
    refusedWith(409, "Conflict", /modified/),
  );
  end();
});

test("objects are found by a label, in all namespaces", async () => {
  const { api, end } = await world();
  await api.apply(repository("https://a.example/1.git", { set: "one" }), options, signal);
  await api.apply(
    { ...repository("https://a.example/1.git", { set: "two" }), metadata: { name: "app", namespace: "default", labels: { set: "two" } } },
    options,
    signal,
  );
  const found = await api.listLabelled(repositories, { name: "set", value: "two" }, signal);
  assert.deepEqual(
    found.map(({ metadata }) => metadata.namespace),
    ["default"],
  );
  end();
});

test("deleting means one object, and what is gone is gone", async () => {
  const { api, end } = await world();
  const { object } = await api.apply(
    { ...repository("https://a.example/1.git"), metadata: { name: "app", namespace: "shop", finalizers: ["example.com/x"] } },
    options,
    signal,
  );
  assert.equal(await api.delete(at, "another-uid", signal), "gone");
  assert.equal(await api.delete(at, object.metadata.uid ?? "", signal), "deleting");
  assert.equal(await api.delete({ ...at, name: "absent" }, "x", signal), "gone");
  await api.apply({ ...repository("https://a.example/1.git"), metadata: { name: "app", namespace: "shop" } }, options, signal);
  assert.equal(await api.get(at, signal), undefined);
  end();
});

const refusals = [
  {
    name: "an unknown kind names the nearest",
    object: { ...repository("x"), kind: "GitRepositry" },
    code: 404,
    reason: "NotFound",
    says: /no matches for kind "GitRepositry" in version "slipway\.dev\/v1alpha1"; did you mean slipway\.dev\/v1alpha1 GitRepository\?/,
  },
  {
    name: "an unknown field is named",
    object: { ...repository("x"), spec: { url: "https://a.example/1.git", brnch: 1 } },
    code: 400,
    reason: "BadRequest",
    says: /unknown field "spec\.brnch"/,
  },
  {
    name: "an object that breaks its rules is told whole",
    object: { ...repository("x"), spec: { url: "https://a.example/1.git", suspend: "x", interval: "soon" } },
    code: 422,
    reason: "Invalid",
    says: /spec\.suspend.*spec\.interval/,
  },
  {
    name: "a namespaced object without a namespace",
    object: { ...repository("x"), metadata: { name: "app" } },
    code: 422,
    reason: "Invalid",
    says: /metadata\.namespace: Required value/,
  },
  {
    name: "a namespace that is not there",
    object: { ...repository("https://a.example/1.git"), metadata: { name: "app", namespace: "none" } },
    code: 404,
    reason: "NotFound",
    says: /namespaces "none" not found/,
  },
] as const;

for (const { name, object, code, reason, says } of refusals)
  test(`refused as the API would: ${name}`, async () => {
    const { api, end } = await world();
    await assert.rejects(api.apply(object, options, signal), (error) => {
      if (!(error instanceof ApiRefusal)) return false;
      assert.deepEqual([error.code, error.reason], [code, reason], error.message);
      assert.match(error.message, says);
      return true;
    });
    end();
  });

test("nobody may do anything without a right", async () => {
  const { as, end } = await world();
  const api = as(nobody);
  const forbidden = refusedWith(403, "Forbidden", /User "nobody" cannot/);
  await assert.rejects(api.apply(repository("https://a.example/1.git"), options, signal), forbidden);
  await assert.rejects(api.get(at, signal), forbidden);
  await assert.rejects(api.delete(at, "x", signal), forbidden);
  await assert.rejects(api.listLabelled(repositories, { name: "a", value: "b" }, signal), forbidden);
  end();
});
