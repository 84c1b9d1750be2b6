import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  ApiException,
  ApisApi,
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  type KubernetesObject,
  PatchStrategy,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  VersionApi,
  Watch,
} from "@kubernetes/client-node";
import { catalog } from "../../src/api/catalog.ts";
import { apiVersionOf } from "../../src/api/kind.ts";
import { at, listAt, textAt } from "../../src/api/columns.ts";
import type { JsonValue } from "../../src/domain/object/json.ts";
import { runningServer } from "../fixtures/running-server.ts";

// What kubectl does by its verbs, done through the typed and the dynamic clients of @kubernetes/client-node.

const server = await runningServer();
after(() => server.close());
const config = new KubeConfig();
config.loadFromFile(server.kubeconfig);
const core = config.makeApiClient(CoreV1Api);
const rbac = config.makeApiClient(RbacAuthorizationV1Api);
const custom = config.makeApiClient(CustomObjectsApi);
const objects = KubernetesObjectApi.makeApiClient(config);

const namespace = "node-client";
await core.createNamespace({ body: { metadata: { name: namespace } } });
const at1 = { group: "slipway.dev", version: "v1alpha1", namespace };
const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const strategicPatch = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);

interface Repository extends KubernetesObject {
  spec: { url: string; suspend?: boolean; interval?: string };
}

/** Suspended, so that no controller reaches out for it. */
const repository = (name: string, interval?: string, labels?: Record<string, string>): Repository => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { name, namespace, ...(labels === undefined ? {} : { labels }) },
  spec: { url: "https://git.example/infra.git", suspend: true, ...(interval === undefined ? {} : { interval }) },
});

const named = (name: string) => ({ apiVersion: "slipway.dev/v1alpha1", kind: "GitRepository", metadata: { name, namespace } });

/** Read when its controller has said what it has to say: a write between would be a conflict. */
async function settled(name: string): Promise<Repository> {
  for (let tries = 0; tries < 400; tries++) {
    const read = await objects.read<Repository>(named(name));
    if (at(json(read), "status", "observedGeneration") === at(json(read), "metadata", "generation")) return read;
    await pause(50);
  }
  throw new Error(`nobody looked at GitRepository ${name} for 20 s`);
}

/** The dynamic client types what it reads as `any`. */
const json = (value: unknown): JsonValue => {
  const plain: JsonValue = JSON.parse(JSON.stringify(value));
  return plain;
};

async function refusedWith(code: number, reason: string, asked: Promise<unknown>): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof ApiException, String(error));
    assert.equal(error.code, code);
    const body: unknown = error.body;
    assert.equal(textAt(typeof body === "string" ? json(JSON.parse(body)) : json(body), "reason"), reason);
    return true;
  });
}

test("version and discovery", async () => {
  assert.match((await config.makeApiClient(VersionApi).getCode()).gitVersion, /-slipway/);
  const { groups } = await config.makeApiClient(ApisApi).getAPIVersions();
  const served = [...new Set(catalog.kinds.map(({ group }) => group))].filter((group) => group !== "");
  assert.deepEqual(groups.map(({ name }) => name).sort(), served.sort());
  const { resources } = await core.getAPIResources();
  assert.ok(resources.some(({ name, kind, namespaced }) => name === "serviceaccounts" && kind === "ServiceAccount" && namespaced));
});

test("typed core: create, read, list, replace, patch three ways, delete", async () => {
  const made = await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "typed", labels: { a: "b" } } } });
  assert.ok(made.metadata?.uid !== undefined && made.metadata.creationTimestamp instanceof Date);
  await refusedWith(409, "AlreadyExists", core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "typed" } } }));
  const { items } = await core.listNamespacedServiceAccount({ namespace, labelSelector: "a=b", fieldSelector: "metadata.name=typed" });
  assert.deepEqual(
    items.map(({ metadata }) => metadata?.name),
    ["typed"],
  );
  const read = await core.readNamespacedServiceAccount({ namespace, name: "typed" });
  const changed = await core.readNamespacedServiceAccount({ namespace, name: "typed" });
  changed.automountServiceAccountToken = false;
  await core.replaceNamespacedServiceAccount({ namespace, name: "typed", body: changed });
  await refusedWith(409, "Conflict", core.replaceNamespacedServiceAccount({ namespace, name: "typed", body: read }));
  await core.patchNamespacedServiceAccount({ namespace, name: "typed", body: { secrets: [{ name: "x" }] } }, strategicPatch);
  await core.patchNamespacedServiceAccount({ namespace, name: "typed", body: { secrets: [{ name: "y" }] } }, strategicPatch);
  await core.patchNamespacedServiceAccount({ namespace, name: "typed", body: { metadata: { labels: { a: null } } } }, mergePatch);
  await core.patchNamespacedServiceAccount({
    namespace,
    name: "typed",
    body: [{ op: "add", path: "/metadata/annotations", value: { c: "d" } }],
  });
  const patched = await core.readNamespacedServiceAccount({ namespace, name: "typed" });
  assert.deepEqual(patched.secrets?.map(({ name }) => name).sort(), ["x", "y"]);
  assert.deepEqual(
    [patched.automountServiceAccountToken, patched.metadata?.labels, patched.metadata?.annotations],
    [false, undefined, { c: "d" }],
  );
  await core.deleteNamespacedServiceAccount({ namespace, name: "typed" });
  await refusedWith(404, "NotFound", core.readNamespacedServiceAccount({ namespace, name: "typed" }));
});

test("typed core: secrets, tokens, events, pages and deletion of a collection", async () => {
  for (const name of ["a", "b", "c"])
    await core.createNamespacedSecret({ namespace, body: { metadata: { name }, stringData: { key: name } } });
  assert.equal((await core.readNamespacedSecret({ namespace, name: "b" })).data?.["key"], Buffer.from("b").toString("base64"));
  const names: (string | undefined)[] = [];
  let next: string | undefined;
  do {
    const page = await core.listNamespacedSecret({ namespace, limit: 2, ...(next === undefined ? {} : { _continue: next }) });
    names.push(...page.items.map(({ metadata }) => metadata?.name));
    next = page.metadata?._continue;
  } while (next !== undefined && next !== "");
  assert.deepEqual(names, ["a", "b", "c"]);
  await core.deleteCollectionNamespacedSecret({ namespace });
  assert.deepEqual((await core.listNamespacedSecret({ namespace })).items, []);

  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "robot" } } });
  const spec = { audiences: [], expirationSeconds: 600 };
  const { status } = await core.createNamespacedServiceAccountToken({ namespace, name: "robot", body: { spec } });
  assert.match(status?.token ?? "", /^slp_/);
  assert.ok(status?.expirationTimestamp instanceof Date);

  const involvedObject = { kind: "ServiceAccount", namespace, name: "robot" };
  await core.createNamespacedEvent({
    namespace,
    body: { metadata: { generateName: "robot." }, involvedObject, reason: "Seen", type: "Normal" },
  });
  const { items: told } = await core.listNamespacedEvent({ namespace, fieldSelector: "involvedObject.name=robot,reason=Seen" });
  assert.equal(told.length, 1);
});

test("typed RBAC and the reviews", async () => {
  const rules = [{ apiGroups: ["slipway.dev"], resources: ["syncs"], verbs: ["get"] }];
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name: "reads" }, rules } });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reads" };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" }];
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name: "reads" }, roleRef, subjects } });
  assert.deepEqual(json((await rbac.readNamespacedRole({ namespace, name: "reads" })).rules), rules);
  assert.ok((await rbac.listClusterRole()).items.some(({ metadata }) => metadata?.name === "cluster-admin"));
  const authorization = config.makeApiClient(AuthorizationV1Api);
  for (const [verb, allowed] of [
    ["get", true],
    ["delete", false],
  ] as const) {
    const resourceAttributes = { namespace, verb, group: "slipway.dev", resource: "syncs" };
    const review = await authorization.createSubjectAccessReview({ body: { spec: { user: "ann", resourceAttributes } } });
    assert.equal(review.status?.allowed, allowed);
  }
  const own = await authorization.createSelfSubjectRulesReview({ body: { spec: { namespace } } });
  assert.ok(own.status?.resourceRules.some(({ verbs }) => verbs.includes("*")));
  const self = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
  assert.equal(self.status?.userInfo?.username, "admin");
});

test("custom objects: create, list by selectors and pages, patch, status, replace, delete", async () => {
  const kind = { ...at1, plural: "gitrepositories" };
  for (const name of ["custom-a", "custom-b", "custom-c"])
    await custom.createNamespacedCustomObject({ ...kind, body: repository(name, "5m", { of: "custom" }) });
  const page = json(await custom.listNamespacedCustomObject({ ...kind, labelSelector: "of=custom", limit: 2 }));
  assert.deepEqual(
    listAt(page, "items").map((item) => textAt(item, "metadata", "name")),
    ["custom-a", "custom-b"],
  );
  const rest = json(
    await custom.listNamespacedCustomObject({ ...kind, labelSelector: "of=custom", _continue: textAt(page, "metadata", "continue") }),
  );
  assert.deepEqual(
    listAt(rest, "items").map((item) => textAt(item, "metadata", "name")),
    ["custom-c"],
  );
  const one = { ...kind, name: "custom-a" };
  await custom.patchNamespacedCustomObject({ ...one, body: { spec: { interval: "6m" } } }, mergePatch);
  await custom.patchNamespacedCustomObjectStatus(
    { ...one, body: { status: { historyRewritten: true }, spec: { interval: "9m" } } },
    mergePatch,
  );
  const read = json(await settled("custom-a"));
  assert.deepEqual([textAt(read, "spec", "interval"), at(read, "status", "historyRewritten")], ["6m", true]);
  await custom.replaceNamespacedCustomObject({
    ...one,
    body: {
      ...repository("custom-a", "7m"),
      metadata: { name: "custom-a", namespace, resourceVersion: textAt(read, "metadata", "resourceVersion") },
    },
  });
  await refusedWith(409, "Conflict", custom.replaceNamespacedCustomObject({ ...one, body: read }));
  await refusedWith(422, "Invalid", custom.createNamespacedCustomObject({ ...kind, body: repository("custom-bad", "soon") }));
  await refusedWith(415, "UnsupportedMediaType", custom.patchNamespacedCustomObject({ ...one, body: {} }, strategicPatch));
  await custom.deleteNamespacedCustomObject({ ...one, propagationPolicy: "Background" });
  await custom.deleteCollectionNamespacedCustomObject({ ...kind, labelSelector: "of=custom" });
  assert.deepEqual(listAt(json(await custom.listNamespacedCustomObject({ ...kind, labelSelector: "of=custom" })), "items"), []);
});

test("any object: server-side apply, its conflict, force, and the rest by kind", async () => {
  const apply = (object: Repository, manager: string, force = false) =>
    objects.patch(object, undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
  await apply(repository("applied", "5m"), "one");
  await refusedWith(409, "Conflict", apply(repository("applied", "6m"), "two"));
  assert.equal((await apply(repository("applied", "6m"), "two", true)).spec.interval, "6m");
  const dry = await objects.create(repository("dry"), undefined, "All");
  assert.equal(dry.spec.interval, "30s");
  await refusedWith(404, "NotFound", objects.read(named("dry")));
  const read = await settled("applied");
  await objects.replace({ ...read, spec: { ...repository("applied").spec, interval: "8m" } });
  const { items } = await objects.list<Repository>("slipway.dev/v1alpha1", "GitRepository", namespace);
  assert.deepEqual(
    items.map(({ metadata, spec }) => [metadata?.name, spec.interval]),
    [["applied", "8m"]],
  );
  await objects.delete(repository("applied"));
  await refusedWith(404, "NotFound", objects.delete(repository("applied")));
});

test("every kind that can be listed is listed by its apiVersion and kind", async () => {
  for (const kind of catalog.kinds.filter(({ verbs }) => verbs === undefined || verbs.includes("list")))
    await assert.doesNotReject(objects.list(apiVersionOf(kind), kind.kind), kind.kind);
});

test("watch tells each change once and ends when it is aborted", async () => {
  const seen: string[] = [];
  const { promise: complete, resolve: done } = Promise.withResolvers<undefined>();
  const { metadata } = json(await custom.listNamespacedCustomObject({ ...at1, plural: "gitrepositories" })) as {
    metadata: { resourceVersion: string };
  }; // every list has it
  const watching = await new Watch(config).watch(
    `/apis/slipway.dev/v1alpha1/namespaces/${namespace}/gitrepositories`,
    { resourceVersion: metadata.resourceVersion, allowWatchBookmarks: true, fieldSelector: "metadata.name=watched" },
    (phase, object: unknown) => {
      if (phase !== "BOOKMARK") seen.push(`${phase} ${textAt(json(object), "spec", "interval")}`);
      if (phase === "DELETED") done(undefined);
    },
    () => done(undefined),
  );
  await objects.create(repository("watched", "5m"));
  await custom.patchNamespacedCustomObject(
    { ...at1, plural: "gitrepositories", name: "watched", body: { spec: { interval: "6m" } } },
    mergePatch,
  );
  await objects.delete(repository("watched"));
  await complete;
  watching.abort();
  // Between these its controller changes the status.
  const changes = seen.filter((event, index) => event !== seen[index - 1]);
  assert.deepEqual(
    changes.filter((event) => event !== "MODIFIED 5m"),
    ["ADDED 5m", "MODIFIED 6m", "DELETED 6m"],
  );
});
