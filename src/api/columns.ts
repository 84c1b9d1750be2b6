import type { ApiObject, Condition } from "../domain/object/api-object.ts";
import { isJsonList, isJsonObject, type JsonValue } from "../domain/object/json.ts";
import { ageOf } from "./human-duration.ts";
import type { Column } from "./kind.ts";

type Priority = 0 | 1;

/** The value at a path of names, undefined as soon as something is missing or of another type: columns are printed of anything that is stored. */
export function at(object: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce((value, name) => (isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined), object);
}

/** The text at a path; "" where there is none. */
export function textAt(object: JsonValue | undefined, ...path: readonly string[]): string {
  const value = at(object, ...path);
  return typeof value === "string" ? value : "";
}

/** The list at a path; empty where there is none. */
export function listAt(object: JsonValue | undefined, ...path: readonly string[]): readonly JsonValue[] {
  const value = at(object, ...path);
  return isJsonList(value) ? value : [];
}

/** The names of the map at a path. */
export function namesAt(object: JsonValue | undefined, ...path: readonly string[]): readonly string[] {
  const value = at(object, ...path);
  return isJsonObject(value) ? Object.keys(value) : [];
}

/** The condition of a type, if it is there. */
export function conditionOf(object: ApiObject, type: string): Partial<Condition> | undefined {
  const found = listAt(object, "status", "conditions").find((condition) => textAt(condition, "type") === type);
  return isJsonObject(found) ? found : undefined;
}

export const textColumn = (name: string, description: string, cell: (object: ApiObject) => string, priority: Priority = 0): Column => ({
  name,
  type: "string",
  description,
  priority,
  cell,
});

export const countColumn = (name: string, description: string, cell: (object: ApiObject) => number, priority: Priority = 0): Column => ({
  name,
  type: "integer",
  description,
  priority,
  cell,
});

/** The age of a time; empty where there is none. */
export const sinceColumn = (name: string, description: string, time: (object: ApiObject) => unknown, priority: Priority = 0): Column => ({
  name,
  type: "string",
  description,
  priority,
  cell: (object, now) => {
    const then = time(object);
    return then === undefined ? null : ageOf(then, now);
  },
});

export const ageColumn: Column = sinceColumn("Age", "How long ago the object was created.", (object) => object.metadata.creationTimestamp);

/** True, False or Unknown; Unknown as long as nobody has said. */
export const readyColumn: Column = textColumn(
  "Ready",
  "Whether the object is as it should be: the status of its condition Ready.",
  (object) => {
    return textOr(conditionOf(object, "Ready")?.status, "Unknown");
  },
);

/** Why: the reason of Ready, or that nobody looks. */
export const reasonColumn: Column = textColumn(
  "Status",
  "The reason of the condition Ready in one word; Suspended where spec.suspend is set.",
  (object) => {
    return at(object, "spec", "suspend") === true ? "Suspended" : textOr(conditionOf(object, "Ready")?.reason, "");
  },
);

export const messageColumn: Column = textColumn(
  "Message",
  "The condition Ready in a sentence.",
  (object) => textOr(conditionOf(object, "Ready")?.message, ""),
  1,
);

const textOr = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);

/** The first 12 characters of a commit or digest. */
export const short = (digest: string): string => digest.slice(0, 12);
