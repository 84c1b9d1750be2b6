import { randomUUID } from "node:crypto";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import { milliseconds } from "../domain/units.ts";
import type { Clock } from "./clock.ts";
import type { KeyStore } from "./key-store.ts";
import type { Records } from "./records.ts";
import type { Derivations, Resources, StoredObject, WakeRule } from "./resources.ts";
import type { Sealer } from "./sealer.ts";
import type { Upkeep } from "./upkeep.ts";
import type { WorkQueue } from "./work.ts";

/** One store with all its ports, as the contract suites use it. */
export interface StoreUnderTest {
  readonly resources: Resources;
  readonly work: WorkQueue;
  readonly records: Records;
  readonly upkeep: Upkeep;
  readonly keys: KeyStore;
  /** The store's time; an adapter on the machine's clock gives that. */
  readonly clock: Pick<Clock, "now">;
  /** Lets at least this much of the store's time go by. */
  passes(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens an empty store of its own. */
export type OpenStore = (wiring: { readonly derivations: Derivations; readonly sealer?: Sealer }) => Promise<StoreUnderTest>;

/** What the suites derive: fields from `spec.phase`, links from `spec.links`, wakes of `widgets` and of whoever is linked to `spec.tells`. */
export const contractDerivations: Derivations = {
  fields: (object) => ({ "spec.phase": textOf(object, "phase") ?? "" }),
  links: (object) => {
    const links = Object(object.spec)["links"] as unknown;
    return Array.isArray(links) ? links.filter((link) => typeof link === "string") : [];
  },
  wakes: ({ key, object, previous }) => {
    const told = [textOf(object, "tells"), previous === undefined ? undefined : textOf(previous, "tells")].filter(
      (link) => link !== undefined,
    );
    const linked = [...new Set(told)].map((linkedTo): WakeRule => ({
      controller: "linked",
      linkedTo,
      group: key.group,
      resource: key.resource,
    }));
    return key.resource === "watched" ? [{ controller: "widget", key }, ...linked] : linked;
  },
};

export const leaseTime = milliseconds(60_000);

/** A sealer whose text shows that it was sealed, and that opens only under the key it was sealed for. */
export const contractSealer: Sealer = {
  seals: ({ resource }) => resource === "secrets",
  seal: (text, key) => `sealed:${key.name}:${Buffer.from(text).toString("base64")}`,
  open: (sealed, key) => {
    const [word, name, text] = sealed.split(":");
    if (word !== "sealed" || name !== key.name || text === undefined) throw new Error(`${key.name} is not sealed for its key`);
    return Buffer.from(text, "base64").toString();
  },
};

export const key = (resource: string, namespace: string, name: string): ObjectKey => ({
  group: "test.slipway.dev",
  resource,
  namespace,
  name,
});

export function widget(at: ObjectKey, spec: ApiObject["spec"] = {}, labels: Readonly<Record<string, string>> = {}): ApiObject {
  return {
    apiVersion: "test.slipway.dev/v1",
    kind: "Widget",
    metadata: { name: at.name, ...(at.namespace === "" ? {} : { namespace: at.namespace }), uid: randomUUID(), labels },
    spec,
  };
}

export async function create(
  resources: Resources,
  at: ObjectKey,
  spec: ApiObject["spec"] = {},
  labels: Readonly<Record<string, string>> = {},
): Promise<StoredObject> {
  return only(await resources.commit({ writes: [{ verb: "create", key: at, object: widget(at, spec, labels) }] }));
}

export async function update(
  resources: Resources,
  stored: StoredObject,
  spec: ApiObject["spec"],
  labels?: Readonly<Record<string, string>>,
): Promise<StoredObject> {
  const object: ApiObject = {
    ...stored.object,
    ...(spec === undefined ? {} : { spec }),
    ...(labels === undefined ? {} : { metadata: { ...stored.object.metadata, labels } }),
  };
  return only(await resources.commit({ writes: [{ verb: "update", key: stored.key, object, resourceVersion: stored.resourceVersion }] }));
}

export async function remove(resources: Resources, stored: StoredObject): Promise<StoredObject> {
  return only(await resources.commit({ writes: [{ verb: "delete", key: stored.key, resourceVersion: stored.resourceVersion }] }));
}

export function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length !== 1) throw new Error(`expected one, got ${list.length}`);
  return first;
}

function textOf(object: ApiObject, member: string): string | undefined {
  const value: unknown = Object(object.spec)[member];
  return typeof value === "string" ? value : undefined;
}
