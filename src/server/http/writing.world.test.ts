import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startApiServer, type Asked, type AskOptions, type TestServer } from "../../../test/fixtures/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startApiServer();
});
after(() => server.close());

const REPOSITORIES = "/apis/slipway.dev/v1alpha1/namespaces/shop/gitrepositories";
const repository = (name: string, more: object = {}) => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { name },
  spec: { url: "https://example.com/app.git" },
  ...more,
});
const MERGE = "application/merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const APPLY = "application/apply-patch+yaml";

async function created(name: string, more: object = {}): Promise<Asked> {
  const answer = await server.ask("POST", REPOSITORIES, { body: repository(name, more) });
  assert.equal(answer.code, 201, answer.text);
  return answer;
}

const get = (name: string): Promise<Asked> => server.ask("GET", `${REPOSITORIES}/${name}`);
const patch = (name: string, type: string, body: unknown, query = ""): Promise<Asked> =>
  server.ask("PATCH", `${REPOSITORIES}/${name}${query}`, { body, type });

test("a new object has everything the server sets, whatever the client said", async () => {
  const { body } = await created("fresh", {
    metadata: {
      name: "fresh",
      uid: "mine",
      generation: 7,
      creationTimestamp: "2001-01-01T00:00:00Z",
      deletionTimestamp: "2001-01-01T00:00:00Z",
    },
    status: { observedGeneration: 9 },
  });
  const { metadata } = body;
  assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
  assert.match(metadata.resourceVersion, /^\d+$/);
  assert.equal(metadata.generation, 1);
  assert.notEqual(metadata.creationTimestamp, "2001-01-01T00:00:00Z");
  assert.equal(metadata.deletionTimestamp, undefined);
  assert.equal(metadata.namespace, "shop");
  assert.equal(body.status, undefined);
  assert.deepEqual(body.spec.ref, { branch: "main" });
  assert.equal(metadata.managedFields[0].manager, "node");
});

test("generateName gives each object its own name", async () => {
  const names = await Promise.all(
    [1, 2, 3].map(
      async () =>
        (await server.ask("POST", REPOSITORIES, { body: repository("", { metadata: { generateName: "gen-" } }) })).body.metadata.name,
    ),
  );
  assert.equal(new Set(names).size, 3);
  for (const name of names) assert.match(name, /^gen-[a-z0-9]{5}$/);
});

const refusals: readonly {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly options?: AskOptions;
  readonly code: number;
  readonly reason: string;
  readonly says: RegExp;
}[] = [
  {
    name: "a name that is taken",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("taken") },
    code: 409,
    reason: "AlreadyExists",
    says: /^gitrepositories\.slipway\.dev "taken" already exists$/,
  },
  {
    name: "an object that is not there",
    method: "GET",
    path: `${REPOSITORIES}/absent`,
    code: 404,
    reason: "NotFound",
    says: /^gitrepositories\.slipway\.dev "absent" not found$/,
  },
  {
    name: "a namespace that is not there",
    method: "POST",
    path: "/apis/slipway.dev/v1alpha1/namespaces/absent/gitrepositories",
    options: { body: repository("x") },
    code: 404,
    reason: "NotFound",
    says: /^namespaces "absent" not found$/,
  },
  {
    name: "another namespace in the body",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("x", { metadata: { name: "x", namespace: "default" } }) },
    code: 400,
    reason: "BadRequest",
    says: /the namespace of the provided object does not match the namespace sent on the request/,
  },
  {
    name: "another version in the body",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("x", { apiVersion: "slipway.dev/v9" }) },
    code: 400,
    reason: "BadRequest",
    says: /the API version in the data \(slipway\.dev\/v9\) does not match the expected API version/,
  },
  {
    name: "a body without kind",
    method: "POST",
    path: REPOSITORIES,
    options: { body: { apiVersion: "slipway.dev/v1alpha1", metadata: { name: "x" } } },
    code: 400,
    reason: "BadRequest",
    says: /Object 'Kind' is missing/,
  },
  {
    name: "no name at all",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("", { metadata: {} }) },
    code: 422,
    reason: "Invalid",
    says: /metadata\.name: Required value: name or generateName is required/,
  },
  {
    name: "a resourceVersion on a new object",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("x", { metadata: { name: "x", resourceVersion: "5" } }) },
    code: 400,
    reason: "BadRequest",
    says: /resourceVersion should not be set on objects to be created/,
  },
  {
    name: "another name on the URL",
    method: "PUT",
    path: `${REPOSITORIES}/taken`,
    options: { body: repository("other") },
    code: 400,
    reason: "BadRequest",
    says: /the name of the object \(other\) does not match the name on the URL \(taken\)/,
  },
  {
    name: "an update without a version",
    method: "PUT",
    path: `${REPOSITORIES}/taken`,
    options: { body: repository("taken") },
    code: 422,
    reason: "Invalid",
    says: /metadata\.resourceVersion: Invalid value: must be specified for an update/,
  },
  {
    name: "an update of an old version",
    method: "PUT",
    path: `${REPOSITORIES}/taken`,
    options: { body: repository("taken", { metadata: { name: "taken", resourceVersion: "1" } }) },
    code: 409,
    reason: "Conflict",
    says: /the object has been modified; please apply your changes to the latest version and try again/,
  },
  {
    name: "a patch of an old version",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: { metadata: { resourceVersion: "1" } }, type: MERGE },
    code: 409,
    reason: "Conflict",
    says: /the object has been modified/,
  },
  {
    name: "a patch of what is not there",
    method: "PATCH",
    path: `${REPOSITORIES}/absent`,
    options: { body: {}, type: MERGE },
    code: 404,
    reason: "NotFound",
    says: /"absent" not found/,
  },
  {
    name: "a patch that renames",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: { metadata: { name: "other" } }, type: MERGE },
    code: 400,
    reason: "BadRequest",
    says: /does not match the name on the URL/,
  },
  {
    name: "a strategic merge of an own kind",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: {}, type: STRATEGIC },
    code: 415,
    reason: "UnsupportedMediaType",
    says: /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml$/,
  },
  {
    name: "a JSON patch that tests in vain",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: [{ op: "test", path: "/spec/url", value: "no" }], type: JSON_PATCH },
    code: 422,
    reason: "Invalid",
    says: /operation 0 of|operation 0/,
  },
  {
    name: "a JSON patch of a place that is not there",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: [{ op: "replace", path: "/spec/none/x", value: 1 }], type: JSON_PATCH },
    code: 422,
    reason: "Invalid",
    says: /\/spec\/none\/x/,
  },
  {
    name: "a JSON patch that is none",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: { a: 1 }, type: JSON_PATCH },
    code: 400,
    reason: "BadRequest",
    says: /a JSON patch is a list/,
  },
  {
    name: "an apply without a manager",
    method: "PATCH",
    path: `${REPOSITORIES}/taken`,
    options: { body: repository("taken"), type: APPLY },
    code: 422,
    reason: "Invalid",
    says: /fieldManager: Required value: is required for apply patch/,
  },
  {
    name: "a status written on an object that is not there",
    method: "PATCH",
    path: `${REPOSITORIES}/absent/status?fieldManager=x`,
    options: { body: repository("absent"), type: APPLY },
    code: 404,
    reason: "NotFound",
    says: /not found/,
  },
  {
    name: "an unknown dryRun",
    method: "POST",
    path: `${REPOSITORIES}?dryRun=Some`,
    options: { body: repository("x") },
    code: 422,
    reason: "Invalid",
    says: /dryRun: Unsupported value: \["Some"\]: supported values: "All"/,
  },
  {
    name: "an unknown field, strictly",
    method: "POST",
    path: `${REPOSITORIES}?fieldValidation=Strict`,
    options: { body: repository("x", { spec: { url: "https://a.example/b.git", brnch: "x" } }) },
    code: 400,
    reason: "BadRequest",
    says: /strict decoding error: unknown field "spec\.brnch"/,
  },
  {
    name: "a name that stands twice, strictly",
    method: "POST",
    path: `${REPOSITORIES}?fieldValidation=Strict`,
    options: {
      body: '{"apiVersion":"slipway.dev/v1alpha1","kind":"GitRepository","metadata":{"name":"x"},"spec":{"url":"https://a.example/b.git","url":"https://a.example/c.git"}}',
    },
    code: 400,
    reason: "BadRequest",
    says: /duplicate field "spec\.url"/,
  },
  {
    name: "an object that breaks its schema",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("x", { spec: { suspend: "yes" } }) },
    code: 422,
    reason: "Invalid",
    says: /spec\.suspend/,
  },
  {
    name: "a deletion of another uid",
    method: "DELETE",
    path: `${REPOSITORIES}/taken`,
    options: { body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: "other" } } },
    code: 409,
    reason: "Conflict",
    says: /the UID in the precondition \(other\) does not match the UID in record/,
  },
  {
    name: "an unknown propagation policy",
    method: "DELETE",
    path: `${REPOSITORIES}/taken?propagationPolicy=Perhaps`,
    code: 422,
    reason: "Invalid",
    says: /propagationPolicy: Unsupported value: "Perhaps"/,
  },
  {
    name: "the deletion of the default namespace",
    method: "DELETE",
    path: "/api/v1/namespaces/default",
    code: 403,
    reason: "Forbidden",
    says: /^namespaces "default" is forbidden: this namespace may not be deleted$/,
  },
  {
    name: "a method that is not served",
    method: "PUT",
    path: REPOSITORIES,
    options: { body: {} },
    code: 405,
    reason: "MethodNotAllowed",
    says: /method/,
  },
  {
    name: "a review that is read",
    method: "GET",
    path: "/apis/authentication.k8s.io/v1/tokenreviews",
    code: 405,
    reason: "MethodNotAllowed",
    says: /method/,
  },
  {
    name: "a resource that is not served",
    method: "GET",
    path: "/apis/slipway.dev/v1alpha1/gadgets",
    code: 404,
    reason: "NotFound",
    says: /could not find the requested resource/,
  },
  {
    name: "a subresource that is not served",
    method: "GET",
    path: `${REPOSITORIES}/taken/scale`,
    code: 404,
    reason: "NotFound",
    says: /could not find/,
  },
  {
    name: "a body in an unknown form",
    method: "POST",
    path: REPOSITORIES,
    options: { body: "name=x", type: "text/plain" },
    code: 415,
    reason: "UnsupportedMediaType",
    says: /application\/json, application\/yaml/,
  },
  {
    name: "an answer in an unknown form",
    method: "GET",
    path: REPOSITORIES,
    options: { headers: { accept: "text/html" } },
    code: 406,
    reason: "NotAcceptable",
    says: /only the following media types are accepted/,
  },
  {
    name: "a right that is not there",
    method: "POST",
    path: REPOSITORIES,
    options: { body: repository("x"), token: "limited-token" },
    code: 403,
    reason: "Forbidden",
    says: /^gitrepositories\.slipway\.dev is forbidden: User "limited" cannot create resource "gitrepositories" in API group "slipway\.dev" in the namespace "shop"/,
  },
  { name: "nobody", method: "GET", path: REPOSITORIES, options: { token: "" }, code: 401, reason: "Unauthorized", says: /Unauthorized/ },
];

for (const { name, method, path, options, code, reason, says } of refusals)
  test(`refused, with the way out: ${name}`, async () => {
    await server.ask("POST", REPOSITORIES, { body: repository("taken") });
    const answer = await server.ask(method, path, options);
    assert.equal(answer.code, code, answer.text);
    assert.equal(answer.body.kind, "Status");
    assert.equal(answer.body.reason, reason);
    assert.equal(answer.body.code, code);
    assert.match(answer.body.message, says);
  });

test("unknown fields are dropped with a warning, and kept quiet about on demand", async () => {
  const body = repository("warned", { spec: { url: "https://a.example/b.git", nonsense: 1 } });
  const warned = await server.ask("POST", `${REPOSITORIES}?dryRun=All`, { body });
  assert.equal(warned.code, 201);
  assert.match(warned.headers.get("warning") ?? "", /^299 - "unknown field \\"spec\.nonsense\\"/);
  assert.equal(warned.body.spec.nonsense, undefined);
  const ignored = await server.ask("POST", `${REPOSITORIES}?dryRun=All&fieldValidation=Ignore`, { body });
  assert.equal(ignored.headers.get("warning"), null);
});

test("a dry run answers as the write would and stores nothing", async () => {
  const made = await server.ask("POST", `${REPOSITORIES}?dryRun=All`, { body: repository("dry") });
  assert.equal(made.code, 201);
  assert.equal(made.body.spec.suspend, false);
  assert.equal((await get("dry")).code, 404);
  const before = (await created("wet")).body;
  const changed = await patch("wet", MERGE, { spec: { suspend: true } }, "?dryRun=All");
  assert.equal(changed.body.spec.suspend, true);
  assert.equal((await server.ask("DELETE", `${REPOSITORIES}/wet?dryRun=All`)).code, 200);
  assert.deepEqual((await get("wet")).body, before);
});

test("generation counts changes of the spec, and neither metadata nor status", async () => {
  await created("counted");
  const labelled = await patch("counted", MERGE, { metadata: { labels: { a: "b" } } });
  assert.equal(labelled.body.metadata.generation, 1);
  const changed = await patch("counted", MERGE, { spec: { suspend: true } });
  assert.equal(changed.body.metadata.generation, 2);
  const status = await server.ask("PATCH", `${REPOSITORIES}/counted/status`, {
    body: { status: { observedGeneration: 2 }, spec: { suspend: false } },
    type: MERGE,
  });
  assert.equal(status.body.metadata.generation, 2);
  assert.deepEqual([status.body.status.observedGeneration, status.body.spec.suspend], [2, true]);
  const main = await patch("counted", MERGE, { status: { observedGeneration: 99 } });
  assert.equal(main.body.status.observedGeneration, 2);
});

test("a write that changes nothing makes no new version", async () => {
  const { body } = await created("still");
  for (const [type, change] of [
    [MERGE, { spec: { url: body.spec.url } }],
    [JSON_PATCH, [{ op: "replace", path: "/spec/url", value: body.spec.url }]],
  ] as const)
    assert.equal((await patch("still", type, change)).body.metadata.resourceVersion, body.metadata.resourceVersion);
  const put = await server.ask("PUT", `${REPOSITORIES}/still`, { body });
  assert.equal(put.body.metadata.resourceVersion, body.metadata.resourceVersion);
});

test("patches that race all arrive: each is made again on what the other left", async () => {
  await created("raced", { metadata: { name: "raced", labels: { a: "0" } } });
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, at) => patch("raced", MERGE, { metadata: { labels: { [`l${at}`]: "x" } } })),
  );
  assert.deepEqual(
    answers.map(({ code }) => code),
    Array.from({ length: 6 }, () => 200),
  );
  assert.equal(Object.keys((await get("raced")).body.metadata.labels).length, 7);
});

test("server-side apply creates, changes nothing a second time, and tells whose field it would take", async () => {
  const yaml = "apiVersion: slipway.dev/v1alpha1\nkind: GitRepository\nmetadata:\n  name: applied\nspec:\n  url: https://a.example/b.git\n";
  const made = await patch("applied", APPLY, yaml, "?fieldManager=one");
  assert.equal(made.code, 201);
  const again = await patch("applied", APPLY, yaml, "?fieldManager=one");
  assert.equal(again.code, 200);
  assert.equal(again.body.metadata.resourceVersion, made.body.metadata.resourceVersion);
  const other = yaml.replace("b.git", "c.git");
  const clash = await patch("applied", APPLY, other, "?fieldManager=two");
  assert.equal(clash.code, 409);
  assert.equal(clash.body.message, 'Apply failed with 1 conflict: conflict with "one": .spec.url');
  assert.deepEqual(clash.body.details.causes, [{ reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".spec.url" }]);
  const forced = await patch("applied", APPLY, other, "?fieldManager=two&force=true");
  assert.equal(forced.body.spec.url, "https://a.example/c.git");
});

test("finalizers hold an object until the last is gone, and none may come", async () => {
  await created("held", { metadata: { name: "held", finalizers: ["example.com/hold"] } });
  const marked = await server.ask("DELETE", `${REPOSITORIES}/held`);
  assert.equal(marked.body.kind, "GitRepository");
  assert.ok(marked.body.metadata.deletionTimestamp);
  assert.equal((await server.ask("DELETE", `${REPOSITORIES}/held`)).body.metadata.resourceVersion, marked.body.metadata.resourceVersion);
  const added = await patch("held", MERGE, { metadata: { finalizers: ["example.com/hold", "example.com/new"] } });
  assert.equal(added.code, 422);
  assert.match(added.body.message, /no new finalizers can be added if the object is being deleted/);
  const revived = await patch("held", MERGE, { metadata: { deletionTimestamp: null } });
  assert.ok(revived.body?.metadata?.deletionTimestamp, revived.text);
  const last = await patch("held", MERGE, { metadata: { finalizers: null } });
  assert.equal(last.code, 200);
  assert.equal((await get("held")).code, 404);
});

for (const { policy, finalizer } of [
  { policy: "Foreground", finalizer: "foregroundDeletion" },
  { policy: "Orphan", finalizer: "orphan" },
])
  test(`deleting with the policy ${policy} leaves the object to the garbage collector`, async () => {
    const name = policy.toLowerCase();
    await created(name);
    const marked = await server.ask("DELETE", `${REPOSITORIES}/${name}`, {
      body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: policy },
    });
    assert.deepEqual(marked.body.metadata.finalizers, [finalizer]);
    const gone = await server.ask("DELETE", `${REPOSITORIES}/${name}?propagationPolicy=Background`);
    assert.equal(gone.body.kind, "Status");
    assert.equal((await get(name)).code, 404);
  });

test("a deletion that is done answers Success with the uid", async () => {
  const { body } = await created("gone");
  const answer = await server.ask("DELETE", `${REPOSITORIES}/gone`);
  assert.deepEqual(answer.body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: "gone", group: "slipway.dev", kind: "gitrepositories", uid: body.metadata.uid },
  });
});

test("deletecollection deletes what the selector names and nothing else", async () => {
  for (const name of ["c1", "c2", "c3"]) await created(name, { metadata: { name, labels: { batch: name === "c3" ? "no" : "yes" } } });
  const answer = await server.ask("DELETE", `${REPOSITORIES}?labelSelector=batch%3Dyes`);
  assert.deepEqual(
    answer.body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ["c1", "c2"],
  );
  assert.deepEqual([(await get("c1")).code, (await get("c2")).code, (await get("c3")).code], [404, 404, 200]);
});

test("a namespace is emptied before it goes: nothing new comes in, and finalize lets it go", async () => {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "going" } };
  const made = await server.ask("POST", "/api/v1/namespaces", { body: namespace });
  assert.equal(made.body.status.phase, "Active");
  assert.deepEqual(made.body.spec.finalizers, ["kubernetes"]);
  const marked = await server.ask("DELETE", "/api/v1/namespaces/going");
  assert.equal(marked.body.status.phase, "Terminating");
  const late = await server.ask("POST", "/apis/slipway.dev/v1alpha1/namespaces/going/gitrepositories", { body: repository("late") });
  assert.equal(late.code, 403);
  assert.equal(
    late.body.message,
    'gitrepositories.slipway.dev "late" is forbidden: unable to create new content in namespace going because it is being terminated',
  );
  const kept = await server.ask("PATCH", "/api/v1/namespaces/going", { body: { spec: { finalizers: [] } }, type: MERGE });
  assert.deepEqual(kept.body.spec.finalizers, ["kubernetes"]);
  const done = await server.ask("PUT", "/api/v1/namespaces/going/finalize", { body: { ...namespace, spec: { finalizers: [] } } });
  assert.equal(done.code, 200, done.text);
  assert.equal((await server.ask("GET", "/api/v1/namespaces/going")).code, 404);
});

test("built-in kinds take strategic merge patches", async () => {
  const path = "/api/v1/namespaces/shop/serviceaccounts";
  await server.ask("POST", path, {
    body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot" }, secrets: [{ name: "a" }] },
  });
  const answer = await server.ask("PATCH", `${path}/robot`, { body: { secrets: [{ name: "b" }] }, type: STRATEGIC });
  assert.deepEqual(answer.body.secrets, [{ name: "b" }, { name: "a" }]);
});

test("every write is on record with who, what, before and after; secret values never; reads are not", async () => {
  await created("audited");
  await patch("audited", MERGE, { spec: { suspend: true } }, "?slipwayWhy=maintenance");
  await get("audited");
  await server.ask("DELETE", `${REPOSITORIES}/audited`);
  const about = { group: "slipway.dev", resource: "gitrepositories", namespace: "shop", name: "audited" };
  const records = (await server.records.query({ type: "audit", about, limit: 10 })).toReversed();
  assert.deepEqual(
    records.map(({ actor, reason }) => [actor, reason]),
    [
      ["admin", "Created"],
      ["admin", "Updated"],
      ["admin", "Deleted"],
    ],
  );
  const { details, message } = records[1] ?? assert.fail();
  assert.equal(message, 'admin updated gitrepository "audited" in namespace "shop": maintenance');
  assert.deepEqual(details["changes"], [{ path: "spec.suspend", before: false, after: true }]);

  await server.ask("POST", "/api/v1/namespaces/shop/secrets", {
    body: { apiVersion: "v1", kind: "Secret", metadata: { name: "pass" }, stringData: { password: "hunter2" } },
  });
  const [secret] = await server.records.query({
    type: "audit",
    about: { group: "", resource: "secrets", namespace: "shop", name: "pass" },
    limit: 1,
  });
  assert.ok(JSON.stringify(secret).includes("password"));
  assert.doesNotMatch(JSON.stringify(secret), /hunter2|aHVudGVyMg/);
});

test("tokens and access reviews are answered", async () => {
  await server.ask("POST", "/api/v1/namespaces/shop/serviceaccounts", {
    body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "caller" } },
  });
  const asked = await server.ask("POST", "/api/v1/namespaces/shop/serviceaccounts/caller/token", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  });
  assert.equal(asked.code, 201, asked.text);
  const { token } = asked.body.status;
  const self = await server.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    token,
  });
  assert.equal(self.body.status.userInfo.username, "system:serviceaccount:shop:caller");
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb: "get", resource: "secrets", namespace: "shop" } },
  };
  assert.equal(
    (await server.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", { body: review, token })).body.status.allowed,
    false,
  );
  assert.equal(
    (await server.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", { body: review })).body.status.allowed,
    true,
  );
  assert.ok(server.logged.every((line) => !line.includes(token)));
});

test("who may impersonate acts with the rights of the other, and is on record", async () => {
  const headers = { "impersonate-user": "limited" };
  const refused = await server.ask("GET", REPOSITORIES, { headers });
  assert.equal(refused.code, 403);
  assert.match(refused.body.message, /User "limited" cannot list/);
  assert.equal((await server.ask("GET", REPOSITORIES, { token: "limited-token", headers: { "impersonate-user": "admin" } })).code, 403);
});
