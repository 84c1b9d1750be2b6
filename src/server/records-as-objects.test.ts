import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { memoryStore } from "../adapters/memory/memory-store.ts";
import { systemClock } from "../adapters/system/system-clock.ts";
import { resourceVersion } from "../domain/object/api-object.ts";
import type { NewRecord } from "../ports/records.ts";
import { ResourceError, type ListQuery, type Resources } from "../ports/resources.ts";
import { withRecords } from "./records-as-objects.ts";

const AUDIT = { group: "slipway.dev", resource: "auditrecords" };
const TIMELINE = { group: "slipway.dev", resource: "timelinerecords" };

const record = (namespace: string, name: string, more: Partial<NewRecord> = {}): NewRecord => ({
  type: "audit",
  about: { group: "", resource: "secrets", namespace, name },
  actor: "jane",
  reason: "Created",
  message: `jane created secret "${name}"`,
  details: { verb: "create" },
  retention: "long",
  ...more,
});

describe("records as objects", () => {
  let resources: Resources;
  const names = async (query: ListQuery): Promise<readonly string[]> =>
    (await resources.list(query)).items.map(({ object }) => String(Object(object["about"])["name"]));

  before(async () => {
    const store = memoryStore({ clock: systemClock, derivations: { fields: () => ({}), links: () => [], wakes: () => [] } });
    resources = withRecords(store.resources, store.records);
    const records = [
      record("shop", "a"),
      record("shop", "b", { actor: "kim", reason: "Deleted" }),
      record("", "jane", { about: { group: "slipway.dev", resource: "users", namespace: "", name: "jane" } }),
      record("kube-system", "own"),
      record("shop", "t", { type: "timeline" }),
      record("other", "c"),
    ];
    for (const one of records) await store.resources.commit({ writes: [], records: [one] });
  });

  test("are listed newest first, in the namespace of what they are about, each type under its own kind", async () => {
    assert.deepEqual(await names(AUDIT), ["c", "own", "jane", "b", "a"]);
    assert.deepEqual(await names({ ...AUDIT, namespace: "shop" }), ["b", "a"]);
    assert.deepEqual(await names(TIMELINE), ["t"]);
    assert.deepEqual(await names({ ...TIMELINE, namespace: "other" }), []);
  });

  test("those about what is in no namespace are in kube-system, and nowhere else", async () => {
    assert.deepEqual(await names({ ...AUDIT, namespace: "kube-system" }), ["own", "jane"]);
    assert.deepEqual(await names({ ...AUDIT, namespace: "" }), []);
  });

  const selections: readonly (readonly [field: string, operator: "equals" | "notEquals", value: string, found: readonly string[]])[] = [
    ["about.resource", "equals", "users", ["jane"]],
    ["about.group", "equals", "", ["c", "own", "b", "a"]],
    ["about.name", "equals", "b", ["b"]],
    ["actor", "equals", "kim", ["b"]],
    ["actor", "notEquals", "kim", ["c", "own", "jane", "a"]],
    ["reason", "equals", "Deleted", ["b"]],
    ["metadata.namespace", "equals", "kube-system", ["own", "jane"]],
    ["metadata.name", "equals", "1", ["a"]],
  ];
  for (const [field, operator, value, found] of selections)
    test(`${field} ${operator} "${value}" selects ${found.join(", ")}`, async () => {
      assert.deepEqual(await names({ ...AUDIT, fields: [{ field, operator, value }] }), found);
    });

  test("pages follow one another to the end", async () => {
    const seen: string[] = [];
    for (let query: ListQuery | undefined = { ...AUDIT, limit: 2 }; query !== undefined;) {
      const { items, next } = await resources.list(query);
      seen.push(...items.map(({ key }) => key.name));
      query = next === undefined ? undefined : { ...AUDIT, limit: 2, after: next };
    }
    assert.deepEqual(seen, ["6", "4", "3", "2", "1"]);
  });

  test("one is read by its position, under its own kind and namespace only", async () => {
    assert.equal((await resources.get({ ...AUDIT, namespace: "shop", name: "1" }))?.object.metadata.name, "1");
    assert.equal((await resources.get({ ...AUDIT, namespace: "kube-system", name: "3" }))?.object["actor"], "jane");
    for (const [namespace, name] of [
      ["other", "1"],
      ["shop", "99"],
      ["shop", "x"],
      ["shop", "01"],
      ["shop", "5"],
      ["", "3"],
    ] as const)
      assert.equal(await resources.get({ ...AUDIT, namespace, name }), undefined, `${namespace}/${name}`);
  });

  test("no label and no link finds any, and a made-up continue token finds nothing", async () => {
    assert.deepEqual(await names({ ...AUDIT, labels: [{ operator: "exists", label: "a" }] }), []);
    assert.deepEqual(await names({ ...AUDIT, linkedTo: "owner/x" }), []);
    assert.deepEqual(await names({ ...AUDIT, after: { at: resourceVersion(1), namespace: "", name: "; DROP" } }), []);
  });

  test("they can be read in a snapshot and cannot be written", async () => {
    assert.equal((await resources.snapshot((reader) => reader.list(TIMELINE))).items.length, 1);
    const key = { ...AUDIT, namespace: "shop", name: "1" };
    const forged = { apiVersion: "slipway.dev/v1alpha1", kind: "AuditRecord", metadata: { name: "1", namespace: "shop", uid: "u" } };
    for (const write of [
      { verb: "create" as const, key, object: forged },
      { verb: "delete" as const, key, resourceVersion: resourceVersion(1) },
    ])
      await assert.rejects(
        resources.commit({ writes: [write] }),
        (error) => error instanceof ResourceError && error.reason === "forbidden",
      );
  });
});
