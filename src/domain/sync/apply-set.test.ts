import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { APPLIED_BY, appliedBy, applySetId, asMember, PART_OF } from "./apply-set.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64url");
const sync = { namespace: "shop", name: "app" };
const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "a", labels: { mine: "yes" }, annotations: { note: "kept" } } };

test("the id is that of KEP-3659, and a valid label value", () => {
  const id = applySetId(sync, sha256);
  assert.equal(id, `applyset-${sha256("app.shop.Sync.slipway.dev")}-v1`);
  assert.match(id, /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
});

test("two Syncs never share one", () => {
  const ids = [sync, { namespace: "app", name: "shop" }, { namespace: "shop", name: "app2" }].map((of) => applySetId(of, sha256));
  assert.equal(new Set(ids).size, 3);
});

test("a member says who applied it and keeps its own labels and annotations", () => {
  const member = asMember(object, sync, "id");
  assert.deepEqual(member.metadata.labels, { mine: "yes", [PART_OF]: "id" });
  assert.deepEqual(member.metadata.annotations, { note: "kept", [APPLIED_BY]: "shop/app" });
  assert.deepEqual(appliedBy(member), sync);
});

for (const [what, labels, by] of [
  ["no label", {}, "shop/app"],
  ["no annotation", { [PART_OF]: "id" }, undefined],
  ["an annotation without a slash", { [PART_OF]: "id" }, "app"],
  ["an annotation with an empty part", { [PART_OF]: "id" }, "/app"],
  ["an annotation with too many parts", { [PART_OF]: "id" }, "a/b/c"],
] as const)
  test(`with ${what} nobody applied it`, () => {
    const annotations = by === undefined ? {} : { [APPLIED_BY]: by };
    assert.equal(appliedBy({ ...object, metadata: { labels, annotations } }), undefined);
  });
