import { apiVersionOf, type Kind } from "../../api/kind.ts";
import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import { changedFields, type FieldChange } from "../../domain/object/changed-fields.ts";
import type { JsonObject } from "../../domain/object/json.ts";
import type { NewRecord } from "../../ports/records.ts";
import type { Intent } from "../../ports/resources.ts";
import type { Caller } from "../caller.ts";

/** A write as it will be stored, for the audit. */
export interface AuditedWrite {
  readonly caller: Caller;
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly uid: string | undefined;
  readonly done: "created" | "updated" | "deleted" | "marked for deletion";
  readonly before: ApiObject | undefined;
  readonly after: ApiObject | undefined;
  readonly intent: Intent | undefined;
}

/** Who did what to what, with the fields before and after; secret values never. Kinds kept outside the audit (Events) give none. */
export function auditRecord(write: AuditedWrite): NewRecord | undefined {
  if (write.kind.ephemeral === true) return undefined;
  const { caller, key, intent } = write;
  const subresource = intent?.subresource ?? "";
  const compact = isController(caller) && subresource !== "";
  const what = subresource === "" ? write.kind.singular : `the ${subresource} of ${write.kind.singular}`;
  return {
    type: "audit",
    about: key,
    ...(write.uid === undefined ? {} : { uid: write.uid }),
    actor: caller.name,
    reason: REASONS[write.done],
    message: `${caller.name} ${verbPhrase(write.done, what, key)}${intent?.why === undefined ? "" : `: ${intent.why}`}`,
    details: details(write, compact),
    retention: compact ? "short" : "long",
  };
}

/** Controllers of this control plane; what they write is bookkeeping, not a person's decision. */
export const isController = (caller: Caller): boolean => caller.name.startsWith("system:slipway:");

const REASONS = { created: "Created", updated: "Updated", deleted: "Deleted", "marked for deletion": "DeletionRequested" } as const;

function details(write: AuditedWrite, compact: boolean): JsonObject {
  const { caller, kind, intent } = write;
  const changes = changedFields(write.before, write.after, { secretFields: kind.secretFields ?? [], changes: 50, valueLength: 2000 });
  return {
    verb: intent?.verb ?? "update",
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    changes: compact ? changes.map(({ path }): FieldChange => ({ path })) : changes,
    ...(intent?.subresource === undefined || intent.subresource === "" ? {} : { subresource: intent.subresource }),
    ...(intent?.manager === undefined || intent.manager === "" ? {} : { manager: intent.manager }),
    ...(intent?.why === undefined ? {} : { why: intent.why }),
    ...(caller.impersonatedBy === undefined ? {} : { impersonatedBy: caller.impersonatedBy }),
    ...(caller.token === undefined ? {} : { token: caller.token }),
  };
}

function verbPhrase(done: AuditedWrite["done"], what: string, key: ObjectKey): string {
  const where = key.namespace === "" ? "" : ` in namespace "${key.namespace}"`;
  return done === "marked for deletion" ? `asked to delete ${what} "${key.name}"${where}` : `${done} ${what} "${key.name}"${where}`;
}
