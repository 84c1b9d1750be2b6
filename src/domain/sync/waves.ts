import type { ApiObject } from "../object/api-object.ts";
import type { Desired } from "./desired.ts";

/** Argo CD's annotation is honoured, so that a repository made for it keeps its order. https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/ */
const WAVE_ANNOTATIONS = ["slipway.dev/sync-wave", "argocd.argoproj.io/sync-wave"] as const;

/** What others stand on goes first: within a wave these kinds in this order, then all others together. */
const FOUNDATIONS = [
  "Namespace",
  "CustomResourceDefinition",
  "ServiceAccount",
  "Secret",
  "ConfigMap",
  "ClusterRole",
  "Role",
  "ClusterRoleBinding",
  "RoleBinding",
] as const;

/** Groups in the order they are applied; everything inside a group may be applied at once. Deleting goes the other way round. */
export function inWaves<Item>(items: readonly Item[], desiredOf: (item: Item) => Pick<Desired, "object">): readonly (readonly Item[])[] {
  const groups = new Map<string, { readonly wave: number; readonly tier: number; readonly items: Item[] }>();
  for (const item of items) {
    const { object } = desiredOf(item);
    const [wave, tier] = [waveOf(object), tierOf(object.kind)];
    const group = groups.get(`${wave}/${tier}`) ?? { wave, tier, items: [] };
    group.items.push(item);
    groups.set(`${wave}/${tier}`, group);
  }
  return [...groups.values()].sort((a, b) => a.wave - b.wave || a.tier - b.tier).map((group) => group.items);
}

/** A whole number, negative too; anything else counts as 0, and `waveProblem` says so. */
export function waveOf(object: ApiObject): number {
  const text = waveText(object);
  return text !== undefined && isWave(text) ? Number(text) : 0;
}

export function waveProblem(object: ApiObject): string | undefined {
  const text = waveText(object);
  return text === undefined || isWave(text)
    ? undefined
    : `the sync wave "${text.slice(0, 40)}" is no whole number; write one such as "-1" or "2"`;
}

const isWave = (text: string): boolean => /^-?\d{1,9}$/.test(text);

function waveText({ metadata }: ApiObject): string | undefined {
  const name = WAVE_ANNOTATIONS.find((annotation) => metadata.annotations !== undefined && Object.hasOwn(metadata.annotations, annotation));
  return name === undefined ? undefined : String(metadata.annotations?.[name]);
}

function tierOf(kind: string): number {
  const at = FOUNDATIONS.findIndex((foundation) => foundation === kind);
  return at === -1 ? FOUNDATIONS.length : at;
}
