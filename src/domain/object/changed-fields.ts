import { isJsonObject, jsonEqual, type JsonObject, type JsonValue } from "./json.ts";

/** One field that a write changed; `before` or `after` absent: the field was not there. */
export interface FieldChange extends JsonObject {
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** How much of a change is told. */
export interface ChangeLimits {
  /** Top-level members whose values never appear; their changed keys do. */
  readonly secretFields: readonly string[];
  /** At most this many changes; the rest is told as their number under the path "…". */
  readonly changes: number;
  /** A value whose JSON is longer than this many characters is cut. */
  readonly valueLength: number;
}

const APPLIED_COPY = "kubectl.kubernetes.io/last-applied-configuration";
const SYSTEM_PATHS: ReadonlySet<string> = new Set(["metadata.resourceVersion", "metadata.managedFields", "metadata.generation"]);

/**
 * What differs between two states of an object, field by field, lists as a whole. A whole state is absent when the object was created or
 * deleted: then the top-level members are told. Fields that every write changes by itself are left out.
 */
export function changedFields(before: JsonObject | undefined, after: JsonObject | undefined, limits: ChangeLimits): readonly FieldChange[] {
  const found: FieldChange[] = [];
  const open = (state: JsonObject | undefined): JsonObject =>
    limits.secretFields.length === 0 ? (state ?? {}) : withoutAppliedCopy(state ?? {});
  collect(open(before), open(after), "", before === undefined || after === undefined ? 1 : Infinity, found);
  const told = found.slice(0, limits.changes).map((change) => shown(change, limits));
  return found.length > limits.changes ? [...told, { path: "…", after: `${found.length - limits.changes} more` }] : told;
}

function collect(before: JsonObject, after: JsonObject, path: string, depth: number, found: FieldChange[]): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const at = path === "" ? name : `${path}.${name}`;
    const [old, now] = [member(before, name), member(after, name)];
    if (SYSTEM_PATHS.has(at) || jsonEqual(old, now)) continue;
    if (depth > 1 && isJsonObject(old) && isJsonObject(now)) collect(old, now, at, depth - 1, found);
    else found.push({ path: at, ...(old === undefined ? {} : { before: old }), ...(now === undefined ? {} : { after: now }) });
  }
}

function shown(change: FieldChange, limits: ChangeLimits): FieldChange {
  const isSecret = limits.secretFields.some((field) => change.path === field || change.path.startsWith(`${field}.`));
  const told = (value: JsonValue): JsonValue =>
    isSecret ? redacted(value) : cut(withoutSystemFields(change.path, value), limits.valueLength);
  return {
    path: change.path,
    ...(change.before === undefined ? {} : { before: told(change.before) }),
    ...(change.after === undefined ? {} : { after: told(change.after) }),
  };
}

/** The names of secret values help to understand a change, the values never do. */
function redacted(value: JsonValue): JsonValue {
  return isJsonObject(value) ? Object.fromEntries(Object.keys(value).map((name) => [name, "[redacted]"])) : "[redacted]";
}

/** `kubectl apply` keeps the whole manifest, secret values included, in an annotation. */
function withoutAppliedCopy(state: JsonObject): JsonObject {
  const metadata = state["metadata"];
  const annotations = isJsonObject(metadata) ? metadata["annotations"] : undefined;
  if (!isJsonObject(metadata) || !isJsonObject(annotations) || member(annotations, APPLIED_COPY) === undefined) return state;
  return { ...state, metadata: { ...metadata, annotations: { ...annotations, [APPLIED_COPY]: "[redacted]" } } };
}

function withoutSystemFields(path: string, value: JsonValue): JsonValue {
  if (path !== "metadata" || !isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !SYSTEM_PATHS.has(`metadata.${name}`)));
}

function cut(value: JsonValue, length: number): JsonValue {
  const text = JSON.stringify(value);
  return text.length <= length ? value : `${text.slice(0, length)}… (${text.length} characters)`;
}

const member = (object: JsonObject, name: string): JsonValue | undefined => (Object.hasOwn(object, name) ? object[name] : undefined);
