import assert from "node:assert/strict";
import { test } from "node:test";
import { changedFields } from "./changed-fields.ts";

const limits = { secretFields: [], changes: 10, valueLength: 100 };

test("a change is told field by field, lists as a whole", () => {
  const before = { spec: { a: 1, list: [1], same: true }, metadata: { resourceVersion: "1" } };
  const after = { spec: { a: 2, list: [1, 2], same: true }, metadata: { resourceVersion: "2" }, status: { ok: true } };
  assert.deepEqual(changedFields(before, after, limits), [
    { path: "spec.a", before: 1, after: 2 },
    { path: "spec.list", before: [1], after: [1, 2] },
    { path: "status", after: { ok: true } },
  ]);
});

test("secret values never appear, nor in the copy that kubectl apply keeps", () => {
  const applied = { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"hunter2"}}' };
  const object = { data: { password: "hunter2" }, metadata: { name: "x", annotations: applied } };
  const secret = { ...limits, valueLength: 1000, secretFields: ["data", "stringData"] };
  for (const [before, after] of [
    [undefined, object],
    [{ data: {}, metadata: { name: "x" } }, object],
    [{ data: { password: "hunter1" }, metadata: { annotations: {} } }, object],
    [object, undefined],
  ]) {
    const told = JSON.stringify(changedFields(before, after, secret));
    assert.ok(told.includes("password"), told);
    assert.doesNotMatch(told, /hunter/);
  }
});

test("what is told is bounded", () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, "x".repeat(500)]));
  const told = changedFields({ spec: {} }, { spec: many }, limits);
  assert.equal(told.length, 11);
  assert.deepEqual(told.at(-1), { path: "…", after: "40 more" });
  assert.ok(JSON.stringify(told).length < 3000);
});
