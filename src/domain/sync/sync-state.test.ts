import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkObject } from "../../api/check.ts";
import { syncKind } from "../../api/kinds/sync.ts";
import type { ApiObject } from "../object/api-object.ts";
import { conditionsOf } from "../object/conditions.ts";
import { isJsonObject, type JsonObject } from "../object/json.ts";
import { instant } from "../units.ts";
import type { Place, SourceProblem } from "./desired.ts";
import { LISTED, sentenceOf, type SyncOutcome, syncStatus } from "./sync-state.ts";

const now = instant(Date.parse("2026-01-31T12:00:00Z"));
const COMMIT = "a".repeat(40);
const sync: ApiObject = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "app", namespace: "shop", generation: 3 },
  spec: {
    source: { repository: "app" },
    serviceAccountName: "deployer",
    path: ".",
    prune: true,
    selfHeal: true,
    force: false,
    suspend: false,
    interval: "10m",
  },
};
const problem: SourceProblem = { file: "app/a.yaml", line: 3, column: 7, object: "Secret shop/a", message: "no" };
const place: Place = { group: "", version: "v1", kind: "Secret", resource: "secrets", namespaced: true, namespace: "shop", name: "a" };
const counts = { objects: 2, created: 1, changed: 1, pruned: 0, unchanged: 0 };
const synced: SyncOutcome = { kind: "synced", commit: COMMIT, identity: "tree", counts, leftAlone: [] };

const after = (outcome: SyncOutcome, before: JsonObject = {}): JsonObject => syncStatus({ ...sync, status: before }, before, outcome, now);
const said = (status: JsonObject): Readonly<Record<string, string>> =>
  Object.fromEntries(conditionsOf({ ...sync, status }).map(({ type, status: is, reason }) => [type, `${is} ${reason}`]));

for (const [what, outcome, conditions] of [
  ["synced", synced, { Ready: "True Synced", Reconciling: "False Synced", Stalled: "False Synced" }],
  [
    "syncing",
    { kind: "syncing", commit: COMMIT, message: "applying" },
    { Ready: "Unknown Syncing", Reconciling: "True Syncing", Stalled: "False Syncing" },
  ],
  [
    "blocked",
    { kind: "blocked", reason: "Refused", message: "no", problems: [] },
    { Ready: "False Refused", Reconciling: "False Refused", Stalled: "True Refused" },
  ],
  [
    "waiting",
    { kind: "waiting", reason: "SourceNotReady", message: "wait" },
    { Ready: "Unknown SourceNotReady", Reconciling: "True SourceNotReady", Stalled: "False SourceNotReady" },
  ],
  ["suspended", { kind: "suspended" }, { Reconciling: "False Suspended", Stalled: "False Suspended" }],
] as readonly (readonly [string, SyncOutcome, Readonly<Record<string, string>>])[])
  test(`a Sync that is ${what} says so as kstatus reads it, of the generation it has looked at`, () => {
    const status = after(outcome);
    assert.deepEqual(said(status), conditions);
    assert.equal(status["observedGeneration"], 3);
  });

test("what was applied stays in the status until something else is", () => {
  const before = after(synced);
  for (const outcome of [
    { kind: "syncing", commit: "b".repeat(40), message: "" },
    { kind: "blocked", reason: "InvalidSource", commit: "b".repeat(40), message: "no", problems: [problem] },
    { kind: "waiting", reason: "SourceUnavailable", message: "away" },
    { kind: "suspended" },
  ] as const satisfies readonly SyncOutcome[]) {
    const status = after(outcome, before);
    assert.deepEqual(
      [status["commit"], status["tree"], status["counts"], status["lastSyncedAt"]],
      [COMMIT, "tree", counts, "2026-01-31T12:00:00Z"],
    );
  }
});

test("a suspended Sync goes on saying whether it was ready", () => {
  assert.equal(said(after({ kind: "suspended" }, after(synced)))["Ready"], "True Synced");
});

test("what blocked it is gone from the status when it is blocked no more", () => {
  const before = after({ kind: "blocked", reason: "Refused", commit: COMMIT, message: "no", problems: [problem] });
  assert.deepEqual([before["blockedBy"], Array.isArray(before["problems"])], ["no", true]);
  const status = after(synced, before);
  assert.deepEqual([status["blockedBy"], status["problems"]], [undefined, undefined]);
});

test("a problem has its file, line and column; of a whole file only the file", () => {
  const status = after({
    kind: "blocked",
    reason: "InvalidSource",
    commit: COMMIT,
    message: "no",
    problems: [problem, { file: "b.yaml", line: 0, column: 0, message: "x" }],
  });
  assert.deepEqual(status["problems"], [
    { file: "app/a.yaml", line: 3, column: 7, object: "Secret shop/a", message: "no" },
    { file: "b.yaml", message: "x" },
  ]);
});

test("a pass that found everything as it should be leaves the status as it was", () => {
  const before = after(synced);
  const idle: SyncOutcome = { ...synced, counts: { objects: 2, created: 0, changed: 0, pruned: 0, unchanged: 2 } };
  assert.deepEqual(syncStatus({ ...sync, status: before }, before, idle, instant(now + 600_000)), before);
});

test("healed drift is told in counts and time", () => {
  const healed = after({ ...synced, counts: { ...counts, created: 0 } }, after(synced));
  assert.deepEqual(healed["counts"], { ...counts, created: 0 });
});

test("drift that is left alone is listed, the first of it in words", () => {
  const status = after({ ...synced, leftAlone: [{ place, change: "differs", why: "Secret shop/a is not as it should" }] });
  assert.deepEqual(status["drift"], [{ apiVersion: "v1", kind: "Secret", namespace: "shop", name: "a", change: "differs" }]);
  assert.match(conditionsOf({ ...sync, status }).find(({ type }) => type === "Ready")?.message ?? "", /1 left alone: Secret shop\/a/);
});

for (const [what, problems, sentence] of [
  ["one problem", [problem], "app/a.yaml:3:7 (Secret shop/a): no. Nothing of this commit was applied."],
  [
    "several",
    [problem, problem, problem],
    "app/a.yaml:3:7 (Secret shop/a): no; 2 more in status.problems. Nothing of this commit was applied.",
  ],
  ["a whole file", [{ file: "b.bin", line: 0, column: 0, message: "not text" }], "b.bin: not text. Nothing of this commit was applied."],
  ["none", [], ""],
] as const)
  test(`the blocking sentence of ${what} names the place first`, () => {
    assert.equal(sentenceOf(problems), sentence);
  });

test("whatever is wrong and however much of it, the status is valid and lists are short", () => {
  const problems = fc.array(
    fc.record({ file: fc.string({ minLength: 1 }), line: fc.nat(), column: fc.nat(), message: fc.string({ maxLength: 10_000 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(problems, (all) => {
      const wellPlaced = all.map((one) => ({ ...one, column: Math.max(1, one.column) }));
      const status = after({
        kind: "blocked",
        reason: "InvalidSource",
        commit: COMMIT,
        message: sentenceOf(wellPlaced),
        problems: wellPlaced,
      });
      const listed = status["problems"];
      assert.ok(listed === undefined || (Array.isArray(listed) && listed.length <= LISTED));
      assert.deepEqual(
        checkObject(syncKind, { ...sync, status }, undefined).filter(({ path }) => path.startsWith("status")),
        [],
      );
    }),
  );
});

test("a status that was damaged does no harm", () => {
  const status = after(synced, { conditions: "none", counts: 7 });
  assert.ok(isJsonObject(status));
  assert.equal(said(status)["Ready"], "True Synced");
});
