import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceVersion, type ApiObject, type ObjectKey } from "../domain/object/api-object.ts";
import { instant } from "../domain/units.ts";
import type { Resources, Transaction } from "../ports/resources.ts";
import { storedObject } from "../ports/stored-object.ts";
import { commitConclusion } from "./commit.ts";
import type { Conclusion } from "./controller.ts";

const key: ObjectKey = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const object: ApiObject = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "app", namespace: "shop", uid: "u", finalizers: ["a/b"] },
  spec: {},
  status: { b: 1, a: 2 },
};
const of = storedObject(key, "u", resourceVersion(7), JSON.stringify(object));
const lease = { controller: "sync", key, owner: "loop-1", epoch: 3, attempts: 0, at: instant(0) };
const source = { component: "system:slipway:sync", manager: "slipway-sync", now: instant(0) };

async function committed(conclusion: Partial<Conclusion>, finish: "no" | "succeeded" | "failed"): Promise<Transaction> {
  const seen: Transaction[] = [];
  const resources: Pick<Resources, "commit"> = {
    commit: (transaction) => {
      seen.push(transaction);
      return Promise.resolve([]);
    },
  };
  await commitConclusion(resources as Resources, lease, { updates: [], events: [], ...conclusion }, { finish, source }); // only commit is called
  const [transaction] = seen;
  return transaction ?? assert.fail("nothing was committed");
}

test("every commit is guarded by the lease of its pass", async () => {
  for (const finish of ["no", "succeeded", "failed"] as const) assert.deepEqual((await committed({}, finish)).guard, lease);
});

test("a pass ends in the transaction of its last words, with when to look again and whether it failed", async () => {
  assert.equal((await committed({}, "no")).finish, undefined);
  assert.deepEqual((await committed({}, "succeeded")).finish, { failed: false });
  assert.deepEqual((await committed({ wakeAt: instant(5) }, "failed")).finish, { failed: true, wakeAt: instant(5) });
});

test("what equals the stored state is not written, in whatever order its names are", async () => {
  const { writes } = await committed(
    {
      updates: [
        { of, status: { a: 2, b: 1 } },
        { of, finalizers: ["a/b"] },
      ],
    },
    "succeeded",
  );
  assert.deepEqual(writes, []);
});

test("a status is written as a status, onto the version that was seen", async () => {
  const [write] = (await committed({ updates: [{ of, status: { a: 3 } }] }, "no")).writes;
  assert.ok(write?.verb === "update");
  assert.deepEqual(
    [write.resourceVersion, write.object.status, write.intent],
    [7, { a: 3 }, { verb: "update", subresource: "status", manager: "slipway-sync" }],
  );
});

test("finalizers are written as finalizers; none left is no list", async () => {
  const [write] = (await committed({ updates: [{ of, finalizers: [] }] }, "no")).writes;
  assert.ok(write?.verb === "update");
  assert.equal("finalizers" in write.object.metadata, false);
  assert.equal(write.intent?.subresource, "finalizers");
});

test("a removal is of the version that was seen", async () => {
  assert.deepEqual((await committed({ updates: [{ of, remove: true }] }, "no")).writes, [
    { verb: "delete", key, resourceVersion: 7, intent: { verb: "delete" } },
  ]);
});
