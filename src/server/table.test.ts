import assert from "node:assert/strict";
import test from "node:test";
import { catalog } from "../api/catalog.ts";
import type { Kind } from "../api/kind.ts";
import type { ApiObject } from "../domain/object/api-object.ts";
import { instant } from "../domain/units.ts";
import { partialListOf, partialOf } from "./partial.ts";
import { includeObjectOf, tableOf } from "./table.ts";

const now = instant(Date.parse("2026-01-01T01:00:00Z"));
const sync: ApiObject = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "app", namespace: "shop", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { source: { repository: "app" }, serviceAccountName: "d" },
};
const page = { items: [sync], resourceVersion: "5" };

test("a table begins with the name, and the ages are those of kubectl", () => {
  const table = tableOf(kind("Sync"), page, { now, includeObject: "Metadata" });
  assert.deepEqual(
    table.columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name),
    ["Name", "Ready", "Status", "Revision", "Age"],
  );
  assert.equal(table.columnDefinitions[0]?.format, "name");
  assert.deepEqual(table.rows[0]?.cells.slice(0, 5), ["app", "Unknown", "", "", "60m"]);
  assert.deepEqual(table.metadata, { resourceVersion: "5" });
  assert.ok(table.rows.every(({ cells }) => cells.length === table.columnDefinitions.length));
});

test("a row carries what was asked for", () => {
  const carried = (includeObject: "None" | "Metadata" | "Object") => tableOf(kind("Sync"), page, { now, includeObject }).rows[0];
  assert.equal(Object.hasOwn(carried("None") ?? {}, "object"), false);
  assert.deepEqual((carried("Metadata") as { readonly object: object }).object, {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: sync.metadata,
  });
  assert.deepEqual((carried("Object") as { readonly object: object }).object, sync);
});

test("a table of events has their own order of columns", () => {
  const { columnDefinitions } = tableOf(kind("Event"), { items: [], resourceVersion: "1" }, { now, includeObject: "None" });
  assert.deepEqual(
    columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name),
    ["Last Seen", "Type", "Reason", "Object", "Message"],
  );
});

test("in a watch the columns are told once", () => {
  assert.deepEqual(tableOf(kind("Sync"), page, { now, includeObject: "None", withColumns: false }).columnDefinitions, []);
});

test("a column that fails on one object leaves an empty cell", () => {
  const broken: Kind = {
    ...kind("Sync"),
    columns: [{ name: "X", type: "string", description: "x", priority: 0, cell: () => assert.fail() }],
  };
  assert.deepEqual(tableOf(broken, page, { now, includeObject: "None" }).rows, [{ cells: ["app", null] }]);
});

test("the page of a list says where the next begins", () => {
  const list = partialListOf({ ...page, continue: "abc", remainingItemCount: 3 });
  assert.deepEqual(list, {
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion: "5", continue: "abc", remainingItemCount: 3 },
    items: [partialOf(sync)],
  });
});

test("what a row carries is metadata unless something else is asked for by its name", () => {
  assert.deepEqual([undefined, "", "None", "Object", "object"].map(includeObjectOf), ["Metadata", "Metadata", "None", "Object", undefined]);
});

function kind(name: string): Kind {
  const found = catalog.kinds.find((candidate) => candidate.kind === name);
  assert.ok(found);
  return found;
}
