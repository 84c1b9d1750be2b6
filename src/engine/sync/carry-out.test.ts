import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceVersion, type ApiObject } from "../../domain/object/api-object.ts";
import type { Desired } from "../../domain/sync/desired.ts";
import type { Live } from "../../domain/sync/plan.ts";
import { ApiRefusal, type ApplyOptions, type KubernetesApi } from "../../ports/kubernetes-api.ts";
import { PortError } from "../../ports/port-error.ts";
import { storedObject } from "../../ports/stored-object.ts";
import { carryOut } from "./act.ts";
import { Comparer, compareAll, refusalText } from "./compare.ts";
import type { Command } from "./decide.ts";
import { inParallel } from "./in-parallel.ts";

const signal = new AbortController().signal;
const sync = storedObject({ group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" }, "s", resourceVersion(7), "{}");
const account = storedObject(
  { group: "", resource: "serviceaccounts", namespace: "shop", name: "deployer" },
  "a",
  resourceVersion(3),
  "{}",
);

const desired = (name: string, kind = "Secret"): Desired => ({
  place: {
    group: "",
    version: "v1",
    kind,
    resource: `${kind.toLowerCase()}s`,
    namespaced: kind !== "Namespace",
    namespace: kind === "Namespace" ? "" : "team",
    name,
  },
  object: { apiVersion: "v1", kind, metadata: { name } },
  file: `app/${name}.yaml`,
  line: 2,
  column: 1,
  identity: `${name}:1`,
});
const live = (name: string, version = "7", uid = `uid-${name}`): Live => ({
  place: desired(name).place,
  uid,
  object: { apiVersion: "v1", kind: "Secret", metadata: { name, uid, resourceVersion: version } },
});

type Applies = (object: ApiObject, options: ApplyOptions) => "created" | "changed" | "unchanged";

/** An API that answers so and remembers what it was asked. */
function api(applies: Applies, deletes: (name: string) => "deleted" | "gone" = () => "deleted") {
  const asked: string[] = [];
  const it: KubernetesApi = {
    kinds: () => Promise.resolve([]),
    get: () => Promise.resolve(undefined),
    listLabelled: () => Promise.resolve([]),
    apply: async (object, options) => {
      await Promise.resolve();
      asked.push(
        `${options.dryRun ? "dry-run" : "apply"} ${object.metadata.name ?? ""} ${options.decidedOn ?? "-"}${options.force ? " force" : ""}`,
      );
      return {
        outcome: applies(object, options),
        object: { ...object, metadata: { ...object.metadata, uid: `uid-${object.metadata.name ?? ""}`, resourceVersion: "8" } },
      };
    },
    delete: async ({ name }, uid) => {
      await Promise.resolve();
      asked.push(`delete ${name} ${uid}`);
      return deletes(name);
    },
  };
  return { it, asked };
}

const plan = (parts: Partial<Command["plan"]>): Command => ({
  sync,
  account,
  plan: { apply: [], prune: [], same: 0, leftAlone: [], ...parts },
});
const planned = (name: string) => ({ desired: desired(name), decidedOn: "7", force: false });

test("waves are done in order: first all applying, each onto the version it was decided on, then deleting by uid", async () => {
  const { it, asked } = api(() => "changed");
  const result = await carryOut(
    { apiAs: () => it, comparer: new Comparer() },
    plan({ apply: [[planned("a")], [planned("b")]], prune: [[live("z")], [live("y")]] }),
    signal,
  );
  assert.deepEqual(asked, ["apply a 7", "apply b 7", "delete z uid-z", "delete y uid-y"]);
  assert.deepEqual(result, { created: 0, changed: 2, pruned: 2, problems: [] });
});

test("it acts as the account of the Sync", async () => {
  const seen: unknown[] = [];
  const { it } = api(() => "changed");
  await carryOut({ apiAs: (as) => (seen.push(as), it), comparer: new Comparer() }, plan({}), signal);
  assert.deepEqual(seen, [{ namespace: "shop", name: "deployer", uid: "a" }]);
});

test("the rest of a wave is tried, no further wave is begun, nothing is deleted; the problem has its place", async () => {
  const { it, asked } = api(({ metadata }) => {
    if (metadata.name === "a") throw new ApiRefusal(422, "Invalid", "no");
    return "created";
  });
  const result = await carryOut(
    { apiAs: () => it, comparer: new Comparer() },
    plan({ apply: [[planned("a"), planned("b")], [planned("c")]], prune: [[live("z")]] }),
    signal,
  );
  assert.deepEqual(asked, ["apply a 7", "apply b 7"]);
  assert.equal(result.created, 1);
  assert.deepEqual(
    result.problems.map(({ file, line, object, message }) => [file, line, object, message]),
    [["app/a.yaml", 2, "Secret team/a", "no"]],
  );
});

test("what is gone already is no problem and is not counted as deleted", async () => {
  const { it } = api(
    () => "changed",
    () => "gone",
  );
  const result = await carryOut({ apiAs: () => it, comparer: new Comparer() }, plan({ prune: [[live("z")]] }), signal);
  assert.deepEqual([result.pruned, result.problems], [0, []]);
});

test("an API that cannot be asked is no problem of the source: it is thrown, once what is under way has ended", async () => {
  const { it } = api(() => {
    throw new PortError("notDone", "away");
  });
  await assert.rejects(
    carryOut({ apiAs: () => it, comparer: new Comparer() }, plan({ apply: [[planned("a"), planned("b")]] }), signal),
    /away/,
  );
});

const options = { sync: "s", manager: "m", force: false };

test("each object is compared by a dry run; what this Sync applied before is compared with force", async () => {
  const { it, asked } = api(({ metadata }) => (metadata.name === "a" ? "created" : metadata.name === "b" ? "changed" : "unchanged"));
  const compared = await compareAll(new Comparer(), it, [desired("a"), desired("b"), desired("c")], [live("b")], options, signal);
  assert.deepEqual(
    compared.map(({ difference }) => difference),
    ["absent", "different", "same"],
  );
  assert.deepEqual([...asked].sort(), ["dry-run a -", "dry-run b - force", "dry-run c -"]);
});

for (const [what, inventory, one, asks] of [
  ["nothing moved", [live("c", "8")], desired("c"), 0],
  ["the live object changed", [live("c", "9")], desired("c"), 1],
  ["it is another object of that name", [live("c", "8", "other")], desired("c"), 1],
  ["the content in Git changed", [live("c", "8")], { ...desired("c"), identity: "c:2" }, 1],
  ["it has left the apply set", [], desired("c"), 1],
] as const)
  test(`after a comparison that found it the same, ${what}: asked ${asks === 0 ? "no more" : "again"}`, async () => {
    const comparer = new Comparer();
    await compareAll(comparer, api(() => "unchanged").it, [desired("c")], [], options, signal);
    const { it, asked } = api(() => "unchanged");
    await compareAll(comparer, it, [one], inventory, options, signal);
    assert.equal(asked.length, asks);
  });

test("what one Sync found the same is not the same for another", async () => {
  const comparer = new Comparer();
  await compareAll(comparer, api(() => "unchanged").it, [desired("c")], [], options, signal);
  const { it, asked } = api(() => "unchanged");
  await compareAll(comparer, it, [desired("c")], [live("c", "8")], { ...options, sync: "other" }, signal);
  assert.equal(asked.length, 1);
});

test("forgetting the oldest costs a question, never truth", async () => {
  const comparer = new Comparer(1);
  await compareAll(comparer, api(() => "unchanged").it, [desired("a"), desired("b")], [], options, signal);
  const { it, asked } = api(() => "unchanged");
  const again = await compareAll(comparer, it, [desired("a"), desired("b")], [live("a", "8"), live("b", "8")], options, signal);
  assert.deepEqual([asked.length, again.map(({ difference }) => difference)], [1, ["same", "same"]]);
});

test("an object in a namespace that the same source makes is absent, in any other namespace it is refused", async () => {
  const missing = (): never => {
    throw new ApiRefusal(404, "NotFound", 'namespaces "team" not found');
  };
  const only = api(({ kind }) => (kind === "Namespace" ? "created" : missing())).it;
  assert.deepEqual(
    (await compareAll(new Comparer(), only, [desired("a"), desired("team", "Namespace")], [], options, signal)).map(
      ({ difference }) => difference,
    ),
    ["absent", "absent"],
  );
  assert.deepEqual(
    (await compareAll(new Comparer(), only, [desired("a")], [], options, signal)).map(({ difference }) => difference),
    ["refused"],
  );
});

test("the advice fits the refusal", () => {
  const owned = new ApiRefusal(409, "Conflict", 'conflict with "kubectl"', [
    { field: ".data", message: "x", reason: "FieldManagerConflict" },
  ]);
  assert.match(refusalText(owned), /spec\.force: true/);
  const raced = refusalText(new ApiRefusal(409, "Conflict", "the object has been modified"));
  assert.doesNotMatch(raced, /spec\.force/);
  assert.match(raced, /looked at again by itself/);
});

test("results come in the order of the items, and never more than so many are under way", async () => {
  let [underWay, most] = [0, 0];
  const results = await inParallel([5, 3, 1, 4, 2, 0], 2, async (turns) => {
    most = Math.max(most, ++underWay);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    underWay--;
    return turns * 10;
  });
  assert.deepEqual([results, most], [[50, 30, 10, 40, 20, 0], 2]);
});

test("after a failure nothing new is begun, and it is thrown when what was under way has ended", async () => {
  const begun: number[] = [];
  let hasEnded = false;
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    await Promise.resolve();
    if (item === 0) throw new Error("first");
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    hasEnded = true;
  };
  await assert.rejects(inParallel([0, 1, 2, 3, 4], 2, work), /first/);
  assert.deepEqual([begun, hasEnded], [[0, 1], true]);
});
