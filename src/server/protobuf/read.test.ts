import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ApiFailure } from "../../api/status.ts";
import type { JsonValue } from "../../domain/object/json.ts";
import { protobufReader } from "./read.ts";
import { protobufTypes } from "./types.ts";

const types = protobufTypes();
const read = protobufReader();

/** As a Go client writes it: magic, envelope, object. */
function written(apiVersion: string, kind: string, message: string, object: object): Uint8Array {
  const type = types.lookupType(message);
  const raw = type.encode(type.fromObject(object)).finish();
  const unknown = types.lookupType("Unknown");
  const envelope = unknown
    .encode(unknown.fromObject({ typeMeta: { apiVersion, kind }, raw, contentEncoding: "", contentType: "" }))
    .finish();
  return Buffer.concat([Buffer.from([0x6b, 0x38, 0x73, 0]), envelope]);
}

const time = { seconds: 1_767_225_600, nanos: 0 };
const cases: readonly { readonly name: string; readonly bytes: Uint8Array; readonly json: JsonValue }[] = [
  {
    name: "a Namespace as kubectl creates it, with the empty texts and times that Go writes",
    bytes: written("v1", "Namespace", "Namespace", {
      metadata: { name: "shop", generateName: "", namespace: "", uid: "", resourceVersion: "", generation: 0, creationTimestamp: {} },
      spec: {},
      status: { phase: "" },
    }),
    json: { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
  },
  {
    name: "a Secret, its values in base64",
    bytes: written("v1", "Secret", "Secret", {
      metadata: { name: "s", labels: { a: "b" } },
      data: { key: Buffer.from("hunter2") },
      immutable: false,
      type: "",
    }),
    json: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", labels: { a: "b" } },
      immutable: false,
      data: { key: "aHVudGVyMg==" },
    },
  },
  {
    name: "a RoleBinding",
    bytes: written("rbac.authorization.k8s.io/v1", "RoleBinding", "Binding", {
      metadata: { name: "rb" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane", namespace: "" }],
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" },
    }),
    json: {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "rb" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" }],
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" },
    },
  },
  {
    name: "a TokenRequest keeps its empty spec",
    bytes: written("authentication.k8s.io/v1", "TokenRequest", "TokenRequest", {
      metadata: {},
      spec: {},
      status: { token: "", expirationTimestamp: {} },
    }),
    json: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  },
  {
    name: "times, and owners with their flags",
    bytes: written("v1", "ServiceAccount", "ServiceAccount", {
      metadata: {
        name: "sa",
        creationTimestamp: time,
        ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid: "u", controller: false }],
      },
    }),
    json: {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: {
        name: "sa",
        creationTimestamp: "2026-01-01T00:00:00Z",
        ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid: "u", controller: false }],
      },
    },
  },
  {
    name: "DeleteOptions of any group",
    bytes: written("slipway.dev/v1alpha1", "DeleteOptions", "DeleteOptions", {
      gracePeriodSeconds: 0,
      propagationPolicy: "Foreground",
      preconditions: { uid: "u" },
    }),
    json: {
      apiVersion: "slipway.dev/v1alpha1",
      kind: "DeleteOptions",
      gracePeriodSeconds: 0,
      preconditions: { uid: "u" },
      propagationPolicy: "Foreground",
    },
  },
];

for (const { name, bytes, json } of cases) test(`protobuf: ${name}`, () => assert.deepEqual(read(bytes), json));

test("protobuf: what is not read says so", () => {
  const pod = written("v1", "Pod", "Namespace", {});
  for (const bytes of [
    new Uint8Array(),
    Buffer.from("{}"),
    pod,
    Buffer.from([0x6b, 0x38, 0x73, 0]),
    Buffer.from([0x6b, 0x38, 0x73, 0, 0x0a, 0xff]),
  ])
    assert.throws(
      () => read(bytes),
      (error) => error instanceof ApiFailure && error.problem.error === "badRequest",
    );
});

test("protobuf: whatever bytes come, the answer is an object or a refusal", () => {
  const whole = Buffer.from(cases[2]?.bytes ?? []);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
      const damaged = Buffer.from(whole);
      damaged[at] = byte;
      try {
        assert.equal(typeof read(damaged.subarray(0, length)), "object");
      } catch (error) {
        assert.ok(error instanceof ApiFailure, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
