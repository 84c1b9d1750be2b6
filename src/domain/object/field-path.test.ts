import assert from "node:assert/strict";
import { test } from "node:test";
import { documentPath } from "./field-path.ts";

for (const [text, parts] of [
  ["spec.lanes[0].name", ["spec", "lanes", 0, "name"]],
  ["metadata.annotations[a.b/c]", ["metadata", "annotations", "a.b/c"]],
  [".spec.release", ["spec", "release"]],
  ["", []],
] as const)
  test(`${text || "nothing"} is read part by part`, () => assert.deepEqual(documentPath(text), parts));
