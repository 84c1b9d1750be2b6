import { checkObject } from "../../api/check.ts";
import { pruned, withDefaults } from "../../api/shape.ts";
import type { Kind } from "../../api/kind.ts";
import type { ApiObject, ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import {
  addedFinalizers,
  asCreated,
  asDeleting,
  asUpdated,
  finalizersOf,
  isDeleting,
  isFinished,
  isSameObject,
} from "../../domain/object/lifecycle.ts";
import type { NewRecord } from "../../ports/records.ts";
import { ResourceError, type Intent, type StoredObject, type Write } from "../../ports/resources.ts";
import type { AdmissionParts, AskedWrite } from "./admission-parts.ts";
import type { Caller, ResourceAttributes } from "../caller.ts";
import { attributesOf } from "./attributes.ts";
import { auditRecord, type AuditedWrite } from "./audit.ts";
import { withManagers } from "./field-managers.ts";
import { isBuiltIn, rulesOf } from "./kind-rules.ts";
import { conflict, InvalidObject, notFound, qualified, Refused } from "./refusals.ts";

/** What becomes of a write: it goes to the store, with its audit record, or the stored state already is what it asks for. */
export type PlannedWrite = { readonly write: Write; readonly record: NewRecord | undefined } | { readonly unchanged: StoredObject };

export interface PlanTools {
  readonly caller: Caller;
  authorize(caller: Caller, asked: ResourceAttributes): Promise<void>;
  current(key: ObjectKey): Promise<StoredObject | undefined>;
}

/** Everything between the question and the store, for one write: rights, namespace, defaults, metadata, rules, audit. Throws ResourceError. */
export async function planWrite(parts: AdmissionParts, tools: PlanTools, kind: Kind, write: Write): Promise<PlannedWrite> {
  switch (write.verb) {
    case "create":
      return planCreate(parts, tools, kind, write);
    case "update":
      return planUpdate(parts, tools, kind, write);
    case "delete":
      return planDelete(parts, tools, kind, write);
    case "merge":
      return planMerge(parts, tools, kind, write);
  }
}

type Of<Verb extends Write["verb"]> = Extract<Write, { verb: Verb }>;

async function planCreate(parts: AdmissionParts, tools: PlanTools, kind: Kind, write: Of<"create">): Promise<PlannedWrite> {
  const { key, intent } = write;
  if (intent?.verb === "patch") await allow(tools, kind, key, "patch");
  // As in the API server a right to create speaks of no name, unless the name came in the path.
  await allow(tools, kind, intent?.verb === "patch" ? key : { ...key, name: "" }, "create");
  await liveNamespace(tools, kind, key);
  const now = parts.clock.now();
  const created = withDefaults(kind, asCreated(known(kind, write.object, intent), key, parts.ids.uid(), now, rulesOf(kind)));
  const object = withOwnDefaults(kind, withManagers(kind, undefined, created, intent, now));
  await check(parts, { caller: tools.caller, kind, key, verb: "create", subresource: "", object, previous: undefined });
  return planned(
    { ...write, object },
    { ...audited(tools, kind, write), uid: object.metadata.uid, done: "created", before: undefined, after: object },
  );
}

async function planUpdate(parts: AdmissionParts, tools: PlanTools, kind: Kind, write: Of<"update">): Promise<PlannedWrite> {
  const { key, intent } = write;
  const subresource = intent?.subresource ?? "";
  await allow(tools, kind, key, intent?.verb ?? "update", subresource);
  const stored = await present(tools, key, write.resourceVersion, write.object.metadata.uid);
  const previous = stored.object;
  if (intent?.verb === "delete") return marked(parts, tools, kind, stored, write, write.object.metadata.finalizers ?? []);
  const now = parts.clock.now();
  const given = withDefaults(kind, known(kind, write.object, intent));
  const updated = asUpdated(previous, given, subresource, rulesOf(kind));
  const object = withManagers(kind, previous, updated, intent, now);
  if (isSameObject(previous, object)) return { unchanged: stored };
  await check(parts, { caller: tools.caller, kind, key, verb: "update", subresource, object, previous });
  const audit = { ...audited(tools, kind, write), uid: stored.uid, before: previous };
  if (isFinished(object)) return planned(deletionOf(stored, intent), { ...audit, done: "deleted", after: undefined });
  return planned({ ...write, object }, { ...audit, done: "updated", after: object });
}

async function planDelete(parts: AdmissionParts, tools: PlanTools, kind: Kind, write: Of<"delete">): Promise<PlannedWrite> {
  const { key, intent } = write;
  await allow(tools, kind, key, "delete");
  const stored = await present(tools, key, write.resourceVersion, undefined);
  return marked(parts, tools, kind, stored, { key, intent }, stored.object.metadata.finalizers ?? []);
}

/** A deletion: at once where nothing holds the object, else a mark that whoever holds it will see. */
async function marked(
  parts: AdmissionParts,
  tools: PlanTools,
  kind: Kind,
  stored: StoredObject,
  write: Pick<Write, "key"> & { readonly intent?: Intent | undefined },
  finalizers: readonly string[],
): Promise<PlannedWrite> {
  const object = withDefaults(kind, asDeleting(stored.object, parts.clock.now(), finalizers, rulesOf(kind)));
  await ask(parts, {
    caller: tools.caller,
    kind,
    key: stored.key,
    verb: "delete",
    subresource: "",
    object: undefined,
    previous: stored.object,
  });
  const audit = { ...audited(tools, kind, write), uid: stored.uid, before: stored.object };
  if (finalizersOf(object).length === 0) return planned(deletionOf(stored, write.intent), { ...audit, done: "deleted", after: undefined });
  if (isSameObject(stored.object, object)) return { unchanged: stored };
  const update: Write = {
    verb: "update",
    key: stored.key,
    resourceVersion: stored.resourceVersion,
    object,
    ...(write.intent === undefined ? {} : { intent: write.intent }),
  };
  return planned(update, { ...audit, done: "marked for deletion", after: object });
}

/** The state it will meet is known only inside the transaction, so that the checks move in there and the audit tells no fields. */
async function planMerge(parts: AdmissionParts, tools: PlanTools, kind: Kind, write: Of<"merge">): Promise<PlannedWrite> {
  const { key, intent } = write;
  await allow(tools, kind, key, "create");
  await allow(tools, kind, key, "patch");
  if (kind.ephemeral !== true) await liveNamespace(tools, kind, key);
  const [now, uid] = [parts.clock.now(), parts.ids.uid()];
  const merge = (current: ApiObject | undefined): ApiObject => {
    const given = known(kind, write.merge(current), intent);
    const next = current === undefined ? asCreated(given, key, uid, now, rulesOf(kind)) : asUpdated(current, given, "", rulesOf(kind));
    const object = withOwnDefaults(kind, withManagers(kind, current, withDefaults(kind, next), intent, now));
    const problems = checkObject(kind, object, current);
    if (problems.length > 0) throw new InvalidObject(key, problems);
    return object;
  };
  return planned(
    { ...write, merge },
    { ...audited(tools, kind, write), uid: undefined, done: "updated", before: undefined, after: undefined },
  );
}

/**
 * What the kind knows of the object. A null that server-side apply was asked for stays, so that the check refuses it where none may be;
 * built-in kinds are read into Go's types in Kubernetes, where a null is no value at all.
 */
const known = (kind: Kind, object: ApiObject, intent: Intent | undefined): ApiObject =>
  pruned(kind, object, intent?.manager === "" && !isBuiltIn(kind) ? "keep" : "drop");

/** A status that a new object begins with (a Namespace's phase) is nobody's field: it comes after the managers. */
const withOwnDefaults = (kind: Kind, object: ApiObject): ApiObject =>
  kind.hasStatus && kind.defaults !== undefined ? kind.defaults(object) : object;

function planned(write: Write, audit: AuditedWrite): PlannedWrite {
  return { write, record: auditRecord(audit) };
}

function audited(
  tools: PlanTools,
  kind: Kind,
  write: Pick<Write, "key"> & { readonly intent?: Intent | undefined },
): Pick<AuditedWrite, "caller" | "kind" | "key" | "intent"> {
  return { caller: tools.caller, kind, key: write.key, intent: write.intent };
}

function deletionOf(stored: StoredObject, intent: Intent | undefined): Write {
  return { verb: "delete", key: stored.key, resourceVersion: stored.resourceVersion, ...(intent === undefined ? {} : { intent }) };
}

function allow(tools: PlanTools, kind: Kind, key: ObjectKey, verb: string, subresource = ""): Promise<void> {
  return tools.authorize(tools.caller, attributesOf(kind, key, verb, subresource));
}

async function present(tools: PlanTools, key: ObjectKey, expected: ResourceVersion, uid: string | undefined): Promise<StoredObject> {
  const stored = await tools.current(key);
  if (stored === undefined) throw notFound(key);
  if (uid !== undefined && uid !== "" && uid !== stored.uid)
    throw conflict(key, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.uid}`);
  if (stored.resourceVersion !== expected) throw conflict(key);
  return stored;
}

/** The namespace lifecycle of the API server: nothing new in a namespace that is not there or is being deleted. */
async function liveNamespace(tools: PlanTools, kind: Kind, key: ObjectKey): Promise<void> {
  if (!kind.namespaced) return;
  const place: ObjectKey = { group: "", resource: "namespaces", namespace: "", name: key.namespace };
  const namespace = await tools.current(place);
  if (namespace === undefined) throw notFound(place);
  if (isDeleting(namespace.object))
    throw new ResourceError(
      "namespaceTerminating",
      `${qualified(key)} is forbidden: unable to create new content in namespace ${key.namespace} because it is being terminated`,
      { key },
    );
}

async function check(parts: AdmissionParts, asked: AskedWrite & { readonly object: ApiObject }): Promise<void> {
  const problems = [...checkObject(asked.kind, asked.object, asked.previous), ...finalizerProblems(asked)];
  if (problems.length > 0) throw new InvalidObject(asked.key, problems);
  await ask(parts, asked);
}

async function ask(parts: AdmissionParts, asked: AskedWrite): Promise<void> {
  if (asked.verb === "delete" && asked.kind.group === "" && asked.kind.resource === "namespaces" && asked.key.name === "default")
    throw new Refused(asked.key, "this namespace may not be deleted");
  for (const rule of parts.rules ?? []) {
    const found = await rule(asked, parts.resources);
    if (typeof found === "string") throw new Refused(asked.key, found);
    if (found !== undefined && found.length > 0) throw new InvalidObject(asked.key, found);
  }
}

function finalizerProblems({
  object,
  previous,
}: {
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}): readonly FieldProblem[] {
  if (previous === undefined || !isDeleting(previous)) return [];
  const added = addedFinalizers(previous, object);
  if (added.length === 0) return [];
  const message = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  return [{ path: "metadata.finalizers", code: "forbidden", message }];
}
