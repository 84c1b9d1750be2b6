import type { ApiObject } from "../../src/domain/object/api-object.ts";
import { isJsonObject, type JsonValue, jsonEqual } from "../../src/domain/object/json.ts";

/** A thing that a repository may describe. `revision` tells one description of it from the next. */
export interface Slot {
  readonly kind: "Secret" | "ServiceAccount" | "Role" | "Namespace";
  readonly namespace: string;
  readonly name: string;
  readonly wave?: number;
}

/** The annotation in which an applied object carries the revision of its description. */
export const REVISION = "simulation/revision";

export const SLOTS: Readonly<Record<"app" | "lib", readonly Slot[]>> = {
  app: [
    { kind: "Secret", namespace: "shop", name: "app-secret" },
    { kind: "ServiceAccount", namespace: "shop", name: "app-account", wave: -1 },
    { kind: "Role", namespace: "shop", name: "app-role" },
    { kind: "Namespace", namespace: "", name: "team" },
    { kind: "Secret", namespace: "team", name: "app-team" },
    { kind: "Secret", namespace: "shop", name: "app-late", wave: 2 },
  ],
  lib: [
    { kind: "Secret", namespace: "other", name: "lib-secret" },
    { kind: "ServiceAccount", namespace: "other", name: "lib-account" },
    { kind: "Role", namespace: "other", name: "lib-role" },
  ],
};

export const slotText = ({ kind, namespace, name }: Slot): string => `${kind} ${namespace}/${name}`;

/** The file that describes it. */
export function manifest(slot: Slot, revision: number): string {
  return `${JSON.stringify(described(slot, revision))}\n`;
}

export function described(slot: Slot, revision: number): ApiObject {
  const annotations = {
    [REVISION]: String(revision),
    ...(slot.wave === undefined ? {} : { "slipway.dev/sync-wave": String(slot.wave) }),
  };
  const metadata = { name: slot.name, ...(slot.namespace === "" ? {} : { namespace: slot.namespace }), annotations };
  switch (slot.kind) {
    case "Secret":
      return { apiVersion: "v1", kind: "Secret", metadata, data: { revision: btoa(String(revision)) } };
    case "ServiceAccount":
      return { apiVersion: "v1", kind: "ServiceAccount", metadata: { ...metadata, labels: { revision: String(revision) } } };
    case "Namespace":
      return { apiVersion: "v1", kind: "Namespace", metadata };
    case "Role": {
      const rules = [{ apiGroups: [""], resources: ["secrets"], resourceNames: [`r${revision}`], verbs: ["get"] }];
      return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules };
    }
  }
}

/** Whether everything the description says is so in the live object; one that is being deleted is still as it was. */
export function isAsDescribed(live: ApiObject, slot: Slot, revision: number): boolean {
  return holds(described(slot, revision), live);
}

function holds(wanted: JsonValue | undefined, live: JsonValue | undefined): boolean {
  if (!isJsonObject(wanted)) return jsonEqual(wanted, live);
  return isJsonObject(live) && Object.entries(wanted).every(([name, value]) => holds(value, live[name]));
}

/** Files that keep a commit from being applied, each for another reason. */
export const BROKEN: readonly ((revision: number) => string)[] = [
  () => "apiVersion: v1\nkind: Secret\nmetadata: {name: broken\n",
  (revision) =>
    JSON.stringify({ apiVersion: "v1", kind: "Sekret", metadata: { name: "unknown-kind", annotations: { [REVISION]: String(revision) } } }),
  (revision) =>
    JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "NOT_A_NAME", annotations: { [REVISION]: String(revision) } } }),
  () => JSON.stringify({ apiVersion: "slipway.dev/v1alpha1", kind: "Evidence", metadata: { name: "made-up" } }),
  (revision) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "bad-data", annotations: { [REVISION]: String(revision) } },
      data: { a: "%%%" },
    }),
  () =>
    JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "bad-wave", annotations: { "slipway.dev/sync-wave": "soon" } } }),
];
