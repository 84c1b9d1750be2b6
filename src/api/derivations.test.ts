import assert from "node:assert/strict";
import test from "node:test";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { Change, Derivations, WakeRule } from "../ports/resources.ts";
import { catalog } from "./catalog.ts";
import { derivationsOf } from "./derivations.ts";

const wake: WakeRule = { controller: "sync", key: { group: "", resource: "a", namespace: "b", name: "c" } };
// what the store asks for is what is made
const derivations: Derivations = derivationsOf<Change, WakeRule>(catalog, () => [wake]);
const key = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const object = (metadata: object): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "app", namespace: "shop", ...metadata },
  spec: { source: { repository: "app" }, serviceAccountName: "deployer" },
});

test("a sync is linked to its repository and its service account", () => {
  assert.deepEqual(derivations.links(object({}), key), ["gitrepository/shop/app", "serviceaccount/shop/deployer"]);
});

test("an object is linked to its owners, each once, whatever its kind", () => {
  const owner = { apiVersion: "v1", kind: "X", name: "x", uid: "u1" };
  const owned = object({ ownerReferences: [owner, { ...owner, uid: "u2" }, owner, {}] });
  assert.deepEqual(derivations.links(owned, { ...key, group: "unknown.dev" }), ["owner/u1", "owner/u2"]);
});

test("a member of an apply set is linked to the set and its namespace", () => {
  const member = object({ labels: { "applyset.kubernetes.io/part-of": "applyset-1-v1" } });
  assert.deepEqual(derivations.links(member, { ...key, group: "unknown.dev" }), ["applyset/applyset-1-v1", "namespace/shop"]);
});

test("the fields of a kind can be selected by", () => {
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: {},
    involvedObject: { uid: "u1", kind: "Sync" },
    type: "Warning",
  } as ApiObject;
  const fields = derivations.fields(event, { group: "", resource: "events", namespace: "shop", name: "e" });
  assert.deepEqual(
    [fields["involvedObject.uid"], fields["involvedObject.kind"], fields["type"], fields["reason"]],
    ["u1", "Sync", "Warning", ""],
  );
  assert.deepEqual(derivations.fields(event, { ...key, group: "unknown.dev" }), {});
});

test("wakes are given from outside", () => {
  assert.deepEqual(derivations.wakes({ type: "added", key, object: object({}) }), [wake]);
});
