import { isStored } from "../api/verbs.ts";
import { apiVersionOf, type Kind } from "../api/kind.ts";
import { ApiFailure } from "../api/status.ts";
import type { ApiObject } from "../domain/object/api-object.ts";
import { ApiRefusal, type KubernetesApi, type ObjectAddress, type ServedKind } from "../ports/kubernetes-api.ts";
import { PortError } from "../ports/port-error.ts";
import { ResourceError } from "../ports/resources.ts";
import type { Caller } from "./caller.ts";
import { isForeseen, statusOfError } from "./http/error-status.ts";
import { checkTree } from "./http/read-json.ts";
import type { Ask, VerbParts } from "./verbs/ask.ts";
import { deleteOne } from "./verbs/delete.ts";
import { get } from "./verbs/get.ts";
import { patch } from "./verbs/patch.ts";

/** Slipway's own API as one caller sees it, in process: the same verbs, rights, checks and audit as over HTTP. */
export function localKubernetesApi(parts: VerbParts): (caller: Caller) => KubernetesApi {
  return (caller) => ({
    kinds: () => Promise.resolve(parts.catalog.kinds.filter(isStored).map(servedKind)),
    get: (at) => told(parts, async () => orAbsent(get(parts, askOf(parts, caller, at)))),
    listLabelled: (kind, { name, value }) =>
      told(parts, async () => {
        const { group, resource } = kind;
        const labels = [{ operator: "in", label: name, values: [value] }] as const;
        const { items } = await parts.admission.as(caller).list({ group, resource, labels });
        return items.map(({ object }) => object);
      }),
    apply: (object, options) =>
      told(parts, async () => {
        checkTree(object);
        const { manager, force, dryRun, decidedOn } = options;
        const write = { manager, force, dryRun, validation: "Strict", ...(decidedOn === undefined ? {} : { decidedOn }) } as const;
        const written = await patch(parts, askOfObject(parts, caller, object), "apply", { value: object, duplicates: [] }, write);
        return { outcome: written.created ? "created" : written.isUnchanged ? "unchanged" : "changed", object: written.stored.object };
      }),
    delete: (at, uid) => told(parts, async () => remove(parts, askOf(parts, caller, at), uid)),
  });
}

async function remove(parts: VerbParts, ask: Ask, uid: string): Promise<"deleted" | "deleting" | "gone"> {
  try {
    const { gone } = await deleteOne(parts, ask, { dryRun: false, policy: "Background", uid });
    return gone ? "deleted" : "deleting";
  } catch (error) {
    // Another object under the same name: the one that was meant is gone.
    const isOther = error instanceof ApiFailure && error.problem.error === "conflict";
    if (isOther || isNotFound(error)) return "gone";
    throw error;
  }
}

async function orAbsent(found: Promise<{ readonly object: ApiObject }>): Promise<ApiObject | undefined> {
  try {
    return (await found).object;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const isNotFound = (error: unknown): boolean => error instanceof ResourceError && error.reason === "notFound";

/** The port's errors: what the API answers becomes an ApiRefusal, what could not be asked stays a PortError, a bug stays a bug. */
async function told<T>(parts: VerbParts, asked: () => Promise<T>): Promise<T> {
  try {
    return await asked();
  } catch (error) {
    if (error instanceof PortError || error instanceof ApiRefusal || !isForeseen(error)) throw error;
    const { code = 500, reason = "", message = "", details } = statusOfError(error, parts.catalog, "");
    const causes = (details?.causes ?? []).map((cause) => ({ field: cause.field ?? "", message: cause.message, reason: cause.reason }));
    throw new ApiRefusal(code, reason, message, causes);
  }
}

function askOf({ catalog }: VerbParts, caller: Caller, { kind: { group, version, resource }, namespace, name }: ObjectAddress): Ask {
  const kind = catalog.byResource(group, version, resource);
  if (kind === undefined) throw new ApiFailure({ error: "noSuchPath" });
  return { caller, kind, namespace: kind.namespaced ? namespace : "", name, subresource: "" };
}

function askOfObject({ catalog }: VerbParts, caller: Caller, { apiVersion, kind: name, metadata }: ApiObject): Ask {
  const kind = catalog.byKind(apiVersion, name);
  if (kind === undefined || !isStored(kind)) {
    const near = catalog.nearestKind(apiVersion, name);
    const hint = near === undefined ? "" : `; did you mean ${apiVersionOf(near)} ${near.kind}?`;
    throw new ApiRefusal(404, "NotFound", `no matches for kind ${JSON.stringify(name)} in version ${JSON.stringify(apiVersion)}${hint}`);
  }
  const { name: called = "", namespace = "" } = metadata;
  if (called === "") throw missing(name, "metadata.name");
  if (kind.namespaced && namespace === "") throw missing(name, "metadata.namespace");
  return { caller, kind, namespace: kind.namespaced ? namespace : "", name: called, subresource: "" };
}

const missing = (kind: string, field: string): ApiRefusal =>
  new ApiRefusal(422, "Invalid", `${kind} is invalid: ${field}: Required value`, [
    { field, message: "Required value", reason: "FieldValueRequired" },
  ]);

function servedKind({ group, version, kind, resource, namespaced }: Kind): ServedKind {
  return { group, version, kind, resource, namespaced };
}
