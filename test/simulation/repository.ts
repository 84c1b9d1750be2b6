import { memoryGit, type MemoryGit } from "../../src/adapters/memory/git.ts";
import { type ApiObject, keyText } from "../../src/domain/object/api-object.ts";
import { isJsonObject } from "../../src/domain/object/json.ts";
import { PART_OF } from "../../src/domain/sync/apply-set.ts";
import type { Instant } from "../../src/domain/units.ts";
import { BROKEN, isAsDescribed, manifest, type Slot, slotText } from "./content.ts";

export const URL = "/simulated/repository";
const BRANCH = "main";

type File = { readonly slot: Slot; readonly revision: number } | "broken";

/** What a commit says, known beside its files. */
type Tree = ReadonlyMap<string, File>;

export interface Wanted {
  readonly slot: Slot;
  readonly revision: number;
}

/** The simulated repository and what each of its commits means. */
export class Repository {
  readonly git: MemoryGit;
  readonly #trees = new Map<string, Tree>();
  readonly #heads: string[] = [];
  readonly #whole = new Set<number>();
  #revision = 0;

  constructor(now: () => Instant) {
    this.git = memoryGit(now);
  }

  get head(): string {
    return this.#heads.at(-1) ?? "";
  }

  get tree(): Tree {
    return this.#trees.get(this.head) ?? new Map<string, File>();
  }

  headBefore(at: number): string | undefined {
    return this.#heads[Math.max(0, this.#heads.length - 2 - at)];
  }

  /** Describes these things anew, one file each. */
  describe(folder: string, slots: readonly Slot[]): void {
    const tree = new Map(this.tree);
    for (const slot of slots) tree.set(`${folder}/${slot.name}.json`, { slot, revision: ++this.#revision });
    this.#push(tree);
  }

  remove(paths: readonly string[]): void {
    const tree = new Map(this.tree);
    for (const path of paths) tree.delete(path);
    this.#push(tree);
  }

  /** Some good files change and one is not to be applied: nothing of it may be. */
  break(folder: string, slots: readonly Slot[], how: number): void {
    const tree = new Map(this.tree);
    for (const slot of slots) tree.set(`${folder}/${slot.name}.json`, { slot, revision: ++this.#revision });
    tree.set(`${folder}/broken.yaml`, "broken");
    this.#push(tree, how);
  }

  /** The same thing in a second file. */
  duplicate(folder: string, slot: Slot): void {
    this.#push(new Map(this.tree).set(`${folder}/copy-of-${slot.name}.json`, { slot, revision: ++this.#revision }));
  }

  move(from: string, to: string): void {
    this.#push(
      new Map([...this.tree].map(([path, file]) => [path.startsWith(`${from}/`) ? `${to}/${path.slice(from.length + 1)}` : path, file])),
    );
  }

  /** A history with nothing in common, with these of the files. */
  rewrite(keeps: (path: string) => boolean): void {
    const tree = new Map([...this.tree].filter(([path]) => keeps(path)));
    this.#keep(this.git.repository(URL).rewrite(BRANCH, Object.fromEntries(filesOf(tree, 0))), tree);
  }

  repair(): void {
    this.#push(new Map([...this.tree].filter(([path, file]) => file !== "broken" && !path.includes("/copy-of-"))));
  }

  /** Whether some commit that holds this revision could be applied as a whole. */
  isWhole(revision: number): boolean {
    return this.#whole.has(revision);
  }

  /** What a commit wants of a folder; undefined when it cannot be applied. */
  wanted(commit: string, folder: string): readonly Wanted[] | undefined {
    return wantedIn(this.#trees.get(commit) ?? new Map<string, File>(), folder);
  }

  hasFolder(commit: string, folder: string): boolean {
    return [...(this.#trees.get(commit) ?? [])].some(([path]) => path.startsWith(`${folder}/`)) || folder === "app" || folder === "lib";
  }

  /** What is missing for the claim of a Sync that this commit was applied in full during its pass. */
  whyNotInForce(
    sync: ApiObject,
    commit: string,
    statesSince: (key: string) => readonly (ApiObject | undefined)[],
    live: readonly (readonly [key: string, object: ApiObject])[],
  ): string | undefined {
    const { path, selfHeal, prune } = fieldsOf(sync);
    const wanted = this.wanted(commit, path);
    if (wanted === undefined) return "it cannot be applied";
    const missing = wanted.find(
      ({ slot, revision }) => !statesSince(keyOfSlot(slot)).some((state) => state !== undefined && isAsDescribed(state, slot, revision)),
    );
    if (missing !== undefined && selfHeal) return `${slotText(missing.slot)} was not as it says (revision ${missing.revision})`;
    const set = live.find(
      ([, { metadata }]) =>
        metadata.annotations?.["slipway.dev/applied-by"] === `${sync.metadata.namespace ?? ""}/${sync.metadata.name ?? ""}`,
    )?.[1].metadata.labels?.[PART_OF];
    const keys = new Set(wanted.map(({ slot }) => keyOfSlot(slot)));
    const isMember = (state: ApiObject | undefined): boolean =>
      set !== undefined && state?.metadata.labels?.[PART_OF] === set && state.metadata.deletionTimestamp === undefined;
    const extra = live.find(([key, object]) => object.kind !== "Namespace" && !keys.has(key) && statesSince(key).every(isMember));
    return extra !== undefined && prune ? `${extra[0]} is still there` : undefined;
  }

  #push(tree: Tree, how = 0): void {
    const before = this.tree;
    const gone = [...before.keys()].filter((path) => !tree.has(path)).map((path) => [path, null] as const);
    const repository = this.git.repository(URL);
    this.#keep(repository.push(BRANCH, Object.fromEntries([...filesOf(tree, how), ...gone])), tree);
  }

  #keep(commit: string, tree: Tree): void {
    this.#trees.set(commit, tree);
    this.#heads.push(commit);
    for (const folder of ["app", "lib", "moved"]) for (const { revision } of wantedIn(tree, folder) ?? []) this.#whole.add(revision);
  }
}

/** Each folder keeps a file that is no manifest, so that it can be empty. */
function filesOf(tree: Tree, how: number): readonly (readonly [string, string])[] {
  const files = [...tree].map(([path, file]) => [path, file === "broken" ? brokenText(how) : manifest(file.slot, file.revision)] as const);
  return [...files, ["app/README.md", "here"] as const, ["lib/README.md", "here"] as const];
}

const brokenText = (how: number): string => BROKEN[how % BROKEN.length]?.(0) ?? "{";

function wantedIn(tree: Tree, folder: string): readonly Wanted[] | undefined {
  const files = [...tree].filter(([path]) => path.startsWith(`${folder}/`)).map(([, file]) => file);
  const described = files.filter((file) => file !== "broken");
  const isOnce = new Set(described.map(({ slot }) => slotText(slot))).size === described.length;
  return files.includes("broken") || !isOnce ? undefined : described;
}

const RESOURCES = {
  Secret: { group: "", resource: "secrets" },
  ServiceAccount: { group: "", resource: "serviceaccounts" },
  Role: { group: "rbac.authorization.k8s.io", resource: "roles" },
  Namespace: { group: "", resource: "namespaces" },
} as const;

export const objectKeyOfSlot = ({ kind, namespace, name }: Slot) => ({ ...RESOURCES[kind], namespace, name });
export const keyOfSlot = (slot: Slot): string => keyText(objectKeyOfSlot(slot));

export function fieldsOf({ spec }: ApiObject) {
  const fields = isJsonObject(spec) ? spec : {};
  return {
    path: typeof fields["path"] === "string" ? fields["path"] : ".",
    prune: fields["prune"] === true,
    selfHeal: fields["selfHeal"] === true,
    force: fields["force"] === true,
    suspend: fields["suspend"] === true,
  };
}
