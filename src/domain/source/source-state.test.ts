import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../object/api-object.ts";
import { conditionsOf } from "../object/conditions.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { instant } from "../units.ts";
import { type Fetched, followedRef, type Look, nextLook, seenCommit, sourceStatus } from "./source-state.ts";

const now = instant(Date.parse("2026-01-31T12:00:00Z"));
const [OLD, NEW] = ["a".repeat(40), "b".repeat(40)];

const repository = (
  parts: { readonly spec?: JsonValue; readonly status?: JsonValue; readonly annotations?: Readonly<Record<string, string>> } = {},
): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: {
    name: "app",
    namespace: "shop",
    generation: 2,
    ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
  },
  spec: parts.spec ?? { url: "/repo", interval: "30s" },
  ...(parts.status === undefined ? {} : { status: parts.status }),
});

for (const [what, ref, followed] of [
  ["no ref", undefined, "refs/heads/main"],
  ["a branch", { branch: "release/1" }, "refs/heads/release/1"],
  ["a tag", { tag: "v1" }, "refs/tags/v1"],
  ["a commit", { commit: OLD }, OLD],
  ["a commit beside a branch", { branch: "main", commit: OLD }, OLD],
  ["something else", { branch: 7 }, "refs/heads/main"],
] as const)
  test(`with ${what} ${followed.slice(0, 20)} is followed`, () => {
    assert.equal(followedRef(repository({ spec: ref === undefined ? {} : { ref } })), followed);
  });

for (const [interval, failed, wait] of [
  ["1s", false, 1000],
  ["1s", true, 5000],
  ["1h", true, 3_600_000],
  ["0s", false, 200],
  ["1ms", false, 200],
  ["soon", false, 30_000],
  [undefined, false, 30_000],
] as const)
  test(`at ${interval ?? "no"} interval the next look${failed ? " after a failure" : ""} is in ${wait} ms`, () => {
    assert.equal(nextLook(repository({ spec: interval === undefined ? {} : { interval } }), failed, now) - now, wait);
  });

for (const status of [undefined, {}, { artifact: "x" }, { artifact: { commit: 7 } }, []] as const)
  test(`the status ${JSON.stringify(status)} has seen no commit`, () => {
    assert.equal(seenCommit(repository(status === undefined ? {} : { status })), undefined);
  });

const before = { artifact: { commit: OLD } };
const fetched: Fetched = {
  commit: NEW,
  rewritten: false,
  author: "Jane <jane@example.com>",
  message: "Change",
  committedAt: instant(now - 1000),
};
const said = (look: Look, got?: Fetched, status?: JsonValue): readonly [JsonObject, Readonly<Record<string, string>>] => {
  const of = repository(status === undefined ? {} : { status });
  const after = sourceStatus(of, look, got, now);
  return [
    after,
    Object.fromEntries(conditionsOf({ ...of, status: after }).map(({ type, status: is, reason }) => [type, `${is} ${reason}`])),
  ];
};

test("a fetched commit is the artifact, with who and when, and the repository is ready", () => {
  const [status, conditions] = said({ kind: "head", commit: NEW }, fetched, before);
  assert.deepEqual(status["artifact"], {
    commit: NEW,
    ref: "refs/heads/main",
    seenAt: "2026-01-31T12:00:00Z",
    author: "Jane <jane@example.com>",
    message: "Change",
    committedAt: "2026-01-31T11:59:59Z",
  });
  assert.deepEqual(conditions, { Ready: "True Fetched", Reconciling: "False Fetched", Stalled: "False Fetched" });
  assert.deepEqual([status["historyRewritten"], status["observedGeneration"]], [false, 2]);
});

test("the same head again changes nothing that was said", () => {
  const [status] = said({ kind: "head", commit: NEW }, fetched);
  const again = sourceStatus(repository({ status }), { kind: "head", commit: NEW }, undefined, instant(now + 30_000));
  assert.deepEqual(again, status);
});

test("a head that was not fetched is not ready", () => {
  const [status, conditions] = said({ kind: "head", commit: NEW }, undefined, before);
  assert.equal(conditions["Ready"], "Unknown Fetching");
  assert.deepEqual(status["artifact"], before.artifact);
});

for (const [refused, stalled, reconciling] of [
  [true, "True AuthenticationFailed", "False AuthenticationFailed"],
  [false, "False AuthenticationFailed", "True AuthenticationFailed"],
] as const)
  test(`a look that ${refused ? "was refused waits for a person" : "failed is tried again by itself"}; the commit seen last stays, and is named`, () => {
    const [status, conditions] = said({ kind: "failed", refused, reason: "AuthenticationFailed", message: "no." }, undefined, before);
    assert.deepEqual(conditions, { Ready: "False AuthenticationFailed", Reconciling: reconciling, Stalled: stalled });
    assert.deepEqual(status["artifact"], before.artifact);
    assert.match(
      conditionsOf({ ...repository(), status }).find(({ type }) => type === "Ready")?.message ?? "",
      /no\. What was applied from a{12} stays\./,
    );
  });

test("a suspended repository keeps what it said of being ready", () => {
  const [ready] = said({ kind: "head", commit: NEW }, fetched);
  const [, conditions] = said({ kind: "notLooked" }, undefined, ready);
  assert.deepEqual(conditions, { Ready: "True Fetched", Reconciling: "False Suspended", Stalled: "False Fetched" });
});

test("a request to look now is answered by repeating it", () => {
  const of = repository({ annotations: { "slipway.dev/reconcile-at": "now" } });
  assert.equal(sourceStatus(of, { kind: "head", commit: NEW }, fetched, now)["lastHandledReconcileAt"], "now");
});

test("a rewritten history is told", () => {
  assert.equal(said({ kind: "head", commit: NEW }, { ...fetched, rewritten: true }, before)[0]["historyRewritten"], true);
});

test("author and message of a commit are cut to what a status holds", () => {
  const [status] = said({ kind: "head", commit: NEW }, { ...fetched, author: "x".repeat(5000), message: "y".repeat(5000) });
  assert.ok(JSON.stringify(status["artifact"]).length < 2500);
});
