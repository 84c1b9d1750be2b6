import { type Instant, rfc3339 } from "../units.ts";
import type { ApiObject, Condition } from "./api-object.ts";
import { isJsonObject } from "./json.ts";

/** What is to be said now; `lastTransitionTime` follows from what was said before. */
export interface Statement {
  readonly type: string;
  readonly status: Condition["status"];
  readonly observedGeneration: number;
  readonly reason: string;
  readonly message: string;
}

/** The conditions with these statements made: the time moves only when a status changes, other types stay as they are. Ordered by type. */
export function withConditions(before: readonly Condition[], statements: readonly Statement[], now: Instant): readonly Condition[] {
  const said = statements.map((statement): Condition => {
    const earlier = before.find(({ type }) => type === statement.type);
    return {
      ...statement,
      lastTransitionTime: earlier !== undefined && earlier.status === statement.status ? earlier.lastTransitionTime : rfc3339(now),
    };
  });
  const rest = before.filter(({ type }) => !statements.some((statement) => statement.type === type));
  return [...rest, ...said].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** The conditions of an object as stored; what is not a condition is passed over. */
export function conditionsOf(object: ApiObject | undefined): readonly Condition[] {
  const status = object?.status;
  const conditions = isJsonObject(status) ? status["conditions"] : undefined;
  return Array.isArray(conditions) ? conditions.filter(isCondition) : [];
}

export const conditionOf = (object: ApiObject | undefined, type: string): Condition | undefined =>
  conditionsOf(object).find((condition) => condition.type === type);

function isCondition(value: unknown): value is Condition {
  if (typeof value !== "object" || value === null) return false;
  const { type, status, reason, message, lastTransitionTime } = value as Partial<Record<keyof Condition, unknown>>; // each member is checked below
  return [type, status, reason, message, lastTransitionTime].every((member) => typeof member === "string");
}
