import type { FieldProblem } from "../domain/object/field-problem.ts";
import { isJsonList, isJsonObject, type JsonValue } from "../domain/object/json.ts";
import { fieldPath, indexPath, keyPath, quoted } from "./paths.ts";
import type { SchemaNode } from "./schema.ts";

/** Entries that occur twice in lists that are sets or maps by a key. One walk along the schema, which is finite whatever the value is. */
export function listProblems(node: SchemaNode, value: JsonValue | undefined, path = ""): readonly FieldProblem[] {
  if (isJsonList(value) && node.items !== undefined) {
    const { items } = node;
    return [...repeated(node, value, path), ...value.flatMap((entry, index) => listProblems(items, entry, indexPath(path, index)))];
  }
  if (!isJsonObject(value)) return [];
  const { properties = {}, additionalProperties } = node;
  return Object.entries(value).flatMap(([name, member]) => {
    if (Object.hasOwn(properties, name)) return listProblems(properties[name] ?? {}, member, fieldPath(path, name));
    return additionalProperties === undefined ? [] : listProblems(additionalProperties, member, keyPath(path, name));
  });
}

function repeated(node: SchemaNode, entries: readonly JsonValue[], path: string): readonly FieldProblem[] {
  const identify = identity(node);
  if (identify === undefined) return [];
  const seen = new Set<string>();
  return entries.flatMap((entry, index): FieldProblem[] => {
    const { id, shown } = identify(entry);
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [{ path: indexPath(path, index), code: "duplicate", message: shown, hint: "keep one of them" }];
  });
}

type Identify = (entry: JsonValue) => { readonly id: string; readonly shown: string };

/** What tells entries apart; undefined where a list may repeat itself. */
function identity(node: SchemaNode): Identify | undefined {
  const type = node["x-kubernetes-list-type"];
  if (type === "map") return byKeys(node["x-kubernetes-list-map-keys"] ?? []);
  return type === "set" ? (entry) => ({ id: JSON.stringify(entry), shown: quoted(entry) }) : undefined;
}

const byKeys =
  (keys: readonly string[]): Identify =>
  (entry) => {
    const values = keys.map((key) => (isJsonObject(entry) ? entry[key] : undefined));
    return { id: JSON.stringify(values), shown: `{${keys.map((key, at) => `${key}: ${quoted(values[at])}`).join(", ")}}` };
  };
