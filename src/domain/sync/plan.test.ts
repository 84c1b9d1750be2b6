import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ApiObject } from "../object/api-object.ts";
import { type Desired, type Place, placeText } from "./desired.ts";
import { type Comparison, type Live, type PlanOptions, planSync, type SyncPlan } from "./plan.ts";
import { inWaves, waveOf, waveProblem } from "./waves.ts";

const WAVE = "slipway.dev/sync-wave";

const placeOf = (kind: string, name: string): Place => ({
  group: "",
  version: "v1",
  kind,
  resource: `${kind.toLowerCase()}s`,
  namespaced: kind !== "Namespace",
  namespace: kind === "Namespace" ? "" : "shop",
  name,
});

const object = (kind: string, name: string, metadata: ApiObject["metadata"] = {}): ApiObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, ...metadata },
});

const desired = (kind: string, name: string, annotations: Readonly<Record<string, string>> = {}): Desired => ({
  place: placeOf(kind, name),
  object: object(kind, name, { annotations }),
  file: `app/${name}.yaml`,
  line: 3,
  column: 1,
  identity: name,
});

const live = (kind: string, name: string, metadata: ApiObject["metadata"] = {}): Live => ({
  place: placeOf(kind, name),
  uid: `uid-${name}`,
  object: object(kind, name, metadata),
});

const options: PlanOptions = { prune: true, selfHeal: true, allowEmpty: false, sourceIsApplied: false };
const same: Comparison = { desired: desired("Secret", "kept"), difference: "same" };

const planned = (plan: SyncPlan): readonly (readonly string[])[] =>
  plan.apply.map((wave) => wave.map(({ desired: { place } }) => place.name));
const pruned = (plan: SyncPlan): readonly (readonly string[])[] => plan.prune.map((wave) => wave.map(({ place }) => place.name));

test("what is absent is created only if it is still absent, what differs is changed at the version that was compared", () => {
  const plan = planSync(
    [
      { desired: desired("Secret", "a"), difference: "absent" },
      { desired: desired("Secret", "b"), difference: "different", decidedOn: "42", force: true },
      same,
    ],
    [],
    [],
    options,
  );
  assert.deepEqual(
    plan.apply.flat().map(({ desired: { place }, decidedOn }) => [place.name, decidedOn]),
    [
      ["a", ""],
      ["b", "42"],
    ],
  );
  assert.equal(plan.same, 1);
});

test("one refused object keeps all others from being applied, and is named with its place and the API's words", () => {
  const plan = planSync(
    [
      { desired: desired("Secret", "a"), difference: "absent" },
      { desired: desired("Secret", "b"), difference: "refused", message: "no" },
    ],
    [live("Secret", "old")],
    [],
    options,
  );
  assert.deepEqual([plan.apply, plan.prune], [[], []]);
  assert.deepEqual(plan.problems, [{ file: "app/b.yaml", line: 3, column: 1, object: "Secret shop/b", message: "no" }]);
});

test("a wave that is no number is a problem of the source", () => {
  const plan = planSync([{ desired: desired("Secret", "a", { [WAVE]: "soon" }), difference: "absent" }], [], [], options);
  assert.match(plan.problems[0]?.message ?? "", /"soon" is no whole number/);
  assert.deepEqual(plan.apply, []);
});

test("waves go up, inside a wave what others stand on goes first, and deleting goes the other way round", () => {
  const kinds = ["Secret", "RoleBinding", "Deployment", "Role", "Namespace", "ServiceAccount"];
  const wanted = [
    ...kinds.map((kind) => desired(kind, kind)),
    desired("Secret", "early", { [WAVE]: "-1" }),
    desired("Namespace", "late", { "argocd.argoproj.io/sync-wave": "2" }),
  ];
  const plan = planSync(
    wanted.map((one) => ({ desired: one, difference: "absent" })),
    [],
    [],
    options,
  );
  assert.deepEqual(planned(plan), [
    ["early"],
    ["Namespace"],
    ["ServiceAccount"],
    ["Secret"],
    ["Role"],
    ["RoleBinding"],
    ["Deployment"],
    ["late"],
  ]);
  const inventory = kinds.filter((kind) => kind !== "Namespace").map((kind) => live(kind, kind));
  assert.deepEqual(pruned(planSync([same], inventory, [], options)), [
    ["Deployment"],
    ["RoleBinding"],
    ["Role"],
    ["Secret"],
    ["ServiceAccount"],
  ]);
});

test("Slipway's own wave annotation goes before Argo CD's", () => {
  assert.equal(waveOf(object("Secret", "a", { annotations: { [WAVE]: "3", "argocd.argoproj.io/sync-wave": "7" } })), 3);
});

for (const [text, wave] of [
  ["0", 0],
  ["-3", -3],
  ["999999999", 999_999_999],
  ["1.5", undefined],
  ["", undefined],
  ["1e3", undefined],
  ["0x1", undefined],
  [" 1", undefined],
  ["9".repeat(30), undefined],
] as const)
  test(`the wave ${JSON.stringify(text)} is ${wave ?? "a problem"}`, () => {
    const written = object("Secret", "a", { annotations: { [WAVE]: text } });
    assert.equal(waveOf(written), wave ?? 0);
    assert.equal(waveProblem(written) === undefined, wave !== undefined);
  });

for (const [what, gone, over, why] of [
  ["a namespace", live("Namespace", "team"), {}, /kubectl delete namespace team/],
  ["what an annotation keeps", live("Secret", "a", { annotations: { "slipway.dev/prune": "disabled" } }), {}, /annotation/],
  [
    "what Flux's annotation keeps",
    live("Secret", "a", { annotations: { "kustomize.toolkit.fluxcd.io/prune": "disabled" } }),
    {},
    /annotation/,
  ],
  [
    "what Argo CD's annotation keeps",
    live("Secret", "a", { annotations: { "argocd.argoproj.io/sync-options": "Validate=true, Prune=false" } }),
    {},
    /annotation/,
  ],
  ["anything where prune is off", live("Secret", "a"), { prune: false }, /prune is off/],
] as const)
  test(`${what} is not deleted when it leaves Git, and it is said`, () => {
    const plan = planSync([same], [gone], [], { ...options, ...over });
    assert.deepEqual(plan.prune, []);
    assert.deepEqual([plan.leftAlone[0]?.change, plan.leftAlone[0]?.place], ["extra", gone.place]);
    assert.match(plan.leftAlone[0]?.why ?? "", why);
  });

test("an annotation that only looks like one that keeps does not keep", () => {
  const plan = planSync(
    [same],
    [live("Secret", "a", { annotations: { "argocd.argoproj.io/sync-options": "Prune=falsehood,xPrune=false" } })],
    [],
    options,
  );
  assert.deepEqual(pruned(plan), [["a"]]);
});

test("what is being deleted already is neither deleted nor told of", () => {
  const plan = planSync([same], [live("Secret", "a", { deletionTimestamp: "2026-01-31T12:00:00Z" })], [], options);
  assert.deepEqual([plan.prune, plan.leftAlone], [[], []]);
});

for (const [what, over, problems, deletes] of [
  ["stops", {}, 1, 0],
  ["deletes all with the annotation that allows it", { allowEmpty: true }, 0, 2],
  ["deletes nothing where prune is off", { prune: false }, 0, 0],
] as const)
  test(`a source that suddenly holds nothing ${what}`, () => {
    const plan = planSync([], [live("Secret", "a"), live("Secret", "b")], [], { ...options, ...over });
    assert.deepEqual([plan.problems.length, plan.prune.flat().length], [problems, deletes]);
  });

test("the guard names the way out; a source that never held anything is no problem", () => {
  assert.match(planSync([], [live("Secret", "a")], [], options).problems[0]?.message ?? "", /slipway\.dev\/allow-empty: "true"/);
  assert.deepEqual(planSync([], [], [], options).problems, []);
});

test("without selfHeal drift of an applied source is told and left; a new source is applied all the same", () => {
  const drift: readonly Comparison[] = [
    { desired: desired("Secret", "a"), difference: "absent" },
    { desired: desired("Secret", "b"), difference: "different", decidedOn: "1", force: false },
    same,
  ];
  const left = planSync(drift, [], [], { ...options, selfHeal: false, sourceIsApplied: true });
  assert.deepEqual([left.apply, left.leftAlone.map(({ change }) => change)], [[], ["missing", "differs"]]);
  assert.equal(planSync(drift, [], [], { ...options, selfHeal: false, sourceIsApplied: false }).apply.flat().length, 2);
});

const KINDS = ["Namespace", "Secret", "Role", "Deployment"];
const somePlaces = fc.uniqueArray(fc.record({ kind: fc.constantFrom(...KINDS), name: fc.constantFrom("a", "b", "c", "d") }), {
  maxLength: 12,
  selector: ({ kind, name }) => `${kind}/${name}`,
});
const comparisonsOf = somePlaces.chain((places) =>
  fc.tuple(
    ...places.map(({ kind, name }) =>
      fc
        .record({
          difference: fc.constantFrom("absent" as const, "same" as const, "different" as const, "different" as const, "refused" as const),
          wave: fc.constantFrom(undefined, "-1", "0", "5", "5", "soon"),
        })
        .map(({ difference, wave }): Comparison => {
          const one = desired(kind, name, wave === undefined ? {} : { [WAVE]: wave });
          if (difference === "different") return { desired: one, difference, decidedOn: "7", force: false };
          return difference === "refused" ? { desired: one, difference, message: "no" } : { desired: one, difference };
        }),
    ),
  ),
);
const inventoryOf = somePlaces.chain((places) =>
  fc.tuple(
    ...places.map(({ kind, name }) =>
      fc
        .constantFrom({}, {}, { annotations: { "slipway.dev/prune": "disabled" } }, { deletionTimestamp: "x" })
        .map((metadata) => live(kind, name, metadata)),
    ),
  ),
);
const someOptions: fc.Arbitrary<PlanOptions> = fc.record({
  prune: fc.boolean(),
  selfHeal: fc.boolean(),
  allowEmpty: fc.boolean(),
  sourceIsApplied: fc.boolean(),
});
const problemsOf = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.constant([{ file: "x.yaml", line: 1, column: 1, message: "broken" }]) },
);

const law = (
  holds: (plan: SyncPlan, comparisons: readonly Comparison[], inventory: readonly Live[], options: PlanOptions) => void,
): void => {
  fc.assert(
    fc.property(comparisonsOf, inventoryOf, problemsOf, someOptions, (comparisons, inventory, found, chosen) => {
      holds(planSync(comparisons, inventory, found, chosen), comparisons, inventory, chosen);
    }),
    { numRuns: 300 },
  );
};

test("all or nothing: where anything is wrong nothing is applied and nothing deleted", () => {
  law((plan) => assert.ok(plan.problems.length === 0 || plan.apply.length + plan.prune.length === 0));
});

test("every refused object and every wave that is none is among the problems", () => {
  law((plan, comparisons) => {
    const wrong = comparisons.filter(({ desired: one, difference }) => difference === "refused" || waveProblem(one.object) !== undefined);
    for (const { desired: one } of wrong)
      assert.ok(plan.problems.some(({ file, object: named }) => file === one.file && named?.includes(one.place.kind) === true));
  });
});

test("only what was applied before and is no longer wanted is deleted, and never a namespace", () => {
  law((plan, comparisons, inventory) => {
    const wanted = new Set(comparisons.map(({ desired: { place } }) => placeText(place)));
    for (const one of plan.prune.flat())
      assert.ok(inventory.includes(one) && !wanted.has(placeText(one.place)) && one.place.kind !== "Namespace");
  });
});

test("a plan without problems accounts for everything: applied, the same, or told that it is left alone", () => {
  law((plan, comparisons, inventory) => {
    if (plan.problems.length > 0) return;
    const told = plan.leftAlone.filter(({ change }) => change !== "extra").length;
    assert.equal(plan.apply.flat().length + plan.same + told, comparisons.length);
    const wanted = new Set(comparisons.map(({ desired: { place } }) => placeText(place)));
    const orphans = inventory.filter(
      ({ place, object: { metadata } }) => !wanted.has(placeText(place)) && metadata.deletionTimestamp === undefined,
    );
    assert.equal(plan.prune.flat().length + plan.leftAlone.length - told, orphans.length);
  });
});

test("where everything is the same and nothing left over, nothing is done", () => {
  law((_plan, comparisons, _inventory, chosen) => {
    const all = comparisons
      .filter(({ desired: { object: one } }) => waveProblem(one) === undefined)
      .map(({ desired: one }): Comparison => ({ desired: one, difference: "same" }));
    const plan = planSync(
      all,
      all.map(({ desired: { place, object: one } }) => ({ place, uid: "u", object: one })),
      [],
      chosen,
    );
    assert.deepEqual([plan.apply, plan.prune, plan.problems, plan.leftAlone, plan.same], [[], [], [], [], all.length]);
  });
});

test("the same input gives the same plan", () => {
  law((plan, comparisons, inventory, chosen) => {
    if (plan.problems.length === 0) assert.deepEqual(planSync(structuredClone(comparisons), structuredClone(inventory), [], chosen), plan);
  });
});

test("waves hold each thing once, in growing order, and keep the order of the source within a group", () => {
  fc.assert(
    fc.property(comparisonsOf, (comparisons) => {
      const waves = inWaves(comparisons, ({ desired: one }) => one);
      assert.deepEqual(new Set(waves.flat()), new Set(comparisons));
      assert.equal(waves.flat().length, comparisons.length);
      const numbers = waves.map((wave) => new Set(wave.map(({ desired: one }) => waveOf(one.object))));
      for (const [at, number] of numbers.entries()) {
        assert.equal(number.size, 1);
        assert.ok(at === 0 || Math.max(...(numbers[at - 1] ?? [])) <= Math.min(...number));
      }
      for (const wave of waves)
        assert.deepEqual(
          wave,
          comparisons.filter((one) => wave.includes(one)),
        );
    }),
  );
});
