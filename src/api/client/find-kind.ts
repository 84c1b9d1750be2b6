import { type ServedKind, resourceName } from "./discovery.ts";
import { nearestName } from "./json.ts";

export type KindsFound =
  | { readonly found: readonly ServedKind[]; readonly by: "name" | "category" }
  | { readonly found: "none"; readonly nearest?: string }
  /** Several groups have a kind of that name: say which. */
  | { readonly found: "several"; readonly names: readonly string[] };

/**
 * The kinds a word means: plural, singular, short name or kind, in any case, also with its group (`syncs.slipway.dev`) and version
 * (`syncs.v1alpha1.slipway.dev`); else a category (`all`). Of a name in several groups the one of the core group is meant, as in kubectl.
 */
export function findKinds(word: string, kinds: readonly ServedKind[]): KindsFound {
  const wanted = word.toLowerCase();
  const named = kinds.filter((kind) => namesOf(kind).includes(wanted));
  const [first] = named;
  if (first !== undefined) return oneOf(first, named);
  const category = kinds.filter((kind) => kind.categories.includes(wanted) && kind.verbs.includes("list"));
  if (category.length > 0) return { found: category, by: "category" };
  const candidates = kinds.flatMap((kind) => [kind.resource, kind.singular, ...kind.shortNames, ...kind.categories]);
  const nearest = nearestName(wanted, [...new Set(candidates)]);
  return { found: "none", ...(nearest === undefined ? {} : { nearest }) };
}

function oneOf(first: ServedKind, named: readonly ServedKind[]): KindsFound {
  const core = named.find(({ group }) => group === "");
  const groups = new Set(named.map(({ group }) => group));
  if (core === undefined && groups.size > 1) return { found: "several", names: named.map(resourceName) };
  return { found: [core ?? first], by: "name" };
}

function namesOf({ group, version, kind, resource, singular, shortNames }: ServedKind): readonly string[] {
  const words = [...new Set([resource, singular, kind.toLowerCase(), ...shortNames])];
  return group === "" ? words : [...words, ...words.flatMap((word) => [`${word}.${group}`, `${word}.${version}.${group}`])];
}

/** The kind a manifest names. */
export function kindOfManifest(apiVersion: string, kind: string, kinds: readonly ServedKind[]): ServedKind | undefined {
  return kinds.find(
    (served) => served.kind === kind && apiVersion === (served.group === "" ? served.version : `${served.group}/${served.version}`),
  );
}
