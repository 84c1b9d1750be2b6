import assert from "node:assert/strict";
import test from "node:test";
import { catalog } from "../api/catalog.ts";
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions, rootPaths, versionInfo } from "./discovery.ts";
import { documentOf } from "./document.ts";

test("the core group is under /api, the others under /apis", () => {
  assert.deepEqual(apiVersions(catalog).versions, ["v1"]);
  assert.deepEqual(
    apiGroupList(catalog).groups.map(({ name }) => name),
    ["authentication.k8s.io", "authorization.k8s.io", "rbac.authorization.k8s.io", "slipway.dev"],
  );
  assert.deepEqual(apiGroup(catalog, "slipway.dev")?.preferredVersion, { groupVersion: "slipway.dev/v1alpha1", version: "v1alpha1" });
});

test("a group or version that is not served has no document", () => {
  assert.equal(apiGroup(catalog, ""), undefined);
  assert.equal(apiGroup(catalog, "apps"), undefined);
  assert.equal(apiResourceList(catalog, "slipway.dev", "v1"), undefined);
});

test("a resource is listed with its subresources, as Kubernetes lists them", () => {
  const resources = apiResourceList(catalog, "", "v1")?.resources ?? [];
  assert.deepEqual(
    resources.map(({ name }) => name),
    ["events", "namespaces", "namespaces/finalize", "namespaces/status", "secrets", "serviceaccounts", "serviceaccounts/token"],
  );
  assert.deepEqual(
    resources.find(({ name }) => name === "serviceaccounts/token"),
    {
      name: "serviceaccounts/token",
      singularName: "",
      namespaced: true,
      group: "authentication.k8s.io",
      version: "v1",
      kind: "TokenRequest",
      verbs: ["create"],
    },
  );
  assert.deepEqual(resources.find(({ name }) => name === "namespaces/finalize")?.verbs, ["update"]);
});

test("a review can only be created", () => {
  const reviews = apiResourceList(catalog, "authorization.k8s.io", "v1")?.resources ?? [];
  assert.deepEqual(
    reviews.map(({ verbs }) => verbs),
    [["create"], ["create"], ["create"], ["create"]],
  );
});

for (const version of ["v2", "v2beta1"] as const) {
  test(`aggregated discovery ${version} says the same as the lists`, () => {
    for (const part of ["core", "named"] as const) {
      const document = aggregatedDiscovery(catalog, part, version);
      assert.equal(document.apiVersion, `apidiscovery.k8s.io/${version}`);
      for (const { metadata, versions } of document.items) {
        for (const { version: served, resources } of versions) {
          const listed = apiResourceList(catalog, "name" in metadata ? (metadata.name ?? "") : "", served)?.resources ?? [];
          const names = resources.flatMap((resource) => [
            { name: resource.resource, verbs: resource.verbs, kind: resource.responseKind.kind },
            ...("subresources" in resource ? (resource.subresources ?? []) : []).map((sub) => ({
              name: `${resource.resource}/${sub.subresource}`,
              verbs: sub.verbs,
              kind: sub.responseKind.kind,
            })),
          ]);
          assert.deepEqual(
            names,
            listed.map(({ name, verbs, kind }) => ({ name, verbs, kind })),
          );
        }
      }
    }
  });
}

test("the version can be read by kubectl, and names Slipway's own", () => {
  const { gitVersion, major, minor } = versionInfo("0.1.0", { version: "v24", platform: "linux/amd64" });
  // https://semver.org: what client-go parses, as far as it needs it
  assert.match(gitVersion, /^v\d+\.\d+\.\d+-slipway\.0\.1\.0$/);
  assert.ok(gitVersion.startsWith(`v${major}.${minor}.`));
});

test("the root names every group", () => {
  assert.ok(rootPaths(catalog).paths.includes("/apis/slipway.dev/v1alpha1"));
});

test("equal documents have equal ETags, and others have others", () => {
  assert.equal(documentOf(apiGroupList(catalog)).etag, documentOf(apiGroupList(catalog)).etag);
  assert.notEqual(documentOf({ a: 1 }).etag, documentOf({ a: 2 }).etag);
  assert.match(documentOf({}).etag, /^"[0-9A-F]{64}"$/);
});
