import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isStorable, isStorableKey, storableMap, storableSelection, storableText } from "./storable-text.ts";

test("any text becomes storable, and storable text stays as it is", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a\0b", "\ud800", "\udc00x")), (text) => {
      const stored = storableText(text);
      assert.ok(isStorable(stored));
      assert.equal(storableText(stored), stored);
      if (isStorable(text)) assert.equal(stored, text);
    }),
  );
});

test("a selector finds a hostile value by the text it was given", () => {
  const selection = storableSelection({
    labels: [{ operator: "in", label: "a\0", values: ["\ud800"] }],
    fields: [{ field: "f", operator: "equals", value: "x\0" }],
  } as const);
  assert.deepEqual(selection.labels, [{ operator: "in", label: "a\ufffd", values: ["\ufffd"] }]);
  assert.deepEqual(selection.fields, [{ field: "f", operator: "equals", value: "x\ufffd" }]);
});

test("a map keeps what is text, under any name", () => {
  const hostile: Readonly<Record<string, unknown>> = JSON.parse('{"__proto__": "own", "n": 1, "s": "x", "o": {}}');
  assert.deepEqual(Object.entries(storableMap(hostile)), [
    ["__proto__", "own"],
    ["s", "x"],
  ]);
});

for (const [resource, namespace, name, storable] of [
  ["syncs", "shop", "app", true],
  ["syncs", "", "app", true],
  ["syncs", "shop", "", false],
  ["", "shop", "app", false],
  ["syncs", "a/b", "app", false],
  ["syncs", "shop", "a\0", false],
] as const) {
  test(`${JSON.stringify([resource, namespace, name])} ${storable ? "can" : "cannot"} name an object`, () => {
    assert.equal(isStorableKey({ group: "", resource, namespace, name }), storable);
  });
}
