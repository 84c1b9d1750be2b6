import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventKind } from "../api/kinds/event.ts";
import { checkObject } from "../api/check.ts";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { ObjectEvent } from "../domain/object/object-event.ts";
import { instant } from "../domain/units.ts";
import { eventWrite } from "./event-write.ts";

const source = { component: "system:slipway:sync", manager: "slipway-sync" };
const at = instant(Date.parse("2026-01-31T12:00:00Z"));
const event: ObjectEvent = {
  about: { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" },
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  uid: "uid-1",
  type: "Normal",
  reason: "Synced",
  message: "applied",
};

function written(of: ObjectEvent, current?: ApiObject, now = at) {
  const write = eventWrite(of, source, now);
  assert.ok(write.verb === "merge");
  return { key: write.key, object: write.merge(current) };
}

test("the same event again raises the count of the first and keeps its first moment", () => {
  const first = written(event);
  const again = written(event, first.object, instant(at + 61_000));
  assert.deepEqual(again.key, first.key);
  assert.deepEqual([first.object["count"], again.object["count"]], [1, 2]);
  assert.equal(again.object["firstTimestamp"], "2026-01-31T12:00:00Z");
  assert.equal(again.object["lastTimestamp"], "2026-01-31T12:01:01Z");
});

for (const [field, other] of [
  ["uid", { ...event, uid: "uid-2" }],
  ["type", { ...event, type: "Warning" as const }],
  ["reason", { ...event, reason: "Refused" }],
  ["message", { ...event, message: "applied it" }],
  ["object", { ...event, about: { ...event.about, name: "app2" } }],
] as const)
  test(`another ${field} is another event`, () => {
    assert.notDeepEqual(written(other).key, written(event).key);
  });

test("an event about a cluster-scoped object stands in the namespace default", () => {
  const { key, object } = written({ ...event, about: { group: "", resource: "namespaces", namespace: "", name: "shop" } });
  assert.equal(key.namespace, "default");
  assert.equal((object["involvedObject"] as { readonly namespace?: string }).namespace, undefined); // written just now as an object
});

test("stored counts and times that are none begin anew", () => {
  const { object } = written({ ...event }, { apiVersion: "v1", kind: "Event", metadata: { name: "x" }, count: "many", firstTimestamp: 7 });
  assert.deepEqual([object["count"], object["firstTimestamp"]], [1, "2026-01-31T12:00:00Z"]);
});

test("whatever happened to whatever object, the event is a valid one within its limits", () => {
  const names = fc.oneof(
    fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?$/),
    fc.constant("a".repeat(253)),
    fc.constant("system:slipway:Sync"),
    fc.string({ minLength: 1 }),
  );
  fc.assert(
    fc.property(names, fc.string({ maxLength: 3000 }), fc.constantFrom("", "shop"), (name, message, namespace) => {
      const { key, object } = written({ ...event, message, about: { ...event.about, namespace, name } });
      assert.ok(key.name.length <= 253, key.name);
      assert.deepEqual(checkObject(eventKind, object, undefined), []);
    }),
  );
});
