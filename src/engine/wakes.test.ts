import assert from "node:assert/strict";
import { test } from "node:test";
import { catalog } from "../api/catalog.ts";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import { APPLIED_BY, PART_OF } from "../domain/sync/apply-set.ts";
import type { Change, WakeRule } from "../ports/resources.ts";
import { wakesOf } from "./wakes.ts";

const UID = "5c0ffee0-0000-4000-8000-000000000001";
const OWNER = "5c0ffee0-0000-4000-8000-000000000002";

const key = (resource: string, name: string, namespace = "shop", group = "slipway.dev"): ObjectKey => ({
  group,
  resource,
  namespace,
  name,
});
const core = (resource: string, name: string, namespace = "shop"): ObjectKey => key(resource, name, namespace, "");
const object = (kind: string, metadata: ApiObject["metadata"] = {}, rest: Partial<ApiObject> = {}): ApiObject => ({
  apiVersion: "v1",
  kind,
  ...rest,
  metadata: { uid: UID, ...metadata },
});

const applied = { labels: { [PART_OF]: "applyset-x-v1" }, annotations: { [APPLIED_BY]: "shop/app" } };
const deleting = { deletionTimestamp: "2026-01-31T12:00:00Z" };
const owned = { ownerReferences: [{ apiVersion: "v1", kind: "Secret", name: "owner", uid: OWNER }] };

const added = (at: ObjectKey, one: ApiObject): Change => ({ type: "added", key: at, object: one });
const modified = (at: ObjectKey, one: ApiObject, previous: ApiObject): Change => ({ type: "modified", key: at, object: one, previous });
const deleted = (at: ObjectKey, one: ApiObject): Change => ({ type: "deleted", key: at, object: one, previous: one });

function told(rule: WakeRule): string {
  return "key" in rule ? `${rule.controller} ${rule.key.namespace}/${rule.key.name}` : `${rule.controller} linked to ${rule.linkedTo}`;
}

const artifact = (commit: string): Partial<ApiObject> => ({ status: { artifact: { commit } } });

const cases: readonly (readonly [what: string, change: Change, wakes: readonly string[]])[] = [
  [
    "a new repository",
    added(key("gitrepositories", "app"), object("GitRepository")),
    ["git-repository shop/app", "sync linked to gitrepository/shop/app"],
  ],
  [
    "a new commit in a repository's status",
    modified(key("gitrepositories", "app"), object("GitRepository", {}, artifact("b")), object("GitRepository", {}, artifact("a"))),
    ["sync linked to gitrepository/shop/app"],
  ],
  [
    "bookkeeping in a repository's status",
    modified(
      key("gitrepositories", "app"),
      object("GitRepository", {}, { status: { artifact: { commit: "a" }, observedGeneration: 2 } }),
      object("GitRepository", {}, artifact("a")),
    ),
    [],
  ],
  [
    "a repository that is gone",
    deleted(key("gitrepositories", "app"), object("GitRepository")),
    ["sync linked to gitrepository/shop/app", "namespace /shop", `garbage-collector shop/${UID}.app`],
  ],
  ["a Secret", added(core("secrets", "token"), object("Secret")), ["git-repository linked to secret/shop/token"]],
  ["a new Sync", added(key("syncs", "app"), object("Sync")), ["sync shop/app"]],
  ["a Sync's own status", modified(key("syncs", "app"), object("Sync", {}, { status: { commit: "b" } }), object("Sync")), []],
  [
    "a request to look at a Sync now",
    modified(key("syncs", "app"), object("Sync", { annotations: { "slipway.dev/reconcile-at": "now" } }), object("Sync")),
    ["sync shop/app"],
  ],
  [
    "an account that comes",
    added(core("serviceaccounts", "deployer"), object("ServiceAccount")),
    ["sync linked to serviceaccount/shop/deployer"],
  ],
  [
    "an account that is labelled",
    modified(core("serviceaccounts", "deployer"), object("ServiceAccount", { labels: { a: "b" } }), object("ServiceAccount")),
    [],
  ],
  [
    "an applied account that somebody deletes",
    deleted(core("serviceaccounts", "web"), object("ServiceAccount", applied)),
    ["sync linked to serviceaccount/shop/web", "sync shop/app", "namespace /shop", `garbage-collector shop/${UID}.web`],
  ],
  [
    "an applied Sync that somebody changes",
    modified(key("syncs", "lib"), object("Sync", applied, { spec: { path: "x" } }), object("Sync", applied)),
    ["sync shop/lib", "sync shop/app"],
  ],
  [
    "an applied object that somebody changes",
    modified(
      core("namespaces", "team", ""),
      object("Namespace", { ...applied, labels: { ...applied.labels, a: "b" } }),
      object("Namespace", applied),
    ),
    ["sync shop/app"],
  ],
  [
    "an applied object that leaves its apply set",
    modified(core("namespaces", "team", ""), object("Namespace"), object("Namespace", applied)),
    ["sync shop/app"],
  ],
  [
    "an applied object that only its controller touched",
    modified(core("namespaces", "team", ""), object("Namespace", applied, { status: { phase: "Active" } }), object("Namespace", applied)),
    [],
  ],
  ["an object that is being applied", added(core("namespaces", "team", ""), object("Namespace", applied)), []],
  [
    "an object with somebody else's apply set",
    deleted(core("namespaces", "team", ""), object("Namespace", { labels: applied.labels })),
    [`garbage-collector /${UID}.team`],
  ],
  [
    "a namespace whose deletion begins",
    modified(core("namespaces", "team", ""), object("Namespace", deleting), object("Namespace")),
    ["namespace /team"],
  ],
  [
    "the last object of a namespace",
    deleted(key("releasebindings", "a", "team"), object("ReleaseBinding")),
    ["namespace /team", `garbage-collector team/${UID}.a`],
  ],
  [
    "a dependent that comes",
    added(key("releasebindings", "a"), object("ReleaseBinding", owned)),
    [`garbage-collector shop/${OWNER}.owner`],
  ],
  [
    "a dependent that goes",
    deleted(key("releasebindings", "a"), object("ReleaseBinding", owned)),
    ["namespace /shop", `garbage-collector shop/${UID}.a`, `garbage-collector shop/${OWNER}.owner`],
  ],
  [
    "a dependent that changes owners",
    modified(key("releasebindings", "a"), object("ReleaseBinding"), object("ReleaseBinding", owned)),
    [`garbage-collector shop/${OWNER}.owner`],
  ],
  [
    "a dependent that changes otherwise",
    modified(key("releasebindings", "a"), object("ReleaseBinding", { ...owned, labels: { a: "b" } }), object("ReleaseBinding", owned)),
    [],
  ],
  [
    "an owner that waits for its dependents",
    modified(
      key("releasebindings", "a"),
      object("ReleaseBinding", { ...deleting, finalizers: ["foregroundDeletion"] }),
      object("ReleaseBinding"),
    ),
    [`garbage-collector shop/${UID}.a`],
  ],
  [
    "a reference to a kind that is not served",
    added(
      key("releasebindings", "a"),
      object("ReleaseBinding", { ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "x", uid: OWNER }] }),
    ),
    [],
  ],
  [
    "a reference with a uid that is none",
    added(
      key("releasebindings", "a"),
      object("ReleaseBinding", { ownerReferences: [{ apiVersion: "v1", kind: "Secret", name: "x", uid: "short" }] }),
    ),
    [],
  ],
  ["a new token", added(key("accesstokens", "t", ""), object("AccessToken")), ["access-token /t"]],
];

for (const [what, change, wakes] of cases)
  test(`${what} makes due ${wakes.length === 0 ? "nothing" : wakes.join(", ")}`, () => {
    assert.deepEqual([...new Set(wakesOf(catalog.kinds)(change).map(told))].sort(), [...wakes].sort());
  });
