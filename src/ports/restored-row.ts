import type { ApiObject } from "../domain/object/api-object.ts";
import { resourceVersion } from "../domain/object/api-object.ts";
import type { ResourceVersion } from "../domain/object/api-object.ts";
import type { ArchivedObject } from "./archive.ts";
import { checkTransaction, decideCommit, describe } from "./decide-commit.ts";
import type { Row } from "./decide-commit.ts";
import { PortError } from "./port-error.ts";
import type { Derivations, WakeRule } from "./resources.ts";
import type { Sealer } from "./sealer.ts";

/**
 * What a store keeps of an archived object, and whom it makes due: derived anew, as if it were created now at its old version, so that what this program
 * selects by is right whichever version made the archive. Throws PortError `refused` for an object that does not open or that no store could hold.
 */
export function restoredRow(
  archived: ArchivedObject,
  upTo: ResourceVersion,
  derivations: Derivations,
  sealer: Sealer | undefined,
): { readonly row: Row; readonly wakes: readonly WakeRule[] } {
  const { key, uid, resourceVersion: version } = archived;
  const refusal = (why: string, cause?: unknown) =>
    new PortError("refused", `${describe(key)} in the backup cannot be restored: ${why}`, { cause, reason: "BadBackup" });
  if (version > upTo) throw refusal(`its version ${version} is above the backup's own, ${upTo}; use another backup`);
  const object = objectIn(textOf(archived, sealer, refusal), refusal);
  if (object.metadata.uid !== uid) throw refusal("its uid is not the one it is listed with; use another backup");
  try {
    const transaction = { writes: [{ verb: "create" as const, key, object }] };
    checkTransaction(transaction);
    const { changes, wakes } = decideCommit(transaction, () => undefined, resourceVersion(version - 1), derivations);
    const [change] = changes;
    if (change === undefined) throw new Error("a create made no change");
    return { row: change.row, wakes };
  } catch (cause) {
    throw refusal(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

type Refusal = (why: string, cause?: unknown) => PortError;

function textOf({ sealed, text, key }: ArchivedObject, sealer: Sealer | undefined, refusal: Refusal): string {
  if (!sealed) return text;
  if (sealer === undefined) throw refusal("it is sealed, and this store has no key to open it");
  try {
    return sealer.open(text, key);
  } catch (cause) {
    throw refusal(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function objectIn(text: string, refusal: Refusal): ApiObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refusal("it is no JSON; use another backup", cause);
  }
  if (!isApiObject(value)) throw refusal("it is no object of the API; use another backup");
  return value;
}

function isApiObject(value: unknown): value is ApiObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { apiVersion, kind, metadata } = value as Partial<Record<string, unknown>>; // members of an object may be looked at
  return typeof apiVersion === "string" && typeof kind === "string" && typeof metadata === "object" && metadata !== null;
}
