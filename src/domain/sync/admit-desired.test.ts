import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { admitDesired, type Found, type Served } from "./admit-desired.ts";

const served: readonly Served[] = [
  { group: "", version: "v1", kind: "Secret", resource: "secrets", namespaced: true },
  { group: "", version: "v1", kind: "Namespace", resource: "namespaces", namespaced: false },
  { group: "slipway.dev", version: "v1alpha1", kind: "Sync", resource: "syncs", namespaced: true },
  { group: "slipway.dev", version: "v1alpha1", kind: "Hold", resource: "holds", namespaced: true },
];

const found = (object: JsonObject, at: Partial<Found> = {}): Found => ({
  object,
  file: "app/a.yaml",
  line: 3,
  column: 1,
  identity: "blob:3:1",
  ...at,
});
const secret = (metadata: JsonObject): JsonObject => ({ apiVersion: "v1", kind: "Secret", metadata });
const admit = (...all: readonly Found[]) => admitDesired(all, served, "shop");

test("an object without a namespace is put into the one of the Sync", () => {
  const { desired, problems } = admit(found(secret({ name: "a" })));
  assert.deepEqual(problems, []);
  assert.deepEqual([desired[0]?.place.namespace, desired[0]?.object.metadata.namespace], ["shop", "shop"]);
});

test("an object that names another namespace stays there: the rights of the account decide", () => {
  assert.equal(admit(found(secret({ name: "a", namespace: "other" }))).desired[0]?.place.namespace, "other");
});

test("a cluster-scoped object has no namespace", () => {
  const [namespace] = admit(found({ apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } })).desired;
  assert.deepEqual([namespace?.place.namespace, namespace !== undefined && "namespace" in namespace.object.metadata], ["", false]);
});

test("where it stands and which content it has is kept", () => {
  const [one] = admit(found(secret({ name: "a" }))).desired;
  assert.deepEqual([one?.file, one?.line, one?.column, one?.identity], ["app/a.yaml", 3, 1, "blob:3:1"]);
});

for (const [what, object, message, named] of [
  ["no kind", { apiVersion: "v1", metadata: { name: "a" } }, /apiVersion and kind are missing/, "object a"],
  ["a kind that is no text", { apiVersion: "v1", kind: 7, metadata: { name: "a" } }, /apiVersion and kind are missing/, "object a"],
  [
    "a forbidden kind that is served",
    { apiVersion: "slipway.dev/v1alpha1", kind: "Hold", metadata: { name: "a" } },
    /Hold cannot come from Git: use slipway hold/,
    "Hold a",
  ],
  [
    "a forbidden kind that is not",
    { apiVersion: "slipway.dev/v1alpha1", kind: "Evidence", metadata: { name: "a" } },
    /Evidence cannot come from Git/,
    "Evidence a",
  ],
  [
    "a kind in the wrong group",
    { apiVersion: "apps/v1", kind: "Secret", metadata: { name: "a" } },
    /no kind Secret in apps\/v1; did you mean v1 Secret\?/,
    "Secret a",
  ],
  ["a kind in the wrong case", { apiVersion: "v1", kind: "secret", metadata: { name: "a" } }, /did you mean v1 Secret\?/, "secret a"],
  ["an unknown kind of a known group", { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }, /v1 has Secret, Namespace/, "Pod a"],
  ["an unknown group", { apiVersion: "example.dev/v1", kind: "Thing", metadata: { name: "a" } }, /kubectl api-resources lists/, "Thing a"],
  [
    "a kind that every JavaScript object has",
    { apiVersion: "v1", kind: "constructor", metadata: { name: "a" } },
    /no kind constructor/,
    "constructor a",
  ],
  ["no metadata", { apiVersion: "v1", kind: "Secret" }, /metadata\.name is missing/, "Secret without a name"],
  ["generateName only", secret({ generateName: "a-" }), /generateName cannot be kept in step/, "Secret without a name"],
  ["an empty name", secret({ name: "" }), /metadata\.name is missing/, "Secret "],
  ["a namespace that is no text", secret({ name: "a", namespace: 7 }), /metadata\.namespace is no text/, "Secret a"],
  ["an empty namespace", secret({ name: "a", namespace: "" }), /metadata\.namespace is no text/, "Secret a"],
  [
    "a cluster-scoped kind with a namespace",
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "a", namespace: "shop" } },
    /Namespace is cluster-scoped; remove metadata\.namespace/,
    "Namespace a",
  ],
  [
    "a status",
    { apiVersion: "slipway.dev/v1alpha1", kind: "Sync", metadata: { name: "a" }, status: { commit: "faked" } },
    /status is written by controllers; remove it/,
    "Sync a",
  ],
] as readonly (readonly [string, JsonObject, RegExp, string])[])
  test(`${what} is refused with its place and what to do`, () => {
    const { desired, problems } = admit(found(object));
    assert.deepEqual(desired, []);
    assert.deepEqual(
      problems.map(({ file, line, column, object: of }) => ({ file, line, column, of })),
      [{ file: "app/a.yaml", line: 3, column: 1, of: named }],
    );
    assert.match(problems[0]?.message ?? "", message);
  });

test("an empty status, as tools write it out, is passed over", () => {
  const { desired, problems } = admit(found({ ...secret({ name: "a" }), status: {} }));
  assert.deepEqual(problems, []);
  assert.equal(desired[0] !== undefined && "status" in desired[0].object, false);
});

test("the same object in two files is refused where it stands second, and the first place is named", () => {
  const { desired, problems } = admit(
    found(secret({ name: "a" })),
    found(secret({ name: "a", namespace: "shop" }), { file: "app/b.yaml", line: 9, column: 5 }),
  );
  assert.equal(desired.length, 1);
  assert.deepEqual(problems, [
    {
      file: "app/b.yaml",
      line: 9,
      column: 5,
      object: "Secret shop/a",
      message: "Secret shop/a is described twice, first at app/a.yaml:3; remove one of the two",
    },
  ]);
});

test("one name in two namespaces or of two kinds are two objects", () => {
  const { desired, problems } = admit(
    found(secret({ name: "a" })),
    found(secret({ name: "a", namespace: "other" })),
    found({ apiVersion: "slipway.dev/v1alpha1", kind: "Sync", metadata: { name: "a" } }),
  );
  assert.deepEqual([desired.length, problems.length], [3, 0]);
});

test("nothing is dropped in silence: whatever a file holds becomes one desired object or one problem", () => {
  const values = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>; // what fast-check calls a JSON value is one
  const objects = fc.record(
    {
      apiVersion: fc.oneof(fc.constantFrom("v1", "slipway.dev/v1alpha1"), values),
      kind: fc.oneof(fc.constantFrom("Secret", "Namespace", "Sync", "Hold", "__proto__"), values),
      metadata: fc.oneof(
        fc.record(
          { name: fc.oneof(fc.constantFrom("a", "b"), values), namespace: fc.oneof(fc.constantFrom("shop"), values) },
          { requiredKeys: ["name"] },
        ),
        values,
      ),
      status: values,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(objects, { maxLength: 6 }), (all) => {
      const { desired, problems } = admitDesired(
        all.map((one) => found(one as JsonObject)),
        served,
        "shop",
      ); // made of JSON values above
      assert.equal(desired.length + problems.length, all.length);
      for (const { message } of problems) assert.ok(message.length > 10);
    }),
  );
});
