import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  asksForReset,
  decodeManagedFields,
  encodeManagedFields,
  isUnreadable,
  keepTimesIfUnchanged,
  noManagedFields,
} from "./managed-fields.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../object/json.ts";

function entry(changes: JsonObject = {}): JsonObject {
  return {
    manager: "ann",
    operation: "Apply",
    apiVersion: "g/v1",
    time: "2026-01-01T00:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:spec": { "f:a": {} } },
    ...changes,
  };
}

function objectWith(...managedFields: readonly JsonValue[]): JsonObject {
  return { apiVersion: "g/v1", kind: "K", metadata: { name: "a", managedFields }, spec: { a: 1 } };
}

describe("decodeManagedFields refuses, with Kubernetes' words", () => {
  const cases: readonly { readonly name: string; readonly bad: JsonObject; readonly problem: RegExp }[] = [
    { name: "an unknown operation", bad: entry({ operation: "Patch" }), problem: /operation must be `Apply` or `Update`/ },
    { name: "no apiVersion", bad: entry({ apiVersion: "" }), problem: /apiVersion must not be empty/ },
    { name: "no fieldsType", bad: entry({ fieldsType: "" }), problem: /missing fieldsType in managed fields entry 1/ },
    {
      name: "an unknown fieldsType",
      bad: entry({ fieldsType: "FieldsV2" }),
      problem: /invalid fieldsType "FieldsV2" in managed fields entry 1/,
    },
    {
      name: "paths that cannot be read",
      bad: entry({ fieldsV1: { "k:x": {} } }),
      problem: /error decoding fieldsV1 in managed fields entry 1: /,
    },
  ];
  for (const { name, bad, problem } of cases)
    test(name, () => {
      const decoded = decodeManagedFields(objectWith(entry({ manager: "first" }), bad));
      assert.match(isUnreadable(decoded) ? decoded.problem : "", problem);
    });
});

describe("decodeManagedFields takes for absent", () => {
  const absent: readonly JsonValue[] = [null, "x", ["x"], [entry({ time: "yesterday" })], [entry({ manager: 7 })]];
  for (const managedFields of absent)
    test(JSON.stringify(managedFields), () => assert.deepEqual(decodeManagedFields({ metadata: { managedFields } }), noManagedFields));
});

test("entries are written sorted: operation, time, manager, version, subresource", () => {
  const sorted = [
    entry({ manager: "no time", time: null }),
    entry({ manager: "b" }),
    entry({ manager: "b", subresource: "status" }),
    entry({ manager: "a", time: "2026-01-01T00:00:01Z" }),
    entry({ manager: "a", operation: "Update" }),
    entry({ manager: "a", operation: "Update", apiVersion: "g/v2" }),
  ];
  const decoded = decodeManagedFields(objectWith(...sorted.toReversed()));
  assert.ok(!isUnreadable(decoded));
  const written = encodeManagedFields(objectWith(), decoded)["metadata"];
  const { time: _, ...timeless } = sorted[0] ?? {};
  assert.deepEqual(isJsonObject(written) ? written["managedFields"] : undefined, [timeless, ...sorted.slice(1)]);
});

test("without entries the field is left out", () => {
  assert.deepEqual(encodeManagedFields(objectWith(entry()), noManagedFields)["metadata"], { name: "a" });
});

describe("only one empty entry asks for a reset", () => {
  const cases: readonly (readonly [readonly JsonValue[], boolean])[] = [
    [[{}], true],
    [[{ manager: "", operation: "" }], true],
    [[], false],
    [[{}, {}], false],
    [[entry()], false],
  ];
  for (const [value, isReset] of cases) test(JSON.stringify(value), () => assert.equal(asksForReset(objectWith(...value)), isReset));
});

describe("keepTimesIfUnchanged", () => {
  const later = entry({ time: "2026-01-02T00:00:00Z" });
  test("gives back the stored times when nothing else differs", () => {
    assert.deepEqual(keepTimesIfUnchanged(objectWith(entry()), objectWith(later)), objectWith(entry()));
  });
  test("keeps new times when a value differs", () => {
    const object = { ...objectWith(later), spec: { a: 2 } };
    assert.deepEqual(keepTimesIfUnchanged(objectWith(entry()), object), object);
  });
  test("keeps new times when an owner differs", () => {
    const object = objectWith({ ...later, fieldsV1: {} });
    assert.deepEqual(keepTimesIfUnchanged(objectWith(entry()), object), object);
  });
  test("a new object is as it is", () => assert.deepEqual(keepTimesIfUnchanged(undefined, objectWith(later)), objectWith(later)));
});
