import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { anyJson } from "../../test/generate/api-object.ts";
import type { ApiObject } from "../domain/object/api-object.ts";
import { instant } from "../domain/units.ts";
import { catalog, catalogOf } from "./catalog.ts";
import { objectMetaSchema } from "./meta.ts";
import { nodeOf, type SchemaNode } from "./schema.ts";

/** Every schema below one, with where it is. */
function* nodesBelow(node: SchemaNode, path: string): Generator<readonly [string, SchemaNode]> {
  yield [path, node];
  for (const [name, member] of Object.entries(node.properties ?? {})) yield* nodesBelow(member, `${path}.${name}`);
  if (node.items !== undefined) yield* nodesBelow(node.items, `${path}[]`);
  if (node.additionalProperties !== undefined) yield* nodesBelow(node.additionalProperties, `${path}{}`);
}

const published = [
  ...catalog.kinds.map((kind) => [kind.kind, kind.schema] as const),
  ...catalog.kinds.flatMap((kind) => (kind.actions ?? []).map(({ body }) => [body.kind, body.schema] as const)),
  ["ObjectMeta", objectMetaSchema] as const,
];
for (const [name, schema] of published) {
  test(`every field of ${name} has a description, and every list says how it is merged`, () => {
    for (const [path, node] of nodesBelow(nodeOf(schema), name)) {
      if (!path.endsWith("{}")) assert.ok((node.description ?? "").length > 3, `${path} has no description`);
      if (node.type === "array")
        assert.ok(["atomic", "map", "set"].includes(node["x-kubernetes-list-type"] ?? ""), `${path} has no list type`);
      for (const key of node["x-kubernetes-list-map-keys"] ?? [])
        assert.ok(node.items?.required?.includes(key), `${path}[] must have ${key}`);
    }
  });
}

for (const kind of catalog.kinds) {
  test(`${kind.kind} is found by its names`, () => {
    assert.equal(catalog.byResource(kind.group, kind.version, kind.resource), kind);
    assert.equal(catalog.byKey({ group: kind.group, resource: kind.resource }), kind);
    assert.equal(catalog.byKind(kind.group === "" ? kind.version : `${kind.group}/${kind.version}`, kind.kind), kind);
    for (const name of [kind.resource, kind.singular, ...kind.shortNames]) assert.equal(catalog.nearestResource(kind.group, name), kind);
  });
  test(`columns, fields and links of a ${kind.kind} can be told of anything that is stored`, () => {
    fc.assert(
      fc.property(anyJson, anyJson, anyJson, (spec, status, other) => {
        const stored = {
          data: other,
          rules: other,
          subjects: other,
          involvedObject: other,
          metadata: {},
          spec,
          status,
        } as unknown as ApiObject;
        for (const { cell } of kind.columns) cell(stored, instant(0));
        for (const valueOf of Object.values(kind.fields ?? {})) assert.equal(typeof valueOf(stored), "string");
        kind.links?.(stored, { group: kind.group, resource: kind.resource, namespace: "shop", name: "a" });
      }),
      { numRuns: 30 },
    );
  });
}

test("a slip of the pen is answered with the kind that was meant", () => {
  assert.equal(catalog.nearestKind("slipway.dev/v1alpha1", "Synk")?.kind, "Sync");
  assert.equal(catalog.nearestKind("slipway.dev/v1alpha1", "gitrepository")?.kind, "GitRepository");
  assert.equal(catalog.nearestKind("v1", "GitRepo"), undefined);
  assert.equal(catalog.nearestKind("v1", "Rolebinding")?.kind, "RoleBinding");
  assert.equal(catalog.nearestResource("", "namespace")?.kind, "Namespace");
  assert.equal(catalog.nearestResource("slipway.dev", "sync")?.kind, "Sync");
  assert.equal(catalog.nearestResource("apps", "deployments"), undefined);
});

test("two kinds of one name cannot be served", () => {
  assert.throws(() => catalogOf([...catalog.kinds, ...catalog.kinds.slice(0, 1)]), /two kinds are called v1\/namespaces/);
});

test("short names and plurals never mean two kinds", () => {
  const names = catalog.kinds.flatMap((kind) => [...new Set([kind.resource, kind.singular, ...kind.shortNames])]);
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

test("the core group is first", () => {
  assert.deepEqual(catalog.groups[0], { group: "", versions: ["v1"] });
});
