import { compareBytes } from "../object/byte-order.ts";
import { isJsonList, isJsonObject, type JsonObject, type JsonValue } from "../object/json.ts";

/** Total order of values as structured-merge-diff's `value.Compare`: numbers, text, booleans, lists, maps, null. */
export function compareValues(left: JsonValue, right: JsonValue): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return compareBytes(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  if (isJsonList(left) && isJsonList(right)) return compareLists(left, right);
  if (isJsonObject(left) && isJsonObject(right)) return compareLists(flatEntries(left), flatEntries(right));
  return rank(left) - rank(right);
}

function compareLists(left: readonly JsonValue[], right: readonly JsonValue[]): number {
  for (const [i, item] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const order = compareValues(item, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function flatEntries(object: JsonObject): readonly JsonValue[] {
  const keys = Object.keys(object).sort(compareBytes);
  return keys.flatMap((key) => [key, object[key] ?? null]);
}

function rank(value: JsonValue): number {
  if (typeof value === "number") return 0;
  if (typeof value === "string") return 1;
  if (typeof value === "boolean") return 2;
  if (isJsonList(value)) return 3;
  return value === null ? 5 : 4;
}
