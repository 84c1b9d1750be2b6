import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { anyJson, objectsOf } from "../../test/generate/api-object.ts";
import type { JsonObject, JsonValue } from "../domain/object/json.ts";
import { catalog } from "./catalog.ts";
import type { Kind } from "./kind.ts";
import { pruned, unknownFields, withDefaults } from "./shape.ts";

for (const of of catalog.kinds) {
  test(`defaults of ${of.kind} given twice are the defaults given once`, () => {
    fc.assert(
      fc.property(objectsOf(of), (object) => assert.deepEqual(withDefaults(of, withDefaults(of, object)), withDefaults(of, object))),
      { numRuns: 25 },
    );
  });
  test(`pruning a ${of.kind} twice is pruning it once, and leaves nothing unknown`, () => {
    fc.assert(
      fc.property(objectsOf(of), anyJson, (object, more) => {
        const clean = pruned(of, { ...object, ...asObject(more) });
        assert.deepEqual(pruned(of, clean), clean);
        assert.deepEqual(unknownFields(of, clean), []);
      }),
      { numRuns: 25 },
    );
  });
  test(`pruning and defaults leave a whole ${of.kind} as it is, but for what they add`, () => {
    fc.assert(
      fc.property(objectsOf(of), (object) => assert.deepEqual(pruned(of, object), object)),
      { numRuns: 25 },
    );
  });
}

test("an unknown field is named with its path and the nearest known name, wherever it stands", () => {
  const cases: readonly (readonly [JsonObject, string, string | undefined])[] = [
    [{ ...sync(), specc: {} }, "specc", 'did you mean "spec"?'],
    [sync({ intervall: "1m" }), "spec.intervall", 'did you mean "interval"?'],
    [sync({ source: { repository: "a", branch: "x" } }), "spec.source.branch", undefined],
    [{ ...sync(), metadata: { name: "a", lables: {} } }, "metadata.lables", 'did you mean "labels"?'],
    [{ ...sync(), status: { conditions: [{ typ: "Ready" }] } }, "status.conditions[0].typ", 'did you mean "type"?'],
    [{ ...sync(), ["__proto__"]: {} }, "__proto__", undefined],
  ];
  for (const [object, path, hint] of cases) {
    const found = unknownFields(kind("Sync"), object);
    assert.deepEqual(
      found.map((problem) => [problem.path, problem.hint]),
      [[path, hint]],
    );
    assert.equal(found[0]?.message, `unknown field "${path}"`);
  }
});

test("a field put in at random is always named", () => {
  fc.assert(
    fc.property(objectsOf(kind("ReleaseBinding")), fc.stringMatching(/^x[a-z]{1,20}$/), (object, name) => {
      const spec = object.spec as JsonObject;
      assert.deepEqual(
        unknownFields(kind("ReleaseBinding"), { ...object, spec: { ...spec, [name]: 1 } }).map(({ path }) => path),
        [`spec.${name}`],
      );
    }),
  );
});

test("names that the user chooses are not unknown fields", () => {
  assert.deepEqual(
    unknownFields(kind("Sync"), { ...sync(), metadata: { name: "a", labels: { anything: "x" }, annotations: { "a/b": "c" } } }),
    [],
  );
});

test("a null is an absent field, and takes the default where there is one", () => {
  const object = {
    ...sync({ prune: null, path: "deploy" }),
    metadata: { name: "a", creationTimestamp: null },
  } as unknown as ReturnType<typeof sync>;
  const clean = pruned(kind("Sync"), object);
  assert.deepEqual(clean.metadata, { name: "a" });
  assert.deepEqual(withDefaults(kind("Sync"), clean).spec, {
    path: "deploy",
    prune: true,
    selfHeal: true,
    force: false,
    suspend: false,
    interval: "10m",
  });
});

test("a member called __proto__ stays data", () => {
  const secret = JSON.parse('{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"__proto__":"x"}}');
  const filled = withDefaults(kind("Secret"), pruned(kind("Secret"), secret)) as JsonObject;
  assert.equal(JSON.stringify(filled["data"]), '{"__proto__":"eA=="}');
});

function kind(name: string): Kind {
  const found = catalog.kinds.find((candidate) => candidate.kind === name);
  assert.ok(found);
  return found;
}

const sync = (spec: JsonObject = {}) => ({ apiVersion: "slipway.dev/v1alpha1", kind: "Sync", metadata: { name: "a" }, spec });

function asObject(value: JsonValue): object {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
