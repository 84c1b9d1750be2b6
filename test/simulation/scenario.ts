import { type ApiObject, keyText, type ObjectKey } from "../../src/domain/object/api-object.ts";
import { isJsonObject } from "../../src/domain/object/json.ts";
import { rfc3339, instant } from "../../src/domain/units.ts";
import { PRUNE_ON_DELETE } from "../../src/engine/sync/decide.ts";
import { PART_OF } from "../../src/domain/sync/apply-set.ts";
import { SLOTS, type Slot } from "./content.ts";
import { fieldsOf, objectKeyOfSlot, URL } from "./repository.ts";
import { accountOf, SYNCS, syncKey, type World } from "./world.ts";

/** What people and machines do in a schedule, by how often. */
const ACTIONS = {
  edit: 14,
  remove: 6,
  break: 6,
  repair: 6,
  duplicate: 2,
  move: 2,
  rewrite: 2,
  empty: 1,
  drift: 10,
  deleteLive: 5,
  unlabel: 2,
  handOver: 5,
  own: 6,
  disown: 6,
  deleteNamespace: 3,
  changeSync: 6,
  removeSync: 2,
  removeAccount: 2,
  crash: 6,
  restart: 3,
  jump: 4,
  token: 2,
} as const;

export type Action = keyof typeof ACTIONS;

/** The first state: repositories, Syncs and control planes. */
export async function setUp(world: World): Promise<void> {
  const { random, repository } = world;
  repository.describe(
    "app",
    SLOTS.app.filter(() => random.chance(0.8)),
  );
  repository.describe("lib", SLOTS.lib);
  for (const sync of SYNCS) {
    await world.users.create(gitRepository(sync));
    await world.users.create(syncOf(world, sync));
  }
  world.shared.observer.whenSyncing = () => {
    if (world.interferes && random.chance(0.3)) world.scheduler.after(random.between(0, 8), () => void interfere(world));
  };
  for (let planes = random.pick([1, 2, 2, 3]); planes > 0; planes--) world.start();
}

/** One thing happens. */
export async function act(world: World, action = world.random.weighted(ACTIONS)): Promise<void> {
  world.log(`> ${action}`);
  await DO[action](world);
}

/** Somebody is faster than a plan: between what it was decided on and what is done. */
async function interfere(world: World): Promise<void> {
  const { random } = world;
  const action = random.pick(["drift", "replace", "deleteLive", "unlabel"] as const);
  world.log(`> ${action}, while a plan is carried out`);
  if (action === "replace") await replaced(world, random.pick(replaceable(world)));
  else await DO[action](world);
}

/** What is about to be deleted because it has left Git, if there is any. */
function replaceable({ shared, repository }: World): readonly Slot[] {
  const all = [...SLOTS.app, ...SLOTS.lib].filter(({ kind }) => kind !== "Namespace");
  const inGit = new Set([...repository.tree.values()].flatMap((file) => (file === "broken" ? [] : [file.slot])));
  const leaving = all.filter((slot) => !inGit.has(slot) && shared.observer.get(keyText(objectKeyOfSlot(slot))) !== undefined);
  return leaving.length > 0 ? leaving : all;
}

const DO: Readonly<Record<Action, (world: World) => Promise<void> | void>> = {
  edit: (world) => edit(world),
  remove: ({ repository, random }) => {
    const [path] = chosen(random.fraction(), [...repository.tree.keys()]);
    if (path !== undefined) repository.remove([path]);
  },
  break: ({ repository, random }) => {
    const folder = random.pick(["app", "app", "lib"] as const);
    repository.break(
      folder,
      SLOTS[folder].filter(() => random.chance(0.4)),
      random.between(0, 5),
    );
  },
  repair: ({ repository }) => {
    repository.repair();
  },
  duplicate: ({ repository, random }) => {
    const folder = random.pick(["app", "lib"] as const);
    repository.duplicate(folder, random.pick(SLOTS[folder]));
  },
  move: ({ repository, random }) => {
    if (random.chance(0.5)) repository.move("app", "moved");
    else repository.move("moved", "app");
  },
  rewrite: ({ repository, random }) => {
    repository.rewrite(() => random.chance(0.7));
  },
  empty: ({ repository, random }) => {
    const folder = random.pick(["app/", "lib/"]);
    repository.remove([...repository.tree.keys()].filter((path) => path.startsWith(folder)));
  },
  drift,
  deleteLive: async (world) => {
    const key = someApplied(world);
    if (key !== undefined) await world.users.delete(key, world.random.pick(["Background", "Foreground"]));
  },
  unlabel: async (world) => {
    const key = someApplied(world);
    if (key !== undefined) await world.users.change(key, withoutLabel);
  },
  handOver,
  own,
  disown: async (world) => {
    const owner = `owner-${world.random.between(0, 2)}`;
    await world.users.delete(secret("shop", owner), world.random.pick(["Background", "Foreground", "Orphan"]));
  },
  deleteNamespace: (world) =>
    world.users.delete({ group: "", resource: "namespaces", namespace: "", name: world.random.pick(["team", "team", "other"]) }),
  changeSync,
  removeSync: async (world) => {
    const sync = world.random.pick(SYNCS);
    const hasFinalizer = world.random.chance(0.7);
    await world.users.change(syncKey(sync), (object) => ({
      ...object,
      metadata: { ...object.metadata, finalizers: hasFinalizer ? [PRUNE_ON_DELETE] : [] },
    }));
    await world.users.delete(syncKey(sync));
    if (world.random.chance(0.7)) world.scheduler.after(world.random.between(0, 9000), () => void world.users.create(syncOf(world, sync)));
  },
  removeAccount: async (world) => {
    const sync = world.random.pick(SYNCS);
    await world.users.delete({ group: "", resource: "serviceaccounts", namespace: sync.namespace, name: sync.account });
    world.scheduler.after(world.random.between(0, 9000), () => void world.users.create(accountOf(sync)));
  },
  crash: (world) => {
    const [plane] = chosen(world.random.fraction(), world.planes);
    if (plane !== undefined) world.kill(plane);
    world.scheduler.after(world.random.between(0, 6000), () => {
      world.start();
    });
  },
  restart: (world) => {
    const [plane] = chosen(world.random.fraction(), world.planes);
    plane?.stop();
    world.planes = world.planes.filter((one) => one !== plane);
    world.scheduler.after(world.random.between(0, 3000), () => {
      world.start();
    });
  },
  jump: (world) => {
    const [plane] = chosen(world.random.fraction(), world.planes);
    if (plane === undefined) return;
    plane.skew = world.random.pick([-1500, -300, 300, 5000, 20_000]);
    world.scheduler.after(world.random.between(100, 2000), () => {
      plane.skew = 0;
    });
  },
  token: (world) => {
    const expiresAt = rfc3339(instant(world.scheduler.now - 86_400_000 + world.random.between(1000, 30_000)));
    const name = `token-${world.random.between(0, 99)}`;
    return world.users.create({
      apiVersion: "slipway.dev/v1alpha1",
      kind: "AccessToken",
      metadata: { name },
      spec: { subject: { kind: "User", name: "jane" }, hash: "0".repeat(64), expiresAt },
    });
  },
};

function edit({ repository, random }: World): void {
  const folder = random.pick(["app", "app", "lib"] as const);
  const slots = SLOTS[folder].filter(() => random.chance(0.5));
  repository.describe(folder, slots.length === 0 ? [random.pick(SLOTS[folder])] : slots);
}

/** Somebody changes, behind Git's back, what a Sync applied. */
async function drift(world: World): Promise<void> {
  const key = someApplied(world);
  if (key === undefined) return;
  const by = String(world.random.between(0, 99));
  await world.users.change(key, (object) => {
    if (object.kind === "Secret") return { ...object, data: { revision: btoa(`jane ${by}`) } };
    return {
      ...object,
      metadata: {
        ...object.metadata,
        labels: { ...object.metadata.labels, revision: `jane-${by}` },
        annotations: { ...object.metadata.annotations, "simulation/revision": `jane ${by}` },
      },
    };
  });
}

/** It leaves Git, and meanwhile somebody makes another object of that name which is his own. */
function handOver(world: World): void {
  const { random, repository } = world;
  const [entry] = chosen(
    random.fraction(),
    [...repository.tree].filter(([, file]) => file !== "broken" && file.slot.kind !== "Namespace"),
  );
  if (entry === undefined || entry[1] === "broken") return;
  const { slot } = entry[1];
  repository.remove([entry[0]]);
  world.scheduler.after(random.between(0, 14_000), () => void replaced(world, slot));
}

async function replaced(world: World, slot: Slot): Promise<void> {
  await world.users.delete(objectKeyOfSlot(slot));
  await world.users.create(ownObject(slot));
}

function ownObject({ kind, namespace, name }: Slot): ApiObject {
  const object = { apiVersion: "v1", kind, metadata: { name, ...(namespace === "" ? {} : { namespace }), annotations: { mine: "yes" } } };
  return kind === "Role" ? { ...object, apiVersion: "rbac.authorization.k8s.io/v1", rules: [] } : object;
}

/** An owner and what belongs to it, some of it to a second owner too. */
async function own(world: World): Promise<void> {
  const { random, users } = world;
  const owners = [`owner-${random.between(0, 2)}`, `owner-${random.between(0, 2)}`];
  const references: NonNullable<ApiObject["metadata"]["ownerReferences"]>[number][] = [];
  for (const name of new Set(owners)) {
    await users.create({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "shop" } });
    const owner = await users.get(secret("shop", name));
    if (owner !== undefined)
      references.push({ apiVersion: "v1", kind: "Secret", name, uid: owner.uid, blockOwnerDeletion: random.chance(0.5) });
  }
  for (let count = random.between(1, 3); count > 0; count--) {
    const name = `owned-${random.between(0, 999)}`;
    const dependent: ApiObject = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "shop", ownerReferences: references } };
    // Some come only when the owner may be gone already.
    if (random.chance(0.7)) await users.create(dependent);
    else world.scheduler.after(random.between(0, 3000), () => void users.create(dependent));
  }
}

async function changeSync(world: World): Promise<void> {
  const { random } = world;
  const key = syncKey(random.pick(SYNCS));
  const field = random.pick(["suspend", "prune", "selfHeal", "force", "path", "reconcile"] as const);
  await world.users.change(key, (object) => {
    const spec = isJsonObject(object.spec) ? object.spec : {};
    if (field === "reconcile")
      return {
        ...object,
        metadata: {
          ...object.metadata,
          annotations: { ...object.metadata.annotations, "slipway.dev/reconcile-at": String(world.scheduler.now) },
        },
      };
    if (field === "path") return { ...object, spec: { ...spec, path: key.name === "app" ? random.pick(["app", "moved"]) : "lib" } };
    return { ...object, spec: { ...spec, [field]: !fieldsOf(object)[field] } };
  });
}

function withoutLabel(object: ApiObject): ApiObject {
  const { [PART_OF]: _, ...labels } = object.metadata.labels ?? {};
  return { ...object, metadata: { ...object.metadata, labels } };
}

function someApplied({ shared, random }: World): ObjectKey | undefined {
  const applied = [...SLOTS.app, ...SLOTS.lib].filter((slot) => slot.kind !== "Namespace").map(objectKeyOfSlot);
  return chosen(
    random.fraction(),
    applied.filter((key) => shared.observer.get(keyText(key)) !== undefined),
  )[0];
}

const secret = (namespace: string, name: string): ObjectKey => ({ group: "", resource: "secrets", namespace, name });

export const gitRepository = ({ namespace }: { readonly namespace: string }): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { name: "source", namespace },
  spec: { url: URL, ref: { branch: "main" }, interval: "8s" },
});

export const syncOf = ({ random }: World, { namespace, name, account, path }: (typeof SYNCS)[number]): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name, namespace },
  spec: {
    source: { repository: "source" },
    path,
    serviceAccountName: account,
    interval: "30s",
    force: random.chance(0.8),
    selfHeal: random.chance(0.8),
    prune: random.chance(0.9),
  },
});

/** One of them, or none where there are none. */
function chosen<Item>(fraction: number, items: readonly Item[]): readonly Item[] {
  const item = items[Math.floor(fraction * items.length)];
  return item === undefined ? [] : [item];
}
