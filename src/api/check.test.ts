import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { anyJson, objectsOf } from "../../test/generate/api-object.ts";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { JsonValue } from "../domain/object/json.ts";
import { catalog } from "./catalog.ts";
import { checkBody, checkObject, MOST_PROBLEMS } from "./check.ts";
import type { Kind } from "./kind.ts";
import { pruned, shapedBody, unknownFields, withDefaults } from "./shape.ts";

const sync = kind("slipway.dev/v1alpha1", "Sync");
const good = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "shop", namespace: "shop" },
  spec: { source: { repository: "shop" }, serviceAccountName: "deployer" },
};

for (const of of catalog.kinds) {
  const rulesOff: Kind = { ...of, validate: () => [] };
  test(`an object made by the schema of ${of.kind} is accepted, before and after defaults`, () => {
    fc.assert(
      fc.property(objectsOf(of), (object) => {
        assert.deepEqual(checkObject(rulesOff, object), []);
        assert.deepEqual(unknownFields(of, object), []);
        assert.deepEqual(checkObject(rulesOff, withDefaults(of, object)), []);
      }),
      { numRuns: 25 },
    );
  });
  test(`any JSON at all is answered for ${of.kind}, never thrown on`, () => {
    fc.assert(
      fc.property(anyJson, anyJson, anyJson, (metadata, spec, other) => {
        for (const hostile of [
          metadata,
          { metadata, spec, status: other },
          { ...good, kind: of.kind, spec, ...asObject(other) },
        ] as JsonValue[]) {
          const clean = pruned(of, hostile);
          const filled = isTyped(clean) ? withDefaults(of, clean) : clean;
          for (const object of [hostile, clean, filled]) assert.ok(Array.isArray(checkObject(of, object, good)));
          assert.ok(Array.isArray(unknownFields(of, hostile)));
        }
      }),
      { numRuns: 40 },
    );
  });
}

const metadataCases: readonly { readonly name: string; readonly metadata: JsonValue; readonly path: string; readonly code: string }[] = [
  { name: "no metadata", metadata: null, path: "metadata", code: "typeInvalid" },
  { name: "no name", metadata: { namespace: "shop" }, path: "metadata.name", code: "required" },
  { name: "upper case in the name", metadata: { name: "Shop", namespace: "shop" }, path: "metadata.name", code: "invalid" },
  { name: "a number as name", metadata: { name: 3, namespace: "shop" }, path: "metadata.name", code: "typeInvalid" },
  { name: "a bad prefix", metadata: { generateName: "Shop-", namespace: "shop" }, path: "metadata.generateName", code: "invalid" },
  { name: "no namespace", metadata: { name: "shop" }, path: "metadata.namespace", code: "required" },
  { name: "a bad namespace", metadata: { name: "shop", namespace: "a.b" }, path: "metadata.namespace", code: "invalid" },
  {
    name: "a bad label",
    metadata: { name: "a", namespace: "shop", labels: { "a b": "x" } },
    path: "metadata.labels[a b]",
    code: "invalid",
  },
  {
    name: "a bad label value",
    metadata: { name: "a", namespace: "shop", labels: { a: "x y" } },
    path: "metadata.labels[a]",
    code: "invalid",
  },
  {
    name: "a label that is no text",
    metadata: { name: "a", namespace: "shop", labels: { a: 1 } },
    path: "metadata.labels[a]",
    code: "typeInvalid",
  },
  { name: "labels as a list", metadata: { name: "a", namespace: "shop", labels: [] }, path: "metadata.labels", code: "typeInvalid" },
  {
    name: "too many annotations",
    metadata: { name: "a", namespace: "shop", annotations: { a: "ü".repeat(131_072) } },
    path: "metadata.annotations",
    code: "tooLong",
  },
  {
    name: "a finalizer without a domain",
    metadata: { name: "a", namespace: "shop", finalizers: ["cleanup"] },
    path: "metadata.finalizers[0]",
    code: "invalid",
  },
  {
    name: "an owner without uid",
    metadata: { name: "a", namespace: "shop", ownerReferences: [{ apiVersion: "v1", kind: "Secret", name: "x" }] },
    path: "metadata.ownerReferences[0].uid",
    code: "required",
  },
  {
    name: "two controlling owners",
    metadata: {
      name: "a",
      namespace: "shop",
      ownerReferences: ["1", "2"].map((uid) => ({ apiVersion: "v1", kind: "Secret", name: "x", uid, controller: true })),
    },
    path: "metadata.ownerReferences[1].controller",
    code: "invalid",
  },
];
for (const { name, metadata, path, code } of metadataCases) {
  test(`metadata with ${name} is refused at ${path}`, () => {
    assert.deepEqual(
      checkObject(sync, { ...good, metadata }).map((problem) => [problem.path, problem.code]),
      [[path, code]],
    );
  });
}

test("generateName stands in for a name", () => {
  assert.deepEqual(checkObject(sync, { ...good, metadata: { generateName: "shop-", namespace: "shop" } }), []);
});

test("everything wrong is told at once, with the path and what is there", () => {
  const problems = checkObject(sync, {
    ...good,
    kind: "Sink",
    metadata: { namespace: "shop" },
    spec: { source: {}, prune: "yes", interval: "often", path: "" },
  });
  assert.deepEqual(problems.map(({ path }) => path).sort(), [
    "kind",
    "metadata.name",
    "spec.interval",
    "spec.path",
    "spec.prune",
    "spec.serviceAccountName",
    "spec.source.repository",
  ]);
  assert.deepEqual(
    problems.find(({ path }) => path === "spec.prune"),
    { path: "spec.prune", code: "typeInvalid", message: '"yes" is not true or false' },
  );
  assert.match(problems.find(({ path }) => path === "spec.interval")?.hint ?? "", /30s/);
});

test("names and times cannot be changed, and may be left out", () => {
  const stored = { ...good, metadata: { ...good.metadata, uid: "1", creationTimestamp: "2026-01-01T00:00:00Z" } };
  assert.deepEqual(checkObject(sync, good, stored), []);
  const changed = { ...stored, metadata: { ...stored.metadata, uid: "2", creationTimestamp: "2027-01-01T00:00:00Z" } };
  assert.deepEqual(
    checkObject(sync, changed, stored).map(({ path, code }) => [path, code]),
    [
      ["metadata.uid", "immutable"],
      ["metadata.creationTimestamp", "immutable"],
    ],
  );
});

test("an object that is going takes no new finalizers, but lets them go", () => {
  const going = { ...good, metadata: { ...good.metadata, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a.dev/x"] } };
  assert.deepEqual(checkObject(sync, { ...going, metadata: { ...going.metadata, finalizers: [] } }, going), []);
  const more = checkObject(sync, { ...going, metadata: { ...going.metadata, finalizers: ["a.dev/x", "a.dev/y"] } }, going);
  assert.deepEqual(
    more.map(({ path, code }) => [path, code]),
    [["metadata.finalizers", "forbidden"]],
  );
});

test("an entry that occurs twice in a map by a key is named", () => {
  const condition = { type: "Ready", status: "True", reason: "X", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
  const problems = checkObject(sync, { ...good, status: { conditions: [condition, condition] } });
  assert.deepEqual(
    problems.map(({ path, code, message }) => [path, code, message]),
    [["status.conditions[1]", "duplicate", '{type: "Ready"}']],
  );
});

test("the number of problems listed is bounded, and the rest is counted", () => {
  const labels = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`bad name ${String(at)}`, "x"]));
  const problems = checkObject(sync, { ...good, metadata: { ...good.metadata, labels } });
  assert.equal(problems.length, MOST_PROBLEMS + 1);
  assert.match(problems.at(-1)?.message ?? "", /950 more/);
});

test("a hundred thousand wrong entries cost no more than their number", () => {
  const items = Array.from({ length: 100_000 }, (_, at) => ({ at, __proto__: null, more: [at] }));
  const hostile = { ...good, spec: { ...good.spec, source: items }, status: { conditions: items, drift: items, problems: items } };
  const began = process.cpuUsage();
  assert.ok(checkObject(sync, hostile).length <= MOST_PROBLEMS + 1);
  assert.ok(unknownFields(sync, hostile).length <= MOST_PROBLEMS + 1);
  pruned(sync, hostile);
  const { user } = process.cpuUsage(began);
  assert.ok(user < 10_000_000, `took ${String(user / 1e6)} s of CPU`);
});

test("a body nested a hundred thousand deep is answered like any other", () => {
  const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000)) as JsonValue;
  for (const hostile of [
    { ...good, spec: deep },
    { ...good, metadata: { ...good.metadata, labels: { a: deep }, uid: deep, managedFields: [deep] } },
    { ...good, spec: { ...good.spec, path: deep, x: deep } },
  ]) {
    assert.ok(checkObject(sync, hostile, good).length > 0);
    unknownFields(sync, hostile);
    withDefaults(sync, pruned(sync, hostile) as typeof good);
  }
});

for (const [name, body] of [
  [
    "TokenRequest",
    { spec: { audiences: null, expirationSeconds: null, boundObjectRef: null }, status: { token: "", expirationTimestamp: null } },
  ],
  ["AccessTokenRequest", { spec: {}, status: { token: "", expirationTimestamp: null } }],
] as const) {
  test(`a ${name} is accepted as clients send it: with an empty answer and no object's name`, () => {
    const schema = catalog.kinds.flatMap(({ actions = [] }) => actions).find((action) => action.body.kind === name)?.body.schema;
    assert.ok(schema);
    assert.deepEqual(
      checkBody(schema, shapedBody(schema, { apiVersion: "v1", kind: name, metadata: { creationTimestamp: null }, ...body })),
      [],
    );
  });
}

for (const [name, body] of [
  ["SelfSubjectRulesReview", { spec: { namespace: "shop" }, status: { resourceRules: null, nonResourceRules: null, incomplete: false } }],
  ["SelfSubjectAccessReview", { spec: { resourceAttributes: { verb: "get", resource: "syncs" } }, status: { allowed: false } }],
  ["TokenReview", { spec: { token: "x" }, status: { user: {} } }],
  ["SelfSubjectReview", { status: { userInfo: {} } }],
] as const) {
  test(`a ${name} is accepted as clients send it: with an empty answer and no name`, () => {
    const of = catalog.kinds.find((candidate) => candidate.kind === name);
    assert.ok(of);
    const sent = { apiVersion: `${of.group}/v1`, kind: name, ...body } as unknown as ApiObject;
    assert.deepEqual(checkObject(of, withDefaults(of, pruned(of, sent))), []);
    assert.deepEqual(
      checkObject(of, withDefaults(of, pruned(of, { ...sent, metadata: { creationTimestamp: null } } as unknown as ApiObject))),
      [],
    );
  });
}

test("a question about access is about one thing and about somebody", () => {
  const ask = (of: string, spec: object) =>
    checkObject(kind("authorization.k8s.io/v1", of), { apiVersion: "authorization.k8s.io/v1", kind: of, spec } as JsonValue).map(
      ({ path }) => path,
    );
  assert.deepEqual(ask("SelfSubjectAccessReview", {}), ["spec.resourceAttributes"]);
  assert.deepEqual(ask("SubjectAccessReview", { resourceAttributes: {}, nonResourceAttributes: {} }), [
    "spec.resourceAttributes",
    "spec.user",
  ]);
  assert.deepEqual(ask("SubjectAccessReview", { resourceAttributes: {}, groups: ["a"] }), []);
});

test("a value of a secret is never quoted", () => {
  const secret = kind("v1", "Secret");
  const problems = checkObject(secret, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s", namespace: "shop" },
    data: { password: 4711, key: "not base64!" },
    stringData: "hunter2",
  });
  assert.ok(problems.length >= 2);
  assert.doesNotMatch(JSON.stringify(problems), /4711|not base64!|hunter2/);
});

function kind(apiVersion: string, name: string): Kind {
  const found = catalog.byKind(apiVersion, name);
  assert.ok(found);
  return found;
}

function isTyped(value: JsonValue): value is typeof good {
  return (
    typeof value === "object" &&
    value !== null &&
    "metadata" in value &&
    typeof value.metadata === "object" &&
    value.metadata !== null &&
    !Array.isArray(value.metadata)
  );
}

function asObject(value: JsonValue): object {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
