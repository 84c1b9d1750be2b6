import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  describeSet,
  difference,
  differenceWithChildren,
  emptySet,
  formatFieldSet,
  has,
  intersection,
  isEmptySet,
  isEqualSet,
  leaves,
  parseFieldSet,
  pathsOf,
  setOf,
  sizeOf,
  union,
  type FieldSet,
} from "./field-set.ts";
import { fieldElement, indexElement, keyElement, valueElement, type PathElement } from "./path-element.ts";
import type { JsonValue } from "../object/json.ts";

const [a, b, c] = [fieldElement("a"), fieldElement("b"), fieldElement("c")];

describe("formatFieldSet writes fieldsV1 as Kubernetes does", () => {
  const item = keyElement([
    ["protocol", "TCP"],
    ["port", 80],
  ]);
  const cases: readonly { readonly name: string; readonly set: FieldSet; readonly text: string }[] = [
    { name: "nothing", set: emptySet, text: "{}" },
    { name: "a path and what is below it", set: setOf([a], [a, b]), text: '{"f:a":{".":{},"f:b":{}}}' },
    { name: "only what is below", set: setOf([a, b]), text: '{"f:a":{"f:b":{}}}' },
    { name: "keys sorted by name", set: setOf([a, item]), text: '{"f:a":{"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":{}}}' },
    {
      name: "fields, keys, values, indexes in this order",
      set: setOf([indexElement(0)], [valueElement("x")], [keyElement([["n", 1]])], [b], [a]),
      text: '{"f:a":{},"f:b":{},"k:{\\"n\\":1}":{},"v:\\"x\\"":{},"i:0":{}}',
    },
    {
      name: "numbers before text, in their own order",
      set: setOf([valueElement("10")], [valueElement(10)], [valueElement(9)]),
      text: '{"v:9":{},"v:10":{},"v:\\"10\\"":{}}',
    },
    {
      name: "names as they are",
      set: setOf([fieldElement('a:"/.\n')], [fieldElement("__proto__")]),
      text: '{"f:__proto__":{},"f:a:\\"/.\\n":{}}',
    },
  ];
  for (const { name, set, text } of cases) test(name, () => assert.equal(JSON.stringify(formatFieldSet(set)), text));
});

describe("parseFieldSet", () => {
  const kept: readonly { readonly name: string; readonly json: JsonValue; readonly paths: readonly string[] }[] = [
    { name: "reads unsorted input", json: { "f:b": {}, "f:a": { "f:c": {}, ".": {} } }, paths: [".a", ".b", ".a.c"] },
    { name: "normalises keys", json: { 'k:{ "b":1, "a":"x" }': {} }, paths: ['[a="x",b=1]'] },
    { name: "joins steps that mean the same", json: { "v:1": {}, "v: 1.0": { "f:a": {} } }, paths: ["[=1]", "[=1].a"] },
    { name: "drops steps of unknown kinds", json: { "x:new": {}, "f:a": {} }, paths: [".a"] },
    { name: "takes null for a path", json: { "f:a": null }, paths: [".a"] },
    { name: "prints big numbers as Go prints floats", json: { "v:1000000": {}, "v:100000": {} }, paths: ["[=100000]", "[=1e+06]"] },
  ];
  for (const { name, json, paths } of kept) test(name, () => assert.deepEqual(describeSet(parseFieldSet(json)), paths));

  const refused: readonly JsonValue[] = [
    { "k:{invalid json}": {} },
    { "k:[]": {} },
    { "v:": {} },
    { "i:x": {} },
    { f: {} },
    { "fa:": {} },
    { "f:a": 1 },
    { "f:a": [] },
    "f:a",
    Array.from({ length: 300 }).reduce<JsonValue>((inner) => ({ "f:a": inner }), {}),
  ];
  for (const json of refused)
    test(`refuses ${JSON.stringify(json).slice(0, 40)}`, () => assert.throws(() => parseFieldSet(json), SyntaxError));
});

describe("difference", () => {
  const left = setOf([a], [a, b], [a, b, c], [c]);
  test("takes exactly the named paths", () => {
    assert.deepEqual(describeSet(difference(left, setOf([a], [a, b]))), [".c", ".a.b.c"]);
  });
  test("with children takes what is below too", () => {
    assert.deepEqual(describeSet(differenceWithChildren(left, setOf([a, b]))), [".a", ".c"]);
  });
});

test("leaves are the paths with nothing below", () => {
  assert.deepEqual(describeSet(leaves(setOf([a], [a, b], [c]))), [".c", ".a.b"]);
});

describe("laws of field sets", () => {
  const elements: fc.Arbitrary<PathElement> = fc.oneof(
    fc.constantFrom(a, b, c, fieldElement("__proto__"), fieldElement(".")),
    fc.constantFrom(1, 2.5, "x", "<&>", true).map(valueElement),
    fc.record({ n: fc.constantFrom("x", "ü"), m: fc.constantFrom(1, 2) }).map((keys) => keyElement(Object.entries(keys))),
    fc.nat(2).map(indexElement),
  );
  const sets = fc.array(fc.array(elements, { minLength: 1, maxLength: 4 }), { maxLength: 8 }).map((paths) => setOf(...paths));

  test("what was formatted parses to the same set", () => {
    fc.assert(fc.property(sets, (set) => assert.ok(isEqualSet(parseFieldSet(formatFieldSet(set)), set))));
  });
  test("has, pathsOf and sizeOf agree", () => {
    fc.assert(
      fc.property(sets, (set) => {
        assert.equal(pathsOf(set).length, sizeOf(set));
        assert.ok(pathsOf(set).every((path) => has(set, path)));
      }),
    );
  });
  test("union, intersection and difference are those of the paths", () => {
    fc.assert(
      fc.property(sets, sets, (x, y) => {
        const [paths, others] = [describeSet(x), new Set(describeSet(y))];
        assert.deepEqual(new Set(describeSet(union(x, y))), new Set([...paths, ...others]));
        assert.deepEqual(
          describeSet(intersection(x, y)),
          paths.filter((path) => others.has(path)),
        );
        assert.deepEqual(
          describeSet(difference(x, y)),
          paths.filter((path) => !others.has(path)),
        );
      }),
    );
  });
  test("what is taken away and put back is the union", () => {
    fc.assert(fc.property(sets, sets, (x, y) => assert.ok(isEqualSet(union(difference(x, y), y), union(x, y)))));
  });
  test("nothing is left of a set without itself", () => {
    fc.assert(fc.property(sets, (x) => assert.ok(isEmptySet(difference(x, x)) && isEmptySet(differenceWithChildren(x, x)))));
  });
});
