import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ApiObject, OwnerReference } from "../object/api-object.ts";
import { collect, type CollectStep, FOREGROUND, ORPHAN, type Ownership } from "./collect.ts";

const reference = (uid: string, blockOwnerDeletion?: boolean): OwnerReference => ({
  apiVersion: "v1",
  kind: "Secret",
  name: uid,
  uid,
  ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
});

const object = (metadata: ApiObject["metadata"]): ApiObject => ({ apiVersion: "v1", kind: "Secret", metadata });
const deleting = { deletionTimestamp: "2026-01-31T12:00:00Z" };

const dependent = (at: string, owners: readonly OwnerReference[], alive: readonly string[] = [], isDeleting = false) => ({
  at,
  object: object({ name: at, ownerReferences: owners, ...(isDeleting ? deleting : {}) }),
  otherOwnersAlive: alive,
});

const living = object({ name: "owner", uid: "o" });
const goingWith = (finalizer: string): ApiObject => object({ name: "owner", uid: "o", ...deleting, finalizers: [finalizer] });

const cases: readonly (readonly [what: string, seen: Omit<Ownership<string>, "ownerUid">, steps: readonly CollectStep<string>[]])[] = [
  ["of an owner that lives nothing is touched", { owner: living, dependents: [dependent("a", [reference("o")])] }, []],
  [
    "what belonged to an owner that is gone is deleted",
    { owner: undefined, dependents: [dependent("a", [reference("o")])] },
    [{ do: "delete", at: "a" }],
  ],
  [
    "what is being deleted already is not deleted again",
    { owner: undefined, dependents: [dependent("a", [reference("o")], [], true)] },
    [],
  ],
  [
    "what another owner keeps is only taken from the one that is gone",
    { owner: undefined, dependents: [dependent("a", [reference("o"), reference("p")], ["p"])] },
    [{ do: "disown", at: "a", owners: ["o"] }],
  ],
  [
    "orphans are disowned before the owner goes",
    { owner: goingWith(ORPHAN), dependents: [dependent("a", [reference("o")]), dependent("b", [reference("o", true)], [], true)] },
    [
      { do: "disown", at: "a", owners: ["o"] },
      { do: "disown", at: "b", owners: ["o"] },
    ],
  ],
  ["an owner whose orphans are all disowned is let go", { owner: goingWith(ORPHAN), dependents: [] }, [{ do: "letGo", finalizer: ORPHAN }]],
  [
    "deletion in the foreground begins with the dependents",
    { owner: goingWith(FOREGROUND), dependents: [dependent("a", [reference("o", true)]), dependent("b", [reference("o")])] },
    [
      { do: "delete", at: "a" },
      { do: "delete", at: "b" },
    ],
  ],
  [
    "and waits for those that block it",
    { owner: goingWith(FOREGROUND), dependents: [dependent("a", [reference("o", true)], [], true)] },
    [],
  ],
  [
    "but for no others",
    { owner: goingWith(FOREGROUND), dependents: [dependent("a", [reference("o")])] },
    [{ do: "letGo", finalizer: FOREGROUND }],
  ],
  [
    "deletion in the foreground spares what another owner keeps",
    { owner: goingWith(FOREGROUND), dependents: [dependent("a", [reference("o", true), reference("p")], ["p"])] },
    [{ do: "disown", at: "a", owners: ["o"] }],
  ],
  [
    "an owner that waits for somebody else's finalizer is not touched",
    { owner: goingWith("slipway.dev/other"), dependents: [dependent("a", [reference("o")])] },
    [],
  ],
];

for (const [what, seen, steps] of cases)
  test(what, () => {
    assert.deepEqual(collect({ ownerUid: "o", ...seen }), steps);
  });

const uids = ["o", "p", "q"] as const;
const ownerships: fc.Arbitrary<Ownership<string>> = fc
  .record({
    state: fc.constantFrom("gone", "living", ORPHAN, FOREGROUND, "other"),
    dependents: fc.array(
      fc.record({
        owners: fc.uniqueArray(fc.constantFrom(...uids), { minLength: 1, maxLength: 3 }).filter((owners) => owners.includes("o")),
        blocks: fc.boolean(),
        isDeleting: fc.boolean(),
        alive: fc.subarray(["p", "q"]),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ state, dependents }) => ({
    ownerUid: "o",
    owner: state === "gone" ? undefined : state === "living" ? living : goingWith(state),
    dependents: dependents.map(({ owners, blocks, isDeleting, alive }, at) =>
      dependent(
        `d${at}`,
        owners.map((uid) => reference(uid, blocks)),
        alive.filter((uid) => owners.includes(uid as (typeof uids)[number])), // both are uids
        isDeleting,
      ),
    ),
  }));

/** The same with every step done; what is deleted is gone, unless something holds it. */
function done(seen: Ownership<string>, steps: readonly CollectStep<string>[]): Ownership<string> {
  const gone = new Set(steps.flatMap((step) => (step.do === "letGo" ? [] : [step.at])));
  const isLetGo = steps.some((step) => step.do === "letGo");
  return { ...seen, owner: isLetGo ? undefined : seen.owner, dependents: seen.dependents.filter(({ at }) => !gone.has(at)) };
}

test("nothing that a living owner has is deleted", () => {
  fc.assert(
    fc.property(ownerships, (seen) => {
      const kept = new Set(seen.dependents.filter(({ otherOwnersAlive }) => otherOwnersAlive.length > 0).map(({ at }) => at));
      for (const step of collect(seen)) assert.ok(step.do !== "delete" || !kept.has(step.at));
    }),
  );
});

test("only the owner in question is taken from a dependent", () => {
  fc.assert(
    fc.property(ownerships, (seen) => {
      for (const step of collect(seen)) if (step.do === "disown") assert.deepEqual(step.owners, ["o"]);
    }),
  );
});

test("with everything done and what was going gone, it ends: at most three rounds until nothing is left to say", () => {
  fc.assert(
    fc.property(ownerships, (seen) => {
      let now: Ownership<string> = seen;
      for (let round = 0; round < 3; round++) {
        const steps = collect(now);
        if (steps.length === 0) break;
        now = done(now, steps);
        now = { ...now, dependents: now.dependents.filter(({ object: { metadata } }) => metadata.deletionTimestamp === undefined) };
      }
      assert.deepEqual(collect(now), []);
    }),
  );
});

test("the same is decided on the same", () => {
  fc.assert(fc.property(ownerships, (seen) => assert.deepEqual(collect(seen), collect(structuredClone(seen)))));
});
