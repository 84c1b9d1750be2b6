import { conflictMessage, conflictsOf, type Conflict } from "./conflict.ts";
import { kubectlManager, withLastApplied, withoutOwnPast } from "./last-applied.ts";
import {
  asksForReset,
  decodeManagedFields,
  encodeManagedFields,
  isUnreadable,
  keepTimesIfUnchanged,
  noManagedFields,
  withoutManagedFields,
  type ManagedFields,
  type Operation,
} from "./managed-fields.ts";
import { ownershipAfterApply, ownershipAfterUpdate, type Applied, type Write } from "./ownership.ts";
import type { SchemaNode } from "./schema.ts";
import { rootShape } from "./shape.ts";
import { lenient, strict, validate, type Cause } from "./validate.ts";
import { isDeeperThan, isJsonObject, jsonEqual, member, MOST_LEVELS, withMember, type JsonObject, type JsonValue } from "../object/json.ts";

export { keepTimesIfUnchanged } from "./managed-fields.ts";

/** What every write says about itself. */
export interface WriteContext {
  /** The stored object; undefined when there is none yet. */
  readonly live: JsonObject | undefined;
  /** The field manager; an empty one is recorded as `unknown`. */
  readonly manager: string;
  /** The schema of the kind at the version written; `metadata` is added to it. Give the same object each time: what is worked out from it is remembered. */
  readonly schema: SchemaNode;
  /** RFC 3339, UTC; fractions of a second are dropped. */
  readonly now: string;
  /** Absent for the main resource. */
  readonly subresource?: "status";
  /** Every `apiVersion` the kind is served at; absent: the one written. Entries of managedFields at another one are dropped. */
  readonly servedVersions?: readonly string[];
  /** Top-level fields that this endpoint never changes: `["status"]` on the main resource, `["spec", "metadata"]` on status. */
  readonly resetFields?: readonly string[];
}

export interface ApplyRequest extends WriteContext {
  /** The applied configuration as the client sent it: no defaults, nothing pruned. */
  readonly configuration: JsonObject;
  /** Take over what others own. */
  readonly force: boolean;
}

export interface UpdateRequest extends WriteContext {
  /** The object as it shall be stored: patched, unknown fields pruned, defaults filled in. */
  readonly next: JsonObject;
}

export type ApplyOutcome =
  | { readonly outcome: "applied"; readonly object: JsonObject; /** False: nothing to store. */ readonly changed: boolean }
  | { readonly outcome: "conflict"; readonly conflicts: readonly Conflict[]; readonly message: string }
  | { readonly outcome: "invalid"; readonly causes: readonly Cause[]; readonly message: string };

/**
 * Server-side apply: merges a configuration into the stored object and records who owns what. Pure; never throws on
 * bad input; safe to repeat (a second time nothing changes, times included).
 *
 * What the caller does, in this order, as kube-apiserver 1.36 does for custom resources:
 * 1. refuses a configuration that names another object, namespace, apiVersion or kind than the request;
 * 2. `live`: prunes and defaults it as on every read; without a stored object `live` is undefined;
 * 3. calls this with the configuration untouched;
 * 4. fills defaults into `object`: defaulted fields get no owner, the next write that sets another value owns them;
 * 5. admission, name, uid, resourceVersion (one in the configuration is a precondition), creationTimestamp,
 *    generation, validation of the whole;
 * 6. `keepTimesIfUnchanged(live, object)`, and stores only if the result differs from `live`.
 *
 * Fields of the other subresource come out as they are in `live`, whatever the configuration says.
 * Meaning and wording: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and
 * k8s.io/apimachinery/pkg/util/managedfields.
 */
export function applyConfiguration(request: ApplyRequest): ApplyOutcome {
  const write = writeOf(request, "Apply", request.configuration);
  const live = withoutManagedFields(request.live ?? emptyObject(request.configuration));
  const managed = request.live === undefined ? noManagedFields : decodeManagedFields(request.live);
  const causes = problemsOf(write, live, request.configuration, managed);
  if (causes.length > 0 || isUnreadable(managed))
    return { outcome: "invalid", causes, message: invalidMessage(request.configuration, causes) };

  const applied = applyAs(request, write, live, ownersBefore(request, write, live, managed));
  if ("clashes" in applied) {
    const conflicts = conflictsOf(applied.clashes);
    return { outcome: "conflict", conflicts, message: conflictMessage(conflicts) };
  }
  const synced = request.manager === kubectlManager ? withLastApplied(applied.object, request.configuration) : applied.object;
  const written = encodeManagedFields(keepForeign(request, keepBirth(live, synced)), applied.managed);
  const object = keepTimesIfUnchanged(request.live, written);
  return { outcome: "applied", object, changed: !jsonEqual(request.live, object) };
}

/**
 * The object with `metadata.managedFields` right after a create, update or patch, and with the other subresource's
 * fields as they are in `live`. Pure, never throws. Who changes a value owns it; who owned a value that changed or
 * went owns it no more.
 *
 * `next` may carry managedFields: they replace the stored ones, `[{}]` drops them all, `[]` and unreadable ones are
 * passed over; a status write never changes them by itself. Objects without any stay without until they are applied to.
 * An object that does not fit its schema loses its managedFields, as in kube-apiserver: validate before.
 *
 * The caller defaults and prunes `next` before (so that defaults filled in on a write belong to the writer), runs
 * admission after, and `keepTimesIfUnchanged` last.
 */
export function trackUpdate(request: UpdateRequest): JsonObject {
  const { next } = request;
  const write = writeOf(request, "Update", next);
  const before = withoutManagedFields(request.live ?? emptyObject(next));
  const after = withoutManagedFields(next);
  const managed = ownersOf(request);
  const isTracked = managed.size > 0 || !hasUid(before);
  if (!isTracked || [before, after].some((object) => !isTrackable(write, object))) return keepForeign(request, after);
  const owners = ownershipAfterUpdate(write, before, after, managed);
  return keepTimesIfUnchanged(request.live, encodeManagedFields(keepForeign(request, after), owners));
}

function writeOf(request: WriteContext, operation: Operation, written: JsonObject): Write {
  const apiVersion = textOf(written, "apiVersion");
  return {
    shape: rootShape(request.schema),
    writer: {
      manager: request.manager === "" ? "unknown" : request.manager,
      operation,
      apiVersion,
      ...(request.subresource === undefined ? {} : { subresource: request.subresource }),
    },
    now: request.now.replace(/\.\d+/, ""),
    servedVersions: request.servedVersions ?? [apiVersion],
    resetFields: request.resetFields ?? [],
  };
}

function applyAs(request: ApplyRequest, write: Write, live: JsonObject, managed: ManagedFields): Applied {
  const applied = ownershipAfterApply(write, live, request.configuration, managed, request.force);
  if (!("clashes" in applied) || request.manager !== kubectlManager) return applied;
  const clashes = withoutOwnPast(write.shape, live, applied.clashes);
  if (clashes.length > 0) return { clashes };
  return ownershipAfterApply(write, live, request.configuration, managed, true);
}

/** The first apply to an object that nobody tracked gives what is there to `before-first-apply`. */
function ownersBefore(request: ApplyRequest, write: Write, live: JsonObject, managed: ManagedFields): ManagedFields {
  if (managed.size > 0) return managed;
  const writer = { ...write.writer, manager: "before-first-apply", operation: "Update" } as const;
  return ownershipAfterUpdate({ ...write, writer }, emptyObject(request.configuration), live, managed);
}

/** The owners that count on update: those the client sent, unless they are none, unreadable, or not its to send. */
function ownersOf({ live, next, subresource }: UpdateRequest): ManagedFields {
  if (subresource === undefined && asksForReset(next)) return noManagedFields;
  const sent = subresource === undefined ? decodeManagedFields(next) : noManagedFields;
  if (!isUnreadable(sent) && sent.size > 0) return sent;
  const stored = live === undefined ? noManagedFields : decodeManagedFields(live);
  return isUnreadable(stored) ? noManagedFields : stored;
}

function problemsOf(
  { shape }: Write,
  live: JsonObject,
  configuration: JsonObject,
  managed: ManagedFields | { readonly problem: string },
): readonly Cause[] {
  if (isDeeperThan(configuration, MOST_LEVELS)) return [tooDeep("the applied configuration")];
  if (isDeeperThan(live, MOST_LEVELS)) return [tooDeep("the stored object")];
  const causes = [...headProblems(live, configuration), ...validate(shape, configuration, strict)];
  if (causes.length > 0) return causes;
  if (isUnreadable(managed)) return [unreadable(managed.problem)];
  return validate(shape, live, lenient).map((cause) => ({ ...cause, message: `in the stored object: ${cause.message}` }));
}

/** One sentence for all causes, as kube-apiserver words it. */
function invalidMessage(configuration: JsonObject, causes: readonly Cause[]): string {
  const [first, ...more] = causes;
  if (first === sentManagedFields) return first.message;
  const apiVersion = textOf(configuration, "apiVersion");
  const type = `${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${textOf(configuration, "kind")}`;
  if (first?.path === ".apiVersion" || first?.path === ".kind") return `invalid object type: ${type}`;
  const lines = causes.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const text = more.length === 0 ? lines.join("") : ["errors:", ...lines.map((line) => `  ${line}`)].join("\n");
  const metadata = member(configuration, "metadata");
  const place = isJsonObject(metadata) ? `${textOf(metadata, "namespace")}/${textOf(metadata, "name")}` : "/";
  return `failed to create typed patch object (${place}; ${type}): ${text}`;
}

function textOf(object: JsonObject, name: string): string {
  const value = member(object, name);
  return typeof value === "string" ? value : "";
}

function headProblems(live: JsonObject, configuration: JsonObject): readonly Cause[] {
  const metadata = member(configuration, "metadata");
  const managedFields = isJsonObject(metadata) ? member(metadata, "managedFields") : undefined;
  return [
    ...["apiVersion", "kind"].flatMap((name) => headProblem(name, member(live, name), member(configuration, name))),
    ...(managedFields === undefined || managedFields === null ? [] : [sentManagedFields]),
  ];
}

function headProblem(name: string, expected: JsonValue | undefined, found: JsonValue | undefined): readonly Cause[] {
  if (typeof found === "string" && found !== "" && (expected === undefined || expected === found)) return [];
  const wanted = typeof expected === "string" ? expected : `the object's ${name}`;
  const message = `invalid object type: ${name} is ${JSON.stringify(found ?? null)}, expected: ${wanted}`;
  return [{ path: `.${name}`, code: "FieldValueInvalid", message, hint: `write ${name}: ${wanted}` }];
}

const sentManagedFields: Cause = {
  path: ".metadata.managedFields",
  code: "FieldValueForbidden",
  message: "metadata.managedFields must be nil",
  hint: "leave metadata.managedFields out of what you apply: the server keeps it",
};

function unreadable(problem: string): Cause {
  return {
    path: ".metadata.managedFields",
    code: "FieldValueInvalid",
    message: `failed to decode managed fields: ${problem}`,
    hint: "reset them with a merge patch: metadata.managedFields: [{}]",
  };
}

function tooDeep(what: string): Cause {
  const message = `${what} is nested deeper than ${String(MOST_LEVELS)} levels`;
  return { path: "", code: "FieldValueInvalid", message, hint: "flatten it" };
}

function isTrackable({ shape }: Write, object: JsonObject): boolean {
  return !isDeeperThan(object, MOST_LEVELS) && validate(shape, object, lenient).length === 0;
}

/** What kube-apiserver compares a new object with: the same type and nothing else. */
function emptyObject(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name === "apiVersion" || name === "kind"));
}

function hasUid(object: JsonObject): boolean {
  const metadata = member(object, "metadata");
  return isJsonObject(metadata) && textOf(metadata, "uid") !== "";
}

/** Clients that serialise Go structs send `creationTimestamp: null`; the object keeps the one it has. */
function keepBirth(live: JsonObject, object: JsonObject): JsonObject {
  const [before, after] = [member(live, "metadata"), member(object, "metadata")];
  if (!isJsonObject(before) || !isJsonObject(after) || member(after, "creationTimestamp") !== null) return object;
  return withMember(object, "metadata", withMember(after, "creationTimestamp", member(before, "creationTimestamp")));
}

/** The object with everything that is not this endpoint's to write as it is in `live`. */
function keepForeign({ live, subresource, resetFields = [] }: WriteContext, object: JsonObject): JsonObject {
  if (subresource !== undefined && live !== undefined)
    return withMember(withoutManagedFields(live), subresource, member(object, subresource));
  return resetFields.reduce((kept, name) => withMember(kept, name, live === undefined ? undefined : member(live, name)), object);
}
