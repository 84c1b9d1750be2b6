import { test } from "node:test";
import assert from "node:assert/strict";
import type { ApiObject } from "../object/api-object.ts";
import { AUTOUPDATE, bootstrapObjects, reconciled } from "./bootstrap.ts";
import { decide, type Holder } from "./decide.ts";
import { buildPolicy, readBinding, readRole } from "./policy.ts";

function holding(
  role: string,
  extra: readonly ApiObject[] = [],
): (verb: string, resource: string, group?: string, namespace?: string) => boolean {
  const objects = [
    ...bootstrapObjects(),
    ...extra,
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "b", namespace: "shop" },
      roleRef: { kind: "ClusterRole", name: role },
      subjects: [{ kind: "User", name: "jane" }],
    },
  ];
  const policy = buildPolicy(
    objects.filter(({ kind }) => kind === "ClusterRole").map(readRole),
    objects.flatMap((object) => (object.kind.endsWith("Binding") ? (readBinding(object) ?? []) : [])),
  );
  const jane: Holder = { name: "jane", groups: [] };
  return (verb, combined, group = "slipway.dev", namespace = "shop") => {
    const [resource = "", subresource = ""] = combined.split("/");
    return decide(policy, jane, { verb, group, resource, subresource, namespace, name: "x" }).allowed;
  };
}

const RBAC = "rbac.authorization.k8s.io";
const table: readonly (readonly [verb: string, resource: string, group: string, roles: string])[] = [
  ["get", "syncs", "slipway.dev", "view edit admin slipway:project-member cluster-admin"],
  ["get", "syncs/status", "slipway.dev", "view edit admin slipway:project-member cluster-admin"],
  ["create", "syncs", "slipway.dev", "edit admin slipway:project-member cluster-admin"],
  ["update", "syncs/status", "slipway.dev", "cluster-admin"],
  ["create", "releasebindings", "slipway.dev", "cluster-admin"],
  ["rollback", "environments", "slipway.dev", "edit admin slipway:project-member cluster-admin"],
  ["promote", "environments", "slipway.dev", "admin cluster-admin"],
  ["approve", "environments", "slipway.dev", "admin cluster-admin"],
  ["get", "secrets", "", "edit admin cluster-admin"],
  ["create", "serviceaccounts/token", "", "edit admin cluster-admin"],
  ["impersonate", "serviceaccounts", "", "edit admin cluster-admin"],
  ["impersonate", "users", "", "cluster-admin"],
  ["get", "roles", RBAC, "admin cluster-admin"],
  ["create", "rolebindings", RBAC, "admin cluster-admin"],
  ["bind", "clusterroles", RBAC, "cluster-admin"],
  ["escalate", "roles", RBAC, "cluster-admin"],
  ["create", "events", "", "cluster-admin"],
  ["list", "accesstokens", "slipway.dev", "cluster-admin"],
  ["list", "timelinerecords", "slipway.dev", "view edit admin slipway:project-member slipway:auditor cluster-admin"],
  ["list", "auditrecords", "slipway.dev", "admin slipway:auditor cluster-admin"],
];
for (const [verb, resource, group, roles] of table)
  test(`${verb} ${resource} in a project is for ${roles}`, () => {
    const able = ["view", "edit", "admin", "slipway:project-member", "slipway:auditor", "cluster-admin"].filter((role) =>
      holding(role)(verb, resource, group),
    );
    assert.deepEqual(able.sort(), roles.split(" ").sort());
  });

test("a role bound in one project gives nothing in another", () => {
  for (const role of ["view", "edit", "admin", "slipway:project-member"])
    assert.equal(holding(role)("get", "syncs", "slipway.dev", "web"), false);
});

test("a ClusterRole labelled for view is in reach of view, edit and admin", () => {
  const more: ApiObject = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "more", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
    rules: [{ verbs: ["get"], apiGroups: ["x"], resources: ["ys"] }],
  };
  for (const role of ["view", "edit", "admin"]) assert.ok(holding(role, [more])("get", "ys", "x"));
  assert.equal(holding("view", [more])("delete", "ys", "x"), false);
});

test("roles that aggregate each other end", () => {
  const circle = (name: string, other: string): ApiObject => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name, labels: { [name]: "yes" } },
    aggregationRule: {
      clusterRoleSelectors: [{ matchLabels: { [other]: "yes" } }, { matchExpressions: [{ key: "leaf", operator: "Exists" }] }],
    },
    rules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  });
  const leaf: ApiObject = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "leaf", labels: { leaf: "" } },
    rules: [{ verbs: ["get"], apiGroups: ["x"], resources: ["ys"] }],
  };
  const can = holding("a", [circle("a", "b"), circle("b", "a"), leaf]);
  assert.ok(can("get", "ys", "x"));
  // what an aggregating role lists itself counts for nothing
  assert.equal(can("delete", "ys", "x"), false);
});

test("a selector that cannot be read aggregates nothing", () => {
  for (const clusterRoleSelectors of [
    null,
    "x",
    [null],
    [{ matchLabels: "x" }],
    [{ matchLabels: { a: 7 } }],
    [{ matchExpressions: [{ key: "a", operator: "Like" }] }],
    [{ matchExpressions: ["x"] }],
  ]) {
    const odd: ApiObject = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "odd" },
      aggregationRule: { clusterRoleSelectors },
    };
    assert.equal(holding("odd", [odd])("get", "syncs"), false, JSON.stringify(clusterRoleSelectors));
  }
});

const [first] = bootstrapObjects();
const role: ApiObject = first ?? { apiVersion: "", kind: "", metadata: {} };

test("a bootstrap object that is as it should be is left alone", () => {
  for (const object of bootstrapObjects())
    assert.equal(reconciled({ ...object, metadata: { ...object.metadata, uid: "u", resourceVersion: "7" } }, object), undefined);
});

test("missing rules come back, and what people added stays", () => {
  const own = { verbs: ["get"], apiGroups: ["x"], resources: ["ys"] };
  const next = reconciled({ ...role, metadata: { ...role.metadata, labels: { mine: "yes" } }, rules: [own] }, role);
  assert.ok(next !== undefined);
  assert.deepEqual(next["rules"], [own, ...(role["rules"] as unknown[])]);
  assert.equal(next.metadata.labels?.["mine"], "yes");
  assert.equal(next.metadata.labels["kubernetes.io/bootstrapping"], "rbac-defaults");
});

test("missing subjects come back, others stay, and a binding to another role is not touched", () => {
  const binding =
    bootstrapObjects().find(({ kind, metadata }) => kind === "ClusterRoleBinding" && metadata.name === "cluster-admin") ?? role;
  const jane = { kind: "User", name: "jane", apiGroup: RBAC };
  assert.deepEqual(reconciled({ ...binding, subjects: [jane] }, binding)?.["subjects"], [
    jane,
    { apiGroup: RBAC, kind: "Group", name: "system:masters" },
  ]);
  assert.equal(reconciled({ ...binding, roleRef: { kind: "ClusterRole", name: "view" }, subjects: [jane] }, binding), undefined);
});

test("autoupdate false keeps a role as people made it", () => {
  assert.equal(reconciled({ ...role, metadata: { ...role.metadata, annotations: { [AUTOUPDATE]: "false" } }, rules: [] }, role), undefined);
});
