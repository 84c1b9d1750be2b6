import assert from "node:assert/strict";
import test from "node:test";
import { catalog } from "../api/catalog.ts";
import type { JsonValue } from "../domain/object/json.ts";
import { openApiV2 } from "./openapi-v2.ts";
import { openApiV3 } from "./openapi-v3.ts";

const v3 = openApiV3(catalog, "0.1.0");
const documents: readonly (readonly [string, Json])[] = [
  ...[...v3.documents].map(([path, { body }]) => [`v3 ${path}`, JSON.parse(body) as Json] as const),
  ["v2", JSON.parse(JSON.stringify(openApiV2(catalog, "0.1.0"))) as Json],
];
type Json = Record<string, JsonValue> & { readonly paths: Record<string, Record<string, Operation>> };
interface Operation {
  readonly operationId: string;
  readonly "x-kubernetes-action": string;
  readonly "x-kubernetes-group-version-kind": { readonly group: string; readonly version: string; readonly kind: string };
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly consumes?: readonly string[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
}

const at = (value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((inner, name) => (inner as Record<string, JsonValue> | undefined)?.[name], value);

function* refsIn(value: JsonValue): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === "$ref" && typeof member === "string") yield member;
    else if (member !== undefined) yield* refsIn(member);
  }
}

for (const [name, document] of documents) {
  test(`every reference in ${name} leads somewhere in it, and every schema is used`, () => {
    const refs = new Set(refsIn(document));
    for (const ref of refs) assert.ok(at(document, ...ref.slice(2).split("/")) !== undefined, ref);
    const home = name === "v2" ? ["definitions"] : ["components", "schemas"];
    for (const schema of Object.keys(at(document, ...home) as object)) assert.ok(refs.has(`#/${home.join("/")}/${schema}`), schema);
  });

  test(`operations in ${name} have unique ids, and name the parameters of their paths`, () => {
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.values(item).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    );
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      assert.deepEqual(
        operation.parameters.filter((parameter) => parameter.in === "path").map((parameter) => parameter.name),
        named,
      );
    }
  });

  test(`${name} says that PATCH knows fieldValidation and dryRun, for kubectl to rely on`, () => {
    for (const kind of catalog.kinds.filter(({ verbs }) => verbs?.includes("patch") !== false)) {
      const patch = Object.values(document.paths)
        .map((item) => item["patch"])
        .find((operation) => operation?.["x-kubernetes-group-version-kind"].kind === kind.kind);
      if (patch === undefined) continue;
      const names = patch.parameters.map((parameter) => parameter.name);
      for (const wanted of ["dryRun", "fieldManager", "fieldValidation", "force"])
        assert.ok(names.includes(wanted), `${kind.kind}: ${wanted}`);
    }
  });
}

test("strategic merge is offered for the kinds of Kubernetes and not for ours", () => {
  const types = (group: string, path: string) => {
    const document = documents.find(([name]) => name === `v3 ${group}`)?.[1];
    return Object.keys(document?.paths[path]?.["patch"]?.requestBody?.content ?? {});
  };
  assert.ok(types("api/v1", "/api/v1/namespaces/{name}").includes("application/strategic-merge-patch+json"));
  const own = types("apis/slipway.dev/v1alpha1", "/apis/slipway.dev/v1alpha1/namespaces/{namespace}/syncs/{name}");
  assert.deepEqual(own, ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"]);
});

test("a kind is found by its group, version and kind, with the description of every field", () => {
  const document = documents.find(([name]) => name === "v3 apis/slipway.dev/v1alpha1")?.[1];
  const sync = at(document, "components", "schemas", "dev.slipway.v1alpha1.Sync");
  assert.deepEqual(at(sync, "x-kubernetes-group-version-kind"), [{ group: "slipway.dev", version: "v1alpha1", kind: "Sync" }]);
  assert.match(JSON.stringify(at(sync, "properties", "spec", "properties", "prune", "description")), /deleted/);
  assert.equal(at(sync, "properties", "spec", "properties", "prune", "default"), true);
});

test("lists that strategic merge joins by a key say so", () => {
  const v2 = documents.find(([name]) => name === "v2")?.[1];
  const meta = at(v2, "definitions", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "properties");
  assert.equal(at(meta, "ownerReferences", "x-kubernetes-patch-merge-key"), "uid");
  assert.equal(at(meta, "finalizers", "x-kubernetes-list-type"), "set");
  const conditions = at(v2, "definitions", "io.k8s.api.core.v1.Namespace", "properties", "status", "properties", "conditions");
  assert.equal(at(conditions, "x-kubernetes-patch-strategy"), "merge");
});

test("the index names every document with the hash of what is in it", () => {
  const { paths } = JSON.parse(v3.index.body) as { readonly paths: Record<string, { readonly serverRelativeURL: string }> };
  assert.deepEqual(Object.keys(paths), [...v3.documents.keys()]);
  for (const [path, document] of v3.documents) assert.equal(paths[path]?.serverRelativeURL, `/openapi/v3/${path}?hash=${document.hash}`);
  assert.deepEqual(openApiV3(catalog, "0.1.0").index, v3.index);
});

test("every verb that discovery tells of has its operation", () => {
  const actions = {
    create: "post",
    get: "get",
    list: "list",
    update: "put",
    patch: "patch",
    delete: "delete",
    deletecollection: "deletecollection",
  };
  const all = documents
    .filter(([name]) => name !== "v2")
    .flatMap(([, { paths }]) => Object.values(paths).flatMap((item) => Object.values(item)));
  for (const kind of catalog.kinds) {
    const known = new Set(
      all
        .filter((operation) => operation["x-kubernetes-group-version-kind"].kind === kind.kind)
        .map((operation) => operation["x-kubernetes-action"]),
    );
    for (const [verb, action] of Object.entries(actions)) {
      const served = kind.verbs === undefined || kind.verbs.some((one) => one === verb);
      // PUT of namespaces/finalize and GET of a status are there for kinds that serve update and get anyway
      assert.equal(known.has(action), served, `${kind.kind} ${verb}`);
    }
  }
});
