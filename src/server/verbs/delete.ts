import { parseResourceVersion, type ApiObject } from "../../domain/object/api-object.ts";
import { finalizersForPolicy, finalizersOf } from "../../domain/object/lifecycle.ts";
import { isJsonObject, type JsonValue } from "../../domain/object/json.ts";
import { ApiFailure } from "../../api/status.ts";
import { attributesOf, selectionAttributes } from "../admission/attributes.ts";
import type { ListPage, ListQuery, StoredObject, Write } from "../../ports/resources.ts";
import { notFound } from "../admission/refusals.ts";
import { commitOne } from "./commit-one.ts";
import { keyOf, type Ask, type VerbParts } from "./ask.ts";
import { badRequest, invalidOption } from "./refuse.ts";
import { retried } from "./retried.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/ ; the grace period has no meaning here. */
export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly policy?: "Background" | "Foreground" | "Orphan";
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly why?: string;
}

export interface Deleted {
  /** The last state, or the state in which it waits for its finalizers. */
  readonly stored: StoredObject;
  readonly gone: boolean;
}

/** Removes an object, or marks it where finalizers hold it. Deleting what is marked already is no error. Throws ApiFailure, ResourceError. */
export async function deleteOne(parts: VerbParts, ask: Ask, options: DeleteOptions): Promise<Deleted> {
  const key = keyOf(ask);
  await parts.admission.authorize(ask.caller, attributesOf(ask.kind, key, "delete"));
  return retried(async () => {
    const current = await parts.resources.get(key);
    if (current === undefined) throw notFound(key);
    checkPreconditions(ask, current, options);
    return remove(parts, ask, current, options);
  });
}

/** Deletes all objects of a selection, each by itself; what goes or changes meanwhile is left to whoever did it. */
export async function deleteCollection(parts: VerbParts, ask: Ask, query: ListQuery, options: DeleteOptions): Promise<ListPage> {
  await parts.admission.authorize(ask.caller, { ...selectionAttributes(ask.kind, query, "deletecollection"), name: "" });
  const page = await parts.resources.list(query);
  // The right on the collection is enough, as in Kubernetes: no single "delete" is asked for.
  const deleted = await Promise.all(
    page.items.map(async (item) => deleteListed(parts, { ...ask, namespace: item.key.namespace, name: item.key.name }, options)),
  );
  return { ...page, items: deleted.filter((item) => item !== undefined) };
}

async function deleteListed(parts: VerbParts, ask: Ask, options: DeleteOptions): Promise<StoredObject | undefined> {
  return retried(async () => {
    const current = await parts.resources.get(keyOf(ask));
    if (current === undefined) return undefined;
    checkPreconditions(ask, current, options);
    return (await remove(parts, ask, current, options)).stored;
  });
}

async function remove(parts: VerbParts, ask: Ask, current: StoredObject, options: DeleteOptions): Promise<Deleted> {
  const intent = { verb: "delete", ...(options.why === undefined ? {} : { why: options.why }) } as const;
  const object: ApiObject = {
    ...current.object,
    metadata: { ...current.object.metadata, finalizers: finalizersForPolicy(current.object, options.policy) },
  };
  const write: Write = { verb: "update", key: current.key, object, resourceVersion: current.resourceVersion, intent };
  const stored = await commitOne(parts, ask, write, options, { known: [current], isAuthorized: true });
  return { stored, gone: finalizersOf(object).length === 0 };
}

function checkPreconditions(ask: Ask, current: StoredObject, { uid, resourceVersion }: DeleteOptions): void {
  const refuse = (because: string): ApiFailure => new ApiFailure({ error: "conflict", subject: keyOf(ask), because });
  if (uid !== undefined && uid !== current.uid)
    throw refuse(
      `the UID in the precondition (${uid}) does not match the UID in record (${current.uid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && parseResourceVersion(resourceVersion) !== current.resourceVersion)
    throw refuse(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.resourceVersion}). The object might have been modified`,
    );
}

/** The options of a body, over those of the query. Throws ApiFailure for what is no DeleteOptions. */
export function deleteOptionsOf(body: JsonValue | undefined, query: DeleteOptions): DeleteOptions {
  if (body === undefined || body === null) return query;
  if (!isJsonObject(body)) throw badRequest("the body of a deletion holds DeleteOptions or nothing");
  if (body["kind"] !== undefined && body["kind"] !== "DeleteOptions")
    throw badRequest(`the body of a deletion holds DeleteOptions, not ${JSON.stringify(body["kind"])}`);
  const preconditions = isJsonObject(body["preconditions"]) ? body["preconditions"] : {};
  const policy = policyOf(body["propagationPolicy"], body["orphanDependents"]) ?? query.policy;
  const { uid, resourceVersion } = preconditions;
  return {
    dryRun: query.dryRun || isDryRun(body["dryRun"]),
    ...(policy === undefined ? {} : { policy }),
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
    ...(query.why === undefined ? {} : { why: query.why }),
  };
}

/** Reads `propagationPolicy` and the older `orphanDependents`. Throws ApiFailure 422 for another word. */
export function policyOf(policy: JsonValue | undefined, orphan: JsonValue | undefined): DeleteOptions["policy"] {
  const isOrphanSaid = typeof orphan === "boolean";
  if (isOrphanSaid && typeof policy === "string" && policy !== "")
    throw invalidOption(
      "DeleteOptions",
      "propagationPolicy",
      "invalid",
      `${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    );
  if (policy === undefined || policy === null || policy === "")
    return orphan === true ? "Orphan" : orphan === false ? "Background" : undefined;
  if (policy === "Background" || policy === "Foreground" || policy === "Orphan") return policy;
  throw invalidOption(
    "DeleteOptions",
    "propagationPolicy",
    "notSupported",
    `${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
  );
}

function isDryRun(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return false;
  const words = Array.isArray(value) ? value : [value];
  if (words.every((word) => word === "All")) return words.length > 0;
  throw invalidOption("DeleteOptions", "dryRun", "notSupported", `${JSON.stringify(value)}: supported values: "All"`);
}
