import { isJsonObject, type JsonObject, type JsonValue } from "../api/client/json.ts";

/** What the server writes by itself: differs in every dry run, and is nothing anybody wants to see. */
const SERVERS_OWN = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
/** Holds the whole object as somebody applied it, Secrets in the clear. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

export interface Pair {
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
}

/** Pure. Both sides without what the server writes by itself, keys in one order, and the values of a Secret masked. */
export function comparable(pair: Pair): Pair {
  const { before, after } = isSecret(pair.before) || isSecret(pair.after) ? masked(pair) : pair;
  return { before: before && tidy(before), after: after && tidy(after) };
}

const isSecret = (object: JsonObject | undefined): boolean => object?.["kind"] === "Secret" && object["apiVersion"] === "v1";

function masked({ before, after }: Pair): Pair {
  const values = (object: JsonObject | undefined, field: string): JsonObject => {
    const found = object?.[field];
    return isJsonObject(found) ? found : {};
  };
  const hide = (object: JsonObject | undefined, other: JsonObject | undefined, side: string): JsonObject | undefined => {
    if (object === undefined) return undefined;
    const fields = ["data", "stringData"].flatMap((field) => {
      if (object[field] === undefined) return [];
      const theirs = values(other, field);
      const entries = Object.entries(values(object, field)).map(([name, value]) => {
        const differs = Object.hasOwn(theirs, name) && theirs[name] !== value;
        return [name, differs ? `*** (${side})` : "***"] as const;
      });
      return [[field, Object.fromEntries(entries)] as const];
    });
    return { ...object, ...Object.fromEntries(fields) };
  };
  return { before: hide(before, after, "before"), after: hide(after, before, "after") };
}

function tidy(object: JsonObject): JsonObject {
  const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  const annotations = isJsonObject(metadata["annotations"]) ? metadata["annotations"] : undefined;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([name]) => !SERVERS_OWN.includes(name) && name !== "annotations"));
  const notes = annotations === undefined ? {} : Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED));
  return inOrder({ ...object, metadata: { ...kept, ...(Object.keys(notes).length === 0 ? {} : { annotations: notes }) } });
}

const FIRST = ["apiVersion", "kind", "metadata", "spec"];

function inOrder(object: JsonObject): JsonObject {
  const rank = (name: string): string => `${FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length}${name}`;
  return Object.fromEntries(
    Object.entries(object)
      .sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1))
      .map(([name, value]) => [name, sorted(value)]),
  );
}

function sorted(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => sorted(item) ?? null); // Array.isArray makes `any[]` of it
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
