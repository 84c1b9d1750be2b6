import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonEqual, type JsonValue } from "../object/json.ts";
import { kubernetesJson } from "./kubernetes-json.ts";

const texts: readonly { readonly name: string; readonly value: JsonValue; readonly text: string }[] = [
  { name: "sorts keys", value: { b: 1, a: [true, null] }, text: '{"a":[true,null],"b":1}' },
  { name: "escapes what could end a script", value: "<a>&\u2028", text: '"\\u003ca\\u003e\\u0026\\u2028"' },
  { name: "escapes control characters as json-iterator does", value: "\n\t\b\u001f", text: '"\\n\\t\\u0008\\u001f"' },
  { name: "keeps other scripts and emoji", value: 'é🚀"\\', text: '"é🚀\\"\\\\"' },
  { name: "writes numbers as Go does", value: [1.5, 1e21, 1e-7, -0], text: "[1.5,1e+21,1e-7,0]" },
];
for (const { name, value, text } of texts) test(`kubernetesJson ${name}`, () => assert.equal(kubernetesJson(value), text));

test("kubernetesJson writes JSON that means the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const value = json as JsonValue;
      assert.ok(jsonEqual(JSON.parse(kubernetesJson(value)) as JsonValue, value));
    }),
  );
});
