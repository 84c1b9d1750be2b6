import type { ApiObject } from "../object/api-object.ts";
import { type Desired, type Place, placeName, placeText, type SourceProblem } from "./desired.ts";
import { inWaves, waveProblem } from "./waves.ts";

/** What the target API says of one desired object, without having done it. */
export type Comparison =
  | { readonly desired: Desired; readonly difference: "absent" | "same" }
  /** `decidedOn`: the live version that was compared; `force`: fields that others own are taken over. */
  | { readonly desired: Desired; readonly difference: "different"; readonly decidedOn: string; readonly force: boolean }
  /** `field`: where in the object it is, as a person writes it (`spec.lanes[0].name`), when the API says so. */
  | { readonly desired: Desired; readonly difference: "refused"; readonly message: string; readonly field?: string };

/** A live object that this sync once applied. */
export interface Live {
  readonly place: Place;
  readonly uid: string;
  readonly object: ApiObject;
}

export interface PlanOptions {
  readonly prune: boolean;
  /** What is not as it was applied is put right; false: it is only reported as drift. */
  readonly selfHeal: boolean;
  /** A source that holds nothing at all may delete everything. */
  readonly allowEmpty: boolean;
  /** The same source as last time was applied in full: every difference is drift. */
  readonly sourceIsApplied: boolean;
}

export interface SyncPlan {
  /** In order; one wave's objects may be applied at once. */
  readonly apply: readonly (readonly PlannedApply[])[];
  /** In order, the last wave first; after all applying. */
  readonly prune: readonly (readonly Live[])[];
  readonly same: number;
  /** Why nothing may be applied; then `apply` and `prune` are empty. */
  readonly problems: readonly SourceProblem[];
  /** Differences that are left alone: drift without selfHeal, and what pruning would remove. */
  readonly leftAlone: readonly LeftAlone[];
}

export interface LeftAlone {
  readonly place: Place;
  readonly change: "missing" | "differs" | "extra";
  /** One sentence that says what differs and why nothing is done. */
  readonly why: string;
}

export interface PlannedApply {
  readonly desired: Desired;
  /** "" = create it only if it is still absent. */
  readonly decidedOn: string;
  readonly force: boolean;
}

/**
 * All or nothing: one object that the API would refuse, or one thing wrong in the source, and nothing of this source is applied or deleted.
 * Deletes only what this sync applied before and the source no longer has.
 */
export function planSync(
  comparisons: readonly Comparison[],
  inventory: readonly Live[],
  found: readonly SourceProblem[],
  options: PlanOptions,
): SyncPlan {
  const orphans = orphansOf(comparisons, inventory);
  const problems = [...found, ...comparisons.flatMap(problemOf), ...emptyProblem(comparisons, orphans, options)];
  const same = comparisons.filter(({ difference }) => difference === "same").length;
  if (problems.length > 0) return { apply: [], prune: [], same, problems, leftAlone: [] };
  const wanted = comparisons.flatMap(plannedApply);
  const heals = options.selfHeal || !options.sourceIsApplied;
  const removable = orphans.filter(({ object, place }) => options.prune && !isKept(object) && place.kind !== "Namespace");
  return {
    apply: heals ? inWaves(wanted, ({ desired }) => desired) : [],
    prune: inWaves(removable, (live) => live).toReversed(),
    same,
    problems,
    leftAlone: [
      ...(heals ? [] : comparisons.flatMap(driftOf)),
      ...orphans.filter((live) => !removable.includes(live)).map((live) => keptExtra(live, options)),
    ],
  };
}

function orphansOf(comparisons: readonly Comparison[], inventory: readonly Live[]): readonly Live[] {
  const wanted = new Set(comparisons.map(({ desired }) => placeText(desired.place)));
  return inventory.filter(({ place, object }) => !wanted.has(placeText(place)) && object.metadata.deletionTimestamp === undefined);
}

function problemOf(comparison: Comparison): readonly SourceProblem[] {
  const { desired } = comparison;
  const message = comparison.difference === "refused" ? comparison.message : waveProblem(desired.object);
  if (message === undefined) return [];
  return [{ file: desired.file, line: desired.line, column: desired.column, object: placeName(desired.place), message }];
}

/** A source that suddenly holds nothing is more often a mistake (a moved folder, a bad merge) than a wish. */
function emptyProblem(comparisons: readonly Comparison[], orphans: readonly Live[], options: PlanOptions): readonly SourceProblem[] {
  if (comparisons.length > 0 || orphans.length === 0 || options.allowEmpty || !options.prune) return [];
  const message = `the source holds no objects any more, and ${orphans.length} applied from it would be deleted; if that is wanted, set the annotation slipway.dev/allow-empty: "true" on this Sync`;
  return [{ file: ".", line: 0, column: 0, message }];
}

function plannedApply(comparison: Comparison): readonly PlannedApply[] {
  switch (comparison.difference) {
    case "absent":
      return [{ desired: comparison.desired, decidedOn: "", force: false }];
    case "different":
      return [{ desired: comparison.desired, decidedOn: comparison.decidedOn, force: comparison.force }];
    case "same":
    case "refused":
      return [];
  }
}

/** Argo CD's and Flux's words for "never delete this one" count as well. */
function isKept({ metadata }: ApiObject): boolean {
  const { annotations = {} } = metadata;
  return (
    annotations["slipway.dev/prune"] === "disabled" ||
    annotations["kustomize.toolkit.fluxcd.io/prune"] === "disabled" ||
    /(^|,)\s*Prune=false\s*(,|$)/.test(annotations["argocd.argoproj.io/sync-options"] ?? "")
  );
}

function driftOf({ desired, difference }: Comparison): readonly LeftAlone[] {
  if (difference !== "absent" && difference !== "different") return [];
  const change = difference === "absent" ? "missing" : "differs";
  return [
    {
      place: desired.place,
      change,
      why: `${placeName(desired.place)} is not as ${desired.file}:${desired.line} says, and selfHeal is off`,
    },
  ];
}

function keptExtra(live: Live, options: PlanOptions): LeftAlone {
  return {
    place: live.place,
    change: "extra",
    why: `${placeName(live.place)} is no longer in Git and stays: ${keptBecause(live, options)}`,
  };
}

function keptBecause({ place, object }: Live, options: PlanOptions): string {
  if (!options.prune) return "prune is off";
  if (isKept(object)) return "its annotation says not to prune it";
  return `a namespace is deleted by a person only (kubectl delete namespace ${place.name})`;
}
