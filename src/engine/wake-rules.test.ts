import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { Change } from "../ports/resources.ts";
import { specOrMetadataChanged } from "./wake-rules.ts";

const key = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const object: ApiObject = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "app", namespace: "shop", uid: "u", resourceVersion: "7", generation: 1, managedFields: [{ manager: "kubectl" }] },
  spec: { path: "app" },
  status: { commit: "a" },
};
const { metadata } = object;
const modified = (next: Partial<ApiObject>): Change => ({
  type: "modified",
  key,
  object: { ...object, ...next },
  previous: object,
});

const cases: readonly (readonly [what: string, change: Change, wakes: boolean])[] = [
  ["a new object", { type: "added", key, object }, true],
  ["a deletion", { type: "deleted", key, object, previous: object }, true],
  ["a write of the same", modified({ metadata: { ...metadata, resourceVersion: "8" } }), false],
  ["a new status", modified({ status: { commit: "b" }, metadata: { ...metadata, resourceVersion: "8", managedFields: [] } }), false],
  ["a new spec", modified({ spec: { path: "lib" }, metadata: { ...metadata, generation: 2 } }), true],
  ["a member beside spec", modified({ data: { a: "b" } }), true],
  ["a label", modified({ metadata: { ...metadata, labels: { a: "b" } } }), true],
  ["an annotation", modified({ metadata: { ...metadata, annotations: { a: "b" } } }), true],
  ["a mark for deletion", modified({ metadata: { ...metadata, deletionTimestamp: "2026-01-31T12:00:00Z" } }), true],
  ["a finalizer", modified({ metadata: { ...metadata, finalizers: ["a/b"] } }), true],
  ["an owner", modified({ metadata: { ...metadata, ownerReferences: [] } }), true],
];

for (const [what, change, wakes] of cases)
  test(`${what} ${wakes ? "wakes" : "does not wake"}`, () => {
    assert.equal(specOrMetadataChanged(change), wakes);
  });
