import { describeSet } from "./field-set.ts";
import type { Operation } from "./managed-fields.ts";
import type { Clash } from "./ownership.ts";

/** What one other manager owns and the applied configuration would change. */
export interface Conflict {
  readonly manager: string;
  readonly operation: Operation;
  readonly subresource?: string;
  /** RFC 3339; when that manager last changed something. */
  readonly time?: string;
  /** Paths like `.spec.replicas`, in Kubernetes' order. */
  readonly fields: readonly string[];
  /** The message of each cause in the answer: `conflict with "x" using apps/v1`. */
  readonly reason: string;
}

/** The clashes as an answer tells them. */
export function conflictsOf(clashes: readonly Clash[]): readonly Conflict[] {
  return clashes.map(({ owner, fields }) => ({
    manager: owner.manager,
    operation: owner.operation,
    ...(owner.subresource === undefined ? {} : { subresource: owner.subresource }),
    ...(owner.time === undefined ? {} : { time: owner.time }),
    fields: describeSet(fields),
    reason: `conflict with ${describeOwner(owner)}`,
  }));
}

/** The message of the 409 answer, as kube-apiserver words it (apimachinery managedfields, `getConflictMessage`). */
export function conflictMessage(conflicts: readonly Conflict[]): string {
  const count = conflicts.reduce((sum, { fields }) => sum + fields.length, 0);
  const [first] = conflicts;
  if (count === 1 && first !== undefined) return `Apply failed with 1 conflict: ${first.reason}: ${first.fields.join("")}`;
  const lines = conflicts.flatMap(({ reason, fields }) => [
    `${reason.replace(/^conflict /, "conflicts ")}:`,
    ...fields.map((field) => `- ${field}`),
  ]);
  return `Apply failed with ${String(count)} conflicts: ${lines.join("\n")}`;
}

function describeOwner({ manager, subresource, operation, apiVersion }: Clash["owner"]): string {
  const name = JSON.stringify(manager);
  const where = subresource === undefined ? name : `${name} with subresource ${JSON.stringify(subresource)}`;
  return operation === "Update" ? `${where} using ${apiVersion}` : where;
}
