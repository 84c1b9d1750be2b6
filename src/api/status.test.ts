import assert from "node:assert/strict";
import test from "node:test";
import { ApiFailure, cannot, statusOf, success, unknownFieldText, type ApiError } from "./status.ts";
import { statusFor } from "./status-for.ts";

const sync = { group: "slipway.dev", resource: "syncs", name: "app" };
const namespace = { group: "", resource: "namespaces", name: "shop" };
const details = { name: "app", group: "slipway.dev", kind: "syncs" };
const asked = { user: "jane", verb: "get", group: "slipway.dev", resource: "syncs", subresource: "", namespace: "shop" };

/** The sentences are those of kube-apiserver 1.36, asked for the same. */
const table: readonly {
  readonly problem: ApiError;
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: object;
}[] = [
  { problem: { error: "notFound", subject: sync }, code: 404, reason: "NotFound", message: 'syncs.slipway.dev "app" not found', details },
  {
    problem: { error: "notFound", subject: namespace },
    code: 404,
    reason: "NotFound",
    message: 'namespaces "shop" not found',
    details: { name: "shop", kind: "namespaces" },
  },
  {
    problem: { error: "noSuchPath" },
    code: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
    details: {},
  },
  {
    problem: { error: "alreadyExists", subject: sync },
    code: 409,
    reason: "AlreadyExists",
    message: 'syncs.slipway.dev "app" already exists',
    details,
  },
  {
    problem: { error: "conflict", subject: sync },
    code: 409,
    reason: "Conflict",
    message:
      'Operation cannot be fulfilled on syncs.slipway.dev "app": the object has been modified; please apply your changes to the latest version and try again',
    details,
  },
  {
    problem: {
      error: "applyConflict",
      conflicts: [{ manager: "jane", operation: "Apply", fields: [".spec.path"], reason: 'conflict with "jane"' }],
    },
    code: 409,
    reason: "Conflict",
    message: 'Apply failed with 1 conflict: conflict with "jane": .spec.path',
    details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "jane"', field: ".spec.path" }] },
  },
  {
    problem: {
      error: "invalid",
      subject: sync,
      kind: "Sync",
      problems: [{ path: "metadata.name", code: "required", message: "name or generateName is required" }],
    },
    code: 422,
    reason: "Invalid",
    message: 'Sync.slipway.dev "app" is invalid: metadata.name: Required value: name or generateName is required',
    details: {
      name: "app",
      group: "slipway.dev",
      kind: "Sync",
      causes: [{ reason: "FieldValueRequired", message: "Required value: name or generateName is required", field: "metadata.name" }],
    },
  },
  {
    problem: {
      error: "invalid",
      subject: { ...sync, name: "" },
      kind: "Sync",
      problems: [
        { path: "spec.path", code: "invalid", message: '"/etc" is no folder', hint: "write deploy" },
        { path: "spec.lanes[1]", code: "duplicate", message: '{name: "eu"}' },
      ],
    },
    code: 422,
    reason: "Invalid",
    message:
      'Sync.slipway.dev "" is invalid: [spec.path: Invalid value: "/etc" is no folder; write deploy, spec.lanes[1]: Duplicate value: {name: "eu"}]',
    details: {
      group: "slipway.dev",
      kind: "Sync",
      causes: [
        { reason: "FieldValueInvalid", message: 'Invalid value: "/etc" is no folder; write deploy', field: "spec.path" },
        { reason: "FieldValueDuplicate", message: 'Duplicate value: {name: "eu"}', field: "spec.lanes[1]" },
      ],
    },
  },
  {
    problem: {
      error: "unknownFields",
      version: "v1alpha1",
      kind: "Sync",
      problems: [{ path: "spec.pth", code: "unknownField", message: 'unknown field "spec.pth"', hint: 'did you mean "path"?' }],
    },
    code: 400,
    reason: "BadRequest",
    message:
      'Sync in version "v1alpha1" cannot be handled as a Sync: strict decoding error: unknown field "spec.pth" (did you mean "path"?)',
  },
  {
    problem: { error: "forbidden", subject: sync, because: cannot(asked) },
    code: 403,
    reason: "Forbidden",
    message:
      'syncs.slipway.dev "app" is forbidden: User "jane" cannot get resource "syncs" in API group "slipway.dev" in the namespace "shop"',
    details,
  },
  {
    problem: {
      error: "forbidden",
      subject: { ...namespace, name: "" },
      because: cannot({ ...asked, verb: "list", group: "", resource: "namespaces", namespace: "" }),
    },
    code: 403,
    reason: "Forbidden",
    message: 'namespaces is forbidden: User "jane" cannot list resource "namespaces" in API group "" at the cluster scope',
    details: { kind: "namespaces" },
  },
  {
    problem: { error: "forbiddenPath", user: "jane", verb: "get", path: "/metrics" },
    code: 403,
    reason: "Forbidden",
    message: 'forbidden: User "jane" cannot get path "/metrics"',
    details: {},
  },
  {
    problem: { error: "namespaceTerminating", subject: sync, namespace: "shop" },
    code: 403,
    reason: "Forbidden",
    message: 'syncs.slipway.dev "app" is forbidden: unable to create new content in namespace shop because it is being terminated',
    details: {
      ...details,
      causes: [{ reason: "NamespaceTerminating", message: "namespace shop is being terminated", field: "metadata.namespace" }],
    },
  },
  { problem: { error: "unauthorized" }, code: 401, reason: "Unauthorized", message: "Unauthorized" },
  { problem: { error: "badRequest", message: "no" }, code: 400, reason: "BadRequest", message: "no" },
  {
    problem: { error: "expired", message: "too old resource version: 1 (5)" },
    code: 410,
    reason: "Expired",
    message: "too old resource version: 1 (5)",
  },
  {
    problem: { error: "resourceVersionTooLarge", asked: 99, current: 5 },
    code: 504,
    reason: "Timeout",
    message: "Timeout: Too large resource version: 99, current: 5",
    details: { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }], retryAfterSeconds: 1 },
  },
  {
    problem: { error: "methodNotAllowed" },
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
  },
  {
    problem: { error: "notAcceptable", accepted: ["application/json", "application/yaml"] },
    code: 406,
    reason: "NotAcceptable",
    message: "only the following media types are accepted: application/json, application/yaml",
  },
  {
    problem: { error: "unsupportedMediaType", accepted: ["application/json-patch+json", "application/merge-patch+json"] },
    code: 415,
    reason: "UnsupportedMediaType",
    message:
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json",
  },
  {
    problem: { error: "requestEntityTooLarge", message: "limit is 3145728" },
    code: 413,
    reason: "RequestEntityTooLarge",
    message: "Request entity too large: limit is 3145728",
  },
  {
    problem: { error: "tooManyRequests", message: "slow down", retryAfterSeconds: 2 },
    code: 429,
    reason: "TooManyRequests",
    message: "slow down",
    details: { retryAfterSeconds: 2 },
  },
  {
    problem: { error: "internal", incident: "x1" },
    code: 500,
    reason: "InternalError",
    message: "Internal error occurred: incident x1; the server's log has the details under this id",
  },
  {
    problem: { error: "refused", message: "the disk is full" },
    code: 500,
    reason: "InternalError",
    message: "Internal error occurred: the disk is full",
  },
  {
    problem: { error: "serviceUnavailable", message: "the store is away", retryAfterSeconds: 1 },
    code: 503,
    reason: "ServiceUnavailable",
    message: "the store is away",
    details: { retryAfterSeconds: 1 },
  },
  { problem: { error: "timeout", message: "no answer" }, code: 504, reason: "Timeout", message: "Timeout: no answer" },
];
for (const { problem, ...wanted } of table) {
  test(`${problem.error} is told in the words of Kubernetes: ${wanted.message.slice(0, 60)}`, () => {
    assert.deepEqual(statusOf(problem), { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", ...wanted });
  });
}

test("an expired page says where an inconsistent list can go on", () => {
  assert.deepEqual(statusOf({ error: "expired", message: "old", continue: "abc" }).metadata, { continue: "abc" });
});

test("a delete is answered with what is gone", () => {
  assert.deepEqual(success(sync, "u1"), {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { ...details, uid: "u1" },
  });
});

test("a warning names the unknown field and what was meant", () => {
  assert.equal(
    unknownFieldText({ path: "a", code: "unknownField", message: 'unknown field "a"', hint: 'did you mean "b"?' }),
    'unknown field "a" (did you mean "b"?)',
  );
});

const key = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const resourceError = (reason: string) => Object.assign(new Error("why"), { name: "ResourceError", reason, key });
const portError = (outcome: string) => Object.assign(new Error("why"), { name: "PortError", outcome });
const errors: readonly (readonly [string, unknown, number, string])[] = [
  ["a failure of the table", new ApiFailure({ error: "badRequest", message: "no" }), 400, "BadRequest"],
  ["a resource that is not there", resourceError("notFound"), 404, "NotFound"],
  ["a resource that is there", resourceError("alreadyExists"), 409, "AlreadyExists"],
  ["a resource changed in between", resourceError("conflict"), 409, "Conflict"],
  ["a lost lease", resourceError("fenced"), 409, "Conflict"],
  ["a version no longer kept", resourceError("expired"), 410, "Expired"],
  ["an object too large", resourceError("tooLarge"), 413, "RequestEntityTooLarge"],
  ["an invalid object", resourceError("invalid"), 422, "Invalid"],
  ["a forbidden write", resourceError("forbidden"), 403, "Forbidden"],
  ["a namespace that goes", resourceError("namespaceTerminating"), 403, "Forbidden"],
  ["a store that did nothing", portError("notDone"), 503, "ServiceUnavailable"],
  ["a store that refuses", portError("refused"), 500, "InternalError"],
  ["a store of which nothing is known", portError("unknown"), 504, "Timeout"],
  ["a selector that cannot be read", Object.assign(new Error("no selector"), { name: "SelectorError" }), 400, "BadRequest"],
  ["a bug", new TypeError("x is not a function"), 500, "InternalError"],
  ["a thrown text", "secret", 500, "InternalError"],
  ["a thrown nothing", undefined, 500, "InternalError"],
];
for (const [name, error, code, reason] of errors) {
  test(`${name} is answered with ${String(code)} ${reason}`, () => {
    const status = statusFor(error, "i1");
    assert.deepEqual([status.code, status.reason], [code, reason]);
  });
}

test("a bug tells its incident and nothing else", () => {
  assert.doesNotMatch(JSON.stringify(statusFor(new Error("password=hunter2"), "i1")), /hunter2/);
  assert.match(statusFor(new Error("x"), "i1").message, /i1/);
});
