import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../../domain/object/api-object.ts";
import { dueSyncs } from "./sync-controller.ts";

const binding = (subjects: readonly { kind: string; name: string; namespace?: string }[]): ApiObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "delivery", namespace: "shop", uid: "u" },
  subjects: subjects.map((subject) => ({ ...subject })),
});
const key = { group: "rbac.authorization.k8s.io", resource: "rolebindings", namespace: "shop", name: "delivery" };
const linksOf = (change: Parameters<typeof dueSyncs>[0]) =>
  dueSyncs(change).map((rule) => ("linkedTo" in rule ? rule.linkedTo : rule.key.name));

test("a binding makes the Syncs of the accounts it names due, so that a missing right that was given is tried at once", () => {
  const object = binding([
    { kind: "ServiceAccount", name: "delivery", namespace: "shop" },
    { kind: "User", name: "jane" },
  ]);
  assert.deepEqual(linksOf({ type: "added", key, object }), ["serviceaccount/shop/delivery"]);
});

test("an account that a binding no longer names is looked at too, each one once", () => {
  const previous = binding([{ kind: "ServiceAccount", name: "old", namespace: "shop" }]);
  const object = binding([{ kind: "ServiceAccount", name: "new", namespace: "shop" }]);
  assert.deepEqual(linksOf({ type: "modified", key, object, previous }), ["serviceaccount/shop/new", "serviceaccount/shop/old"]);
});
