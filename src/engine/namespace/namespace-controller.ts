import type { Kind } from "../../api/kind.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { later, seconds } from "../../domain/units.ts";
import { type Change, ResourceError, type Resources, type StoredObject, type WakeRule } from "../../ports/resources.ts";
import type { Controller } from "../controller.ts";

/** What a namespace that is being deleted still holds, at most a page of it. */
type Seen =
  | { readonly kind: "nothingToDo" }
  | { readonly kind: "terminating"; readonly namespace: StoredObject; readonly content: readonly StoredObject[] };

type Command = { readonly do: "delete"; readonly content: StoredObject } | { readonly do: "finalize"; readonly namespace: StoredObject };

const PAGE = 500;

/** Empties a namespace that is being deleted, and lets it go when nothing is left in it. */
export function namespaceController(catalog: readonly Kind[]): Controller<Seen, Command, void> {
  const kinds = catalog.filter((kind) => kind.namespaced && (kind.verbs?.includes("delete") ?? true));
  return {
    name: "namespace",
    observe: (key, resources) => observeNamespace(key, kinds, resources),
    decide: (seen, now) => {
      if (seen.kind === "nothingToDo") return { commands: [], updates: [], events: [] };
      const deletable = seen.content.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
      if (seen.content.length === 0) return { commands: [{ do: "finalize", namespace: seen.namespace }], updates: [], events: [] };
      // What is left waits for its own finalizers; each deletion makes the namespace due again, the wake-up is only the floor.
      return { commands: deletable.map((content) => ({ do: "delete", content })), updates: [], events: [], wakeAt: later(now, seconds(5)) };
    },
    act: perform,
    conclude: (seen, _done, now) => ({
      updates: [],
      events: [],
      ...(seen.kind === "terminating" && seen.content.length > 0 ? { wakeAt: later(now, seconds(1)) } : {}),
    }),
  };
}

async function observeNamespace(key: ObjectKey, kinds: readonly Kind[], resources: Resources): Promise<Seen> {
  return resources.snapshot(async (reader) => {
    const namespace = await reader.get(key);
    if (namespace?.object.metadata.deletionTimestamp === undefined) return { kind: "nothingToDo" };
    const content: StoredObject[] = [];
    for (const { group, resource } of kinds) {
      if (content.length >= PAGE) break;
      content.push(...(await reader.list({ group, resource, namespace: key.name, limit: PAGE })).items);
    }
    return { kind: "terminating", namespace, content };
  });
}

async function perform(command: Command, resources: Resources): Promise<void> {
  try {
    if (command.do === "delete") await deleteContent(command.content, resources);
    else await finalize(command.namespace, resources);
  } catch (error) {
    if (!(error instanceof ResourceError && (error.reason === "notFound" || error.reason === "conflict"))) throw error;
  }
}

async function deleteContent({ key, resourceVersion }: StoredObject, resources: Resources): Promise<void> {
  await resources.commit({ writes: [{ verb: "delete", key, resourceVersion, intent: { verb: "delete" } }] });
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/namespace-v1/#replace-replace-finalize-of-the-specified-namespace */
async function finalize({ key, resourceVersion, object }: StoredObject, resources: Resources): Promise<void> {
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const next = { ...object, spec: { ...spec, finalizers: [] } };
  await resources.commit({
    writes: [
      {
        verb: "update",
        key,
        resourceVersion,
        object: next,
        intent: { verb: "update", subresource: "finalize", manager: "slipway-namespace" },
      },
    ],
  });
}

/** A namespace is due when its deletion begins, and while it lasts whenever something in it goes. */
export function dueNamespaces({ type, key, object }: Change): readonly WakeRule[] {
  if (key.group === "" && key.resource === "namespaces")
    return type !== "deleted" && object.metadata.deletionTimestamp !== undefined ? [{ controller: "namespace", key }] : [];
  if (type !== "deleted" || key.namespace === "") return [];
  return [{ controller: "namespace", key: { group: "", resource: "namespaces", namespace: "", name: key.namespace } }];
}
