import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiObject, resourceVersion } from "../../domain/object/api-object.ts";
import { instant, later, rfc3339, seconds } from "../../domain/units.ts";
import { storedObject } from "../../ports/stored-object.ts";
import { accessTokenController } from "./access-token-controller.ts";

const now = instant(Date.parse("2026-01-31T12:00:00Z"));
const DAY = seconds(86_400);
const key = { group: "slipway.dev", resource: "accesstokens", namespace: "", name: "t" };

function token(expiresAt: ApiObject["spec"]) {
  const object: ApiObject = {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "AccessToken",
    metadata: { name: "t" },
    ...(expiresAt === undefined ? {} : { spec: { expiresAt } }),
  };
  return storedObject(key, "u", resourceVersion(7), JSON.stringify(object));
}

const nothing = { commands: [], updates: [], events: [] };
const { decide } = accessTokenController();

test("a token is removed a day after it expired, and not a moment before", () => {
  const expired = token(rfc3339(now));
  assert.deepEqual(decide(expired, instant(now + DAY - 1)), { ...nothing, wakeAt: later(now, DAY) });
  assert.deepEqual(decide(expired, later(now, DAY)), { ...nothing, updates: [{ of: expired, remove: true }] });
});

for (const expiresAt of [undefined, "soon", "", 7, null])
  test(`a token that expires ${JSON.stringify(expiresAt)} is left alone`, () => {
    assert.deepEqual(decide(token(expiresAt), now), nothing);
  });

test("a token that is gone needs nothing", () => {
  assert.deepEqual(decide(undefined, now), nothing);
});
