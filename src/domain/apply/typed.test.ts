import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareTyped } from "./compare.ts";
import { extractFieldSet } from "./extract.ts";
import { describeSet, parseFieldSet } from "./field-set.ts";
import { mergeTyped } from "./merge.ts";
import { reconcileWithSchema } from "./reconcile.ts";
import { removeItems } from "./remove.ts";
import type { SchemaNode } from "./schema.ts";
import { rootShape } from "./shape.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { lenient, strict, validate } from "./validate.ts";

const text = { type: "string" } as const;
const schema: SchemaNode = {
  type: "object",
  properties: {
    title: text,
    size: { type: "integer" },
    port: { "x-kubernetes-int-or-string": true },
    struct: { type: "object", properties: { one: text, two: text } },
    whole: { type: "object", "x-kubernetes-map-type": "atomic", properties: { one: text } },
    labels: { type: "object", additionalProperties: text },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    plain: { type: "array", items: text },
    tags: { type: "array", items: text, "x-kubernetes-list-type": "set" },
    ports: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["port", "protocol"],
      items: {
        type: "object",
        properties: { port: { type: "integer" }, protocol: { type: "string", default: "TCP" }, name: text },
      },
    },
  },
};
const shape = rootShape(schema);

describe("extractFieldSet gives the paths that an applier owns", () => {
  const cases: readonly { readonly name: string; readonly value: JsonObject; readonly paths: readonly string[] }[] = [
    { name: "scalars", value: { title: "t", port: 1 }, paths: [".port", ".title"] },
    { name: "the leaves of a struct, not the struct", value: { struct: { one: "1" } }, paths: [".struct.one"] },
    { name: "an empty or null struct itself", value: { struct: {}, labels: null }, paths: [".labels", ".struct"] },
    { name: "an atomic map as a whole", value: { whole: { one: "1" } }, paths: [".whole"] },
    { name: "keys of a map", value: { labels: { "a/b": "1" } }, paths: [".labels.a/b"] },
    { name: "an atomic list as a whole, also empty", value: { plain: [] }, paths: [".plain"] },
    { name: "members of a set", value: { tags: ["x"] }, paths: ['.tags[="x"]'] },
    { name: "nothing of an empty set", value: { tags: [] }, paths: [] },
    { name: "a member that is there twice, once", value: { tags: ["x", "x"] }, paths: ['.tags[="x"]'] },
    {
      name: "items with their fields, a default as key",
      value: { ports: [{ port: 80 }] },
      paths: ['.ports[port=80,protocol="TCP"]', '.ports[port=80,protocol="TCP"].port'],
    },
    {
      name: "free-form fields one by one, lists in them as a whole",
      value: { free: { x: { y: [1] }, z: {} } },
      paths: [".free.x", ".free.z", ".free.x.y"],
    },
  ];
  for (const { name, value, paths } of cases) test(name, () => assert.deepEqual(describeSet(extractFieldSet(shape, value)), paths));
});

describe("compareTyped tells added, modified and removed paths", () => {
  interface Row {
    readonly name: string;
    readonly before: JsonObject;
    readonly after: JsonObject;
    readonly added?: readonly string[];
    readonly modified?: readonly string[];
    readonly removed?: readonly string[];
  }
  const cases: readonly Row[] = [
    { name: "equal values", before: { title: "t", tags: ["a", "b"] }, after: { tags: ["b", "a"], title: "t" } },
    { name: "a scalar", before: { title: "t" }, after: { title: "u" }, modified: [".title"] },
    { name: "1 and 1.0", before: { size: 1 }, after: { size: 1.0 } },
    { name: "1 and '1'", before: { port: 1 }, after: { port: "1" }, modified: [".port"] },
    { name: "a struct that comes", before: {}, after: { struct: { one: "1" } }, added: [".struct", ".struct.one"] },
    { name: "a struct that is emptied", before: { struct: { one: "1" } }, after: { struct: {} }, removed: [".struct.one"] },
    { name: "null and an empty struct", before: { struct: null }, after: { struct: {} }, modified: [".struct"] },
    { name: "an atomic list", before: { plain: ["a", "b"] }, after: { plain: ["b", "a"] }, modified: [".plain"] },
    { name: "set members", before: { tags: ["a"] }, after: { tags: ["b"] }, added: ['.tags[="b"]'], removed: ['.tags[="a"]'] },
    {
      name: "a set member that is doubled",
      before: { tags: ["a"] },
      after: { tags: ["a", "a"] },
      added: ['.tags[="a"]'],
      removed: ['.tags[="a"]'],
    },
    {
      name: "a field of an item",
      before: { ports: [{ port: 80, name: "a" }] },
      after: { ports: [{ port: 80, protocol: "TCP", name: "b" }] },
      added: ['.ports[port=80,protocol="TCP"].protocol'],
      modified: ['.ports[port=80,protocol="TCP"].name'],
    },
    {
      name: "a free-form value that changes its type",
      before: { free: { x: 1 } },
      after: { free: { x: { y: 1 } } },
      added: [".free.x.y"],
      modified: [".free.x"],
    },
  ];
  for (const { name, before, after, added = [], modified = [], removed = [] } of cases)
    test(name, () => {
      const found = compareTyped(shape, before, after);
      assert.deepEqual([found.added, found.modified, found.removed].map(describeSet), [added, modified, removed]);
    });
});

describe("mergeTyped lays a partial value over a live one", () => {
  const ports = (...numbers: readonly number[]): JsonValue => numbers.map((port) => ({ port }));
  const cases: readonly { readonly name: string; readonly live: JsonObject; readonly partial: JsonObject; readonly merged: JsonObject }[] =
    [
      {
        name: "field by field",
        live: { title: "t", struct: { one: "1" } },
        partial: { struct: { two: "2" } },
        merged: { title: "t", struct: { one: "1", two: "2" } },
      },
      {
        name: "atomic values are replaced",
        live: { whole: { one: "1" }, plain: ["a"] },
        partial: { whole: {}, plain: [] },
        merged: { whole: {}, plain: [] },
      },
      { name: "an empty map takes nothing away", live: { labels: { a: "1" } }, partial: { labels: {} }, merged: { labels: { a: "1" } } },
      {
        name: "null takes nothing away from a map",
        live: { labels: { a: "1" } },
        partial: { labels: null },
        merged: { labels: { a: "1" } },
      },
      { name: "null is a scalar's value", live: { title: "t" }, partial: { title: null }, merged: { title: null } },
      {
        name: "live items stay, new ones come after",
        live: { ports: ports(1, 2) },
        partial: { ports: ports(3) },
        merged: { ports: ports(1, 2, 3) },
      },
      {
        name: "named items follow the partial order",
        live: { ports: ports(1, 2, 3) },
        partial: { ports: ports(3, 1) },
        merged: { ports: ports(2, 3, 1) },
      },
      {
        name: "a new item goes where it was put",
        live: { tags: ["a", "b", "c"] },
        partial: { tags: ["a", "n", "b"] },
        merged: { tags: ["a", "n", "b", "c"] },
      },
      {
        name: "a doubled live member is put once where it is named",
        live: { tags: ["a", "a", "b"] },
        partial: { tags: ["a"] },
        merged: { tags: ["a", "b"] },
      },
      {
        name: "__proto__ is a key",
        live: {},
        partial: { labels: JSON.parse('{"__proto__":"x"}') as JsonValue },
        merged: { labels: JSON.parse('{"__proto__":"x"}') as JsonValue },
      },
    ];
  for (const { name, live, partial, merged } of cases) test(name, () => assert.deepEqual(mergeTyped(shape, live, partial), merged));
});

describe("removeItems takes out what the set names", () => {
  const value = { title: "t", labels: { a: "1", b: "2" }, ports: [{ port: 1 }, { port: 2 }] };
  const cases: readonly { readonly name: string; readonly paths: JsonValue; readonly left: JsonValue }[] = [
    { name: "a field", paths: { "f:title": {} }, left: { labels: value.labels, ports: value.ports } },
    { name: "a key of a map", paths: { "f:labels": { "f:a": {} } }, left: { ...value, labels: { b: "2" } } },
    { name: "an item", paths: { "f:ports": { 'k:{"port":1,"protocol":"TCP"}': {} } }, left: { ...value, ports: [{ port: 2 }] } },
    { name: "all keys: null is left", paths: { "f:labels": { "f:a": {}, "f:b": {} } }, left: { ...value, labels: null } },
    { name: "what is not there: nothing", paths: { "f:labels": { "f:z": {} } }, left: value },
  ];
  for (const { name, paths, left } of cases) test(name, () => assert.deepEqual(removeItems(shape, value, parseFieldSet(paths)), left));
});

describe("reconcileWithSchema", () => {
  const cases: readonly { readonly name: string; readonly set: JsonValue; readonly paths: readonly string[] }[] = [
    {
      name: "what became atomic is owned as a whole",
      set: { "f:whole": { "f:one": {} }, "f:plain": { "i:0": {} } },
      paths: [".plain", ".whole"],
    },
    { name: "what is granular stays", set: { "f:struct": { ".": {}, "f:one": {} } }, paths: [".struct", ".struct.one"] },
    { name: "free-form fields stay", set: { "f:free": { "f:x": { "f:y": {} } } }, paths: [".free.x.y"] },
  ];
  for (const { name, set, paths } of cases)
    test(name, () => assert.deepEqual(describeSet(reconcileWithSchema(shape, parseFieldSet(set))), paths));
});

describe("validate names every problem with its path", () => {
  const cases: readonly { readonly name: string; readonly value: JsonObject; readonly problems: readonly string[] }[] = [
    { name: "nothing wrong", value: { title: null, ports: [{ port: 1 }], metadata: { labels: { a: "1" } } }, problems: [] },
    {
      name: "types",
      value: { title: 1, size: "1", labels: ["x"], tags: "x", metadata: { labels: { a: 1 } } },
      problems: [
        ".title: expected string, got number",
        ".size: expected numeric (int or float), got string",
        ".labels: expected map, got list",
        ".tags: expected list, got string",
        ".metadata.labels.a: expected string, got number",
      ],
    },
    {
      name: "undeclared fields, everywhere",
      value: { titel: "x", struct: { three: "3" }, metadata: { nam: "x" } },
      problems: [".titel", ".struct.three", ".metadata.nam"].map((path) => `${path}: field not declared in schema`),
    },
    {
      name: "list items",
      value: { tags: ["a", "a", null, {}, []], ports: [{ port: 1 }, { port: 1, protocol: "TCP" }, 7] },
      problems: [
        '.tags: duplicate entries for key [="a"]',
        ".tags: element 2: associative list without keys has an element that's an explicit null",
        ".tags: element 3: associative list without keys has an element that's a map type",
        ".tags: element 4: not supported: associative list with lists as elements",
        '.ports: duplicate entries for key [port=1,protocol="TCP"]',
        ".ports: element 2: associative list with keys may not have non-map elements",
      ],
    },
  ];
  for (const { name, value, problems } of cases)
    test(name, () => {
      const causes = validate(shape, value, strict);
      assert.deepEqual(
        causes.map(({ path, message }) => `${path}: ${message}`),
        problems,
      );
      assert.ok(causes.every(({ hint = "" }) => hint !== ""));
    });

  test("stored objects may hold doubles and undeclared fields, but types and keys must fit", () => {
    const value = { old: 1, tags: ["a", "a"], ports: [null] };
    assert.deepEqual(
      validate(shape, value, lenient).map(({ path }) => path),
      [".ports"],
    );
  });
});
