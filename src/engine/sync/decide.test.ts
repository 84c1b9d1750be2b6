import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiObject, type ObjectKey, resourceVersion } from "../../domain/object/api-object.ts";
import type { Comparison, Live } from "../../domain/sync/plan.ts";
import { instant, later, seconds } from "../../domain/units.ts";
import { PortError } from "../../ports/port-error.ts";
import type { StoredObject } from "../../ports/resources.ts";
import { storedObject } from "../../ports/stored-object.ts";
import type { WaveResult } from "./act.ts";
import { concludeSync } from "./conclude.ts";
import { type Command, decideSync, PRUNE_ON_DELETE } from "./decide.ts";
import type { SyncSeen, Target } from "./seen.ts";

const now = instant(1_000_000);
const COMMIT = "c".repeat(40);

function stored(key: Partial<ObjectKey>, object: Partial<ApiObject> = {}): StoredObject {
  const full = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app", ...key };
  const { metadata, ...rest } = object;
  const whole: ApiObject = {
    apiVersion: "v1",
    kind: "Sync",
    ...rest,
    metadata: { name: full.name, namespace: full.namespace, uid: "u", ...metadata },
  };
  return storedObject(full, "u", resourceVersion(7), JSON.stringify(whole));
}

const desired = (name: string): Comparison["desired"] => ({
  place: { group: "", version: "v1", kind: "Secret", resource: "secrets", namespaced: true, namespace: "shop", name },
  object: { apiVersion: "v1", kind: "Secret", metadata: { name } },
  file: `app/${name}.yaml`,
  line: 2,
  column: 1,
  identity: name,
});
const live = (name: string, metadata: ApiObject["metadata"] = {}): Live => ({
  place: desired(name).place,
  uid: name,
  object: { apiVersion: "v1", kind: "Secret", metadata },
});
const compared = (parts: Partial<Extract<Target, { kind: "compared" }>> = {}): Target => ({
  kind: "compared",
  identity: "tree",
  comparisons: [{ desired: desired("a"), difference: "same" }],
  inventory: [],
  problems: [],
  ...parts,
});

const seen: SyncSeen = {
  kind: "seen",
  sync: stored({}),
  spec: {
    repository: "source",
    path: "app",
    serviceAccountName: "deployer",
    prune: true,
    selfHeal: true,
    force: false,
    suspend: false,
    interval: "10m",
  },
  account: stored({ group: "", resource: "serviceaccounts", name: "deployer" }),
  source: { kind: "ready", commit: COMMIT },
  target: compared(),
};
const deleting = (finalizers: readonly string[]): StoredObject => stored({}, { metadata: { deletionTimestamp: "x", finalizers } });
const failed = (outcome: "notDone" | "refused" | "unknown", reason?: string): Target => ({
  kind: "failed",
  error: new PortError(outcome, "the server is away", reason === undefined ? {} : { reason }),
});

for (const [what, parts, outcome, message] of [
  ["suspended", { spec: { ...seen.spec, suspend: true } }, "suspended", undefined],
  ["without its repository", { source: { kind: "absent" } }, "SourceNotFound", /no GitRepository "source" in namespace shop; create it/],
  ["without its account", { account: undefined }, "ServiceAccountNotFound", /kubectl create serviceaccount deployer -n shop/],
  [
    "of a repository that has no commit yet",
    { source: { kind: "notReady", message: "not looked at" } },
    "SourceNotReady",
    /source has no commit to apply: not looked at/,
  ],
  ["of a folder that is not there", { target: failed("refused", "PathNotFound") }, "PathNotFound", /away/],
  ["of a commit that cannot be read at all", { target: failed("refused", "TooManyFiles") }, "InvalidSource", /away/],
  ["of a server that is away", { target: failed("notDone") }, "SourceUnavailable", /away/],
  [
    "of a folder with a broken file",
    { target: compared({ problems: [{ file: "app/x.yaml", line: 4, column: 2, message: "bad" }] }) },
    "InvalidSource",
    /^app\/x\.yaml:4:2: bad\. Nothing/,
  ],
  [
    "of a folder with an object that the API refuses",
    { target: compared({ comparisons: [{ desired: desired("a"), difference: "refused", message: "no right" }] }) },
    "Refused",
    /^app\/a\.yaml:2:1 \(Secret shop\/a\): no right\. Nothing/,
  ],
  ["of a folder that is suddenly empty", { target: compared({ comparisons: [], inventory: [live("a")] }) }, "SourceEmpty", /allow-empty/],
  ["of which nothing differs", {}, "synced", undefined],
] as readonly (readonly [string, Partial<SyncSeen>, string, RegExp | undefined])[])
  test(`a Sync ${what} does nothing and says ${outcome}`, () => {
    const decision = decideSync({ ...seen, ...parts }, now);
    assert.deepEqual(decision.commands, []);
    const said = decision.outcome;
    assert.equal(said !== undefined && "reason" in said ? said.reason : said?.kind, outcome);
    if (message !== undefined) assert.match(said !== undefined && "message" in said ? said.message : "", message);
  });

test("a server that is away is asked again soon, a folder that cannot be read in a minute, everything else at the interval", () => {
  assert.equal(decideSync({ ...seen, target: failed("notDone") }, now).wakeAt, later(now, seconds(5)));
  assert.equal(decideSync({ ...seen, target: failed("refused") }, now).wakeAt, later(now, seconds(60)));
  assert.equal(decideSync(seen, now).wakeAt, later(now, seconds(600)));
  assert.equal(decideSync({ ...seen, spec: { ...seen.spec, interval: "soon" } }, now).wakeAt, later(now, seconds(600)));
});

test("what differs is one command with the whole plan, and is announced", () => {
  const target = compared({
    comparisons: [
      { desired: desired("a"), difference: "absent" },
      { desired: desired("b"), difference: "same" },
    ],
    inventory: [live("old")],
  });
  const { commands, outcome } = decideSync({ ...seen, target }, now);
  assert.deepEqual(
    commands.map(({ plan }) => [plan.apply.flat().length, plan.prune.flat().length, plan.same]),
    [[1, 1, 1]],
  );
  assert.ok(outcome?.kind === "syncing" && outcome.message === `applying 1 and deleting 1 objects of commit ${COMMIT.slice(0, 12)}`);
});

test("the same tree that was applied before is not healed where selfHeal is off, another tree is applied", () => {
  const target = compared({ comparisons: [{ desired: desired("a"), difference: "absent" }] });
  const spec = { ...seen.spec, selfHeal: false };
  assert.equal(decideSync({ ...seen, spec, target, sync: stored({}, { status: { tree: "tree" } }) }, now).commands.length, 0);
  assert.equal(decideSync({ ...seen, spec, target, sync: stored({}, { status: { tree: "other" } }) }, now).commands.length, 1);
});

const holding = deleting([PRUNE_ON_DELETE, "other/one"]);

for (const [what, parts, expected] of [
  [
    "without the finalizer leaves everything",
    { sync: deleting(["other/one"]), target: compared({ inventory: [live("a")] }) },
    { commands: 0 },
  ],
  ["deletes what it applied first", { sync: holding, target: compared({ inventory: [live("a"), live("b")] }) }, { commands: 1, prunes: 2 }],
  [
    "waits for nothing that is being deleted already",
    { sync: holding, target: compared({ inventory: [live("a", { deletionTimestamp: "x" })] }) },
    { commands: 0, finalizers: ["other/one"] },
  ],
  ["goes when nothing is left", { sync: holding, target: compared() }, { commands: 0, finalizers: ["other/one"] }],
  [
    "goes when its account is gone: nothing can be deleted in its name",
    { sync: holding, account: undefined, target: { kind: "notAsked" } },
    { commands: 0, finalizers: ["other/one"] },
  ],
  [
    "is looked at again when what it applied could not be listed",
    { sync: holding, target: failed("notDone") },
    { commands: 0, wakeAt: later(now, seconds(5)) },
  ],
  [
    "goes even while it is suspended",
    { sync: holding, spec: { ...seen.spec, suspend: true }, target: compared() },
    { commands: 0, finalizers: ["other/one"] },
  ],
] as readonly (readonly [
  string,
  Partial<SyncSeen>,
  { readonly commands: number; readonly prunes?: number; readonly finalizers?: readonly string[]; readonly wakeAt?: number },
])[])
  test(`a Sync that is being deleted ${what}`, () => {
    const decision = decideSync({ ...seen, ...parts }, now);
    assert.equal(decision.commands.length, expected.commands);
    if (expected.prunes !== undefined) assert.equal(decision.commands[0]?.plan.prune.flat().length, expected.prunes);
    assert.deepEqual([decision.finalizers, decision.wakeAt], [expected.finalizers, expected.wakeAt]);
  });

test("namespaces stay when the Sync that applied them goes", () => {
  const namespace: Live = {
    place: { ...desired("team").place, kind: "Namespace", namespaced: false, namespace: "" },
    uid: "n",
    object: { apiVersion: "v1", kind: "Namespace", metadata: {} },
  };
  assert.deepEqual(decideSync({ ...seen, sync: holding, target: compared({ inventory: [namespace] }) }, now).finalizers, ["other/one"]);
});

const result: WaveResult = { created: 1, changed: 2, pruned: 3, problems: [] };
const command: Command = { sync: seen.sync, account: seen.sync, plan: { apply: [], prune: [], same: 4, leftAlone: [] } };

test("what the waves did is told in counts, and the commit is the one that was planned", () => {
  const { outcome, wakeAt } = concludeSync(seen, [{ command, outcome: result }], now);
  assert.ok(outcome?.kind === "synced");
  assert.deepEqual([outcome.commit, outcome.counts], [COMMIT, { objects: 1, created: 1, changed: 2, pruned: 3, unchanged: 4 }]);
  assert.equal(wakeAt, later(now, seconds(600)));
});

test("a wave with a problem is not called synced, and is tried again in half a minute", () => {
  const problems = [{ file: "app/a.yaml", line: 2, column: 1, message: "no" }];
  const { outcome, wakeAt } = concludeSync(seen, [{ command, outcome: { ...result, problems } }], now);
  assert.ok(outcome?.kind === "blocked" && outcome.reason === "ApplyFailed");
  assert.match(outcome.message, /^app\/a\.yaml:2:1: no\. The rest of its wave was applied; it is tried again by itself\.$/);
  assert.equal(wakeAt, later(now, seconds(30)));
});

test("an API that could not be asked is waited for, for as long as the failure says", () => {
  const failure = { kind: "retry", reason: "Unavailable", message: "away", again: later(now, seconds(3)) } as const;
  const { outcome, wakeAt } = concludeSync(seen, [{ command, failure }], now);
  assert.ok(outcome?.kind === "waiting" && outcome.message === "away");
  assert.equal(wakeAt, failure.again);
});

test("while it is being deleted it says nothing more and looks again in a second", () => {
  assert.deepEqual(concludeSync({ ...seen, sync: holding }, [{ command, outcome: result }], now), { wakeAt: later(now, seconds(1)) });
});

test("a Sync that cannot go says what does not let it", () => {
  const problems = [{ file: ".", line: 0, column: 0, object: "Secret shop/a", message: "no right" }];
  const { outcome, wakeAt } = concludeSync({ ...seen, sync: holding }, [{ command, outcome: { ...result, problems } }], now);
  assert.ok(outcome?.kind === "blocked");
  assert.equal(outcome.message, ". (Secret shop/a): no right. This Sync goes when it is gone; it is tried again by itself.");
  assert.equal(wakeAt, later(now, seconds(30)));
});
