import { apiVersionOf, type Kind } from "../api/kind.ts";
import { isStored, patchTypes, verbsOf } from "../api/verbs.ts";
import { listName, SCHEMA, schemaName, type Part } from "./openapi-schemas.ts";

/** One method of one path, in neither version of OpenAPI. */
export interface Operation {
  readonly path: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** `x-kubernetes-action`. */
  readonly action: "list" | "get" | "post" | "put" | "patch" | "delete" | "deletecollection";
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly schema: string; readonly types: readonly string[]; readonly required: boolean };
  readonly answer: string;
  readonly gvk: Part;
}

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

/** Every operation on these kinds. Tools find out here what the server can do: kubectl looks for `fieldValidation` and `dryRun` on PATCH. */
export const operationsOf = (kinds: readonly Kind[]): readonly Operation[] =>
  kinds.flatMap((kind) => [...collectionOperations(kind), ...objectOperations(kind), ...subresourceOperations(kind)]);

/** The `paths` of a document: operations as `written`, by path and method, in the order of their paths. */
export function byPath(operations: readonly Operation[], written: (operation: Operation) => Part): Part {
  const paths = new Map<string, Record<string, Part>>();
  for (const operation of operations) paths.set(operation.path, { ...paths.get(operation.path), [operation.method]: written(operation) });
  return Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const BODY_TYPES = ["application/json", "application/yaml"];

function collectionOperations(kind: Kind): readonly Operation[] {
  const verbs = verbsOf(kind);
  const at = collectionPath(kind);
  const base = { path: at, gvk: gvkOf(kind), tag: tagOf(kind) };
  const operations: Operation[] = [];
  if (verbs.includes("list")) {
    const list = {
      ...base,
      method: "get",
      action: "list",
      description: `list or watch ${kind.resource}`,
      parameters: LIST,
      answer: listName(kind),
    } as const;
    operations.push({ ...list, id: idOf("list", kind) });
    if (kind.namespaced) operations.push({ ...list, path: `${root(kind)}/${kind.resource}`, id: `${idOf("list", kind)}ForAllNamespaces` });
  }
  if (verbs.includes("create")) {
    const body = { schema: schemaName(kind), types: BODY_TYPES, required: true };
    operations.push({
      ...base,
      method: "post",
      action: "post",
      id: idOf("create", kind),
      description: `create a ${kind.kind}`,
      parameters: WRITE,
      body,
      answer: schemaName(kind),
    });
  }
  if (verbs.includes("deletecollection")) {
    const body = { schema: SCHEMA.deleteOptions, types: BODY_TYPES, required: false };
    const parameters = [...LIST.filter(({ name }) => name !== "watch"), ...DELETE];
    operations.push({
      ...base,
      method: "delete",
      action: "deletecollection",
      id: idOf("deleteCollection", kind),
      description: `delete all ${kind.resource} that are selected`,
      parameters,
      body,
      answer: SCHEMA.status,
    });
  }
  return operations.map(withPathParameters);
}

function objectOperations(kind: Kind): readonly Operation[] {
  if (!isStored(kind)) return [];
  const verbs = verbsOf(kind);
  const body = { schema: SCHEMA.deleteOptions, types: BODY_TYPES, required: false };
  const path = `${collectionPath(kind)}/{name}`;
  const remove: Operation = {
    path,
    gvk: gvkOf(kind),
    tag: tagOf(kind),
    method: "delete",
    action: "delete",
    id: idOf("delete", kind),
    description: `delete a ${kind.kind}`,
    parameters: DELETE,
    body,
    answer: SCHEMA.status,
  };
  const rest = readAndWrite(kind, path, "").filter(({ action }) =>
    verbs.includes(action === "put" ? "update" : action === "patch" ? "patch" : "get"),
  );
  return [...rest, ...(verbs.includes("delete") ? [remove] : [])].map(withPathParameters);
}

function subresourceOperations(kind: Kind): readonly Operation[] {
  const at = `${collectionPath(kind)}/{name}`;
  const actions = (kind.actions ?? []).map(({ name, verb, body, description }): Operation => {
    const method = verb === "update" ? "put" : "post";
    const schema = schemaName(body);
    return {
      path: `${at}/${name}`,
      method,
      action: method,
      id: `${idOf(verb === "update" ? "replace" : "create", kind)}${capital(name)}`,
      tag: tagOf(kind),
      description,
      parameters: WRITE,
      body: { schema, types: BODY_TYPES, required: true },
      answer: schema,
      gvk: { group: body.group, version: body.version, kind: body.kind },
    };
  });
  return [...actions, ...(kind.hasStatus ? readAndWrite(kind, `${at}/status`, "Status") : [])].map(withPathParameters);
}

function readAndWrite(kind: Kind, path: string, suffix: string): readonly Operation[] {
  const base = { path, gvk: gvkOf(kind), tag: tagOf(kind), answer: schemaName(kind) };
  const what = suffix === "" ? `the ${kind.kind}` : `status of the ${kind.kind}`;
  return [
    { ...base, method: "get", action: "get", id: `${idOf("read", kind)}${suffix}`, description: `read ${what}`, parameters: [] },
    {
      ...base,
      method: "put",
      action: "put",
      id: `${idOf("replace", kind)}${suffix}`,
      description: `replace ${what}`,
      parameters: WRITE,
      body: { schema: schemaName(kind), types: BODY_TYPES, required: true },
    },
    {
      ...base,
      method: "patch",
      action: "patch",
      id: `${idOf("patch", kind)}${suffix}`,
      description: `change fields of ${what}`,
      parameters: PATCH,
      body: { schema: SCHEMA.patch, types: patchTypes(kind), required: true },
    },
  ];
}

const root = (kind: Kind): string => (kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersionOf(kind)}`);
const collectionPath = (kind: Kind): string => `${root(kind)}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.resource}`;
const gvkOf = ({ group, version, kind }: Kind): Part => ({ group, version, kind });
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** `slipwayDev_v1alpha1`, `core_v1`. */
const tagOf = ({ group, version }: Kind): string => {
  const [first = "", ...rest] = (group === "" ? "core" : group.replace(/\.k8s\.io$/, "")).split(".");
  return `${first}${rest.map(capital).join("")}_${version}`;
};

/** `createSlipwayDevV1alpha1NamespacedSync`: unique, as OpenAPI wants it. */
const idOf = (verb: string, kind: Kind): string =>
  `${verb}${tagOf(kind).split("_").map(capital).join("")}${kind.namespaced ? "Namespaced" : ""}${kind.kind}`;

const query = (name: string, type: Parameter["type"], description: string): Parameter => ({ name, in: "query", type, description });

const PRETTY = query("pretty", "string", "If true, the answer is indented.");
const DRY_RUN = query("dryRun", "string", "All: check everything, change nothing.");
const FIELD_MANAGER = query("fieldManager", "string", "Who makes the change: a name that the client gives; needed for server-side apply.");
const FIELD_VALIDATION = query(
  "fieldValidation",
  "string",
  "What happens to unknown and repeated fields. Ignore: they are dropped. Warn (the default): dropped, with a warning. Strict: the request is refused.",
);
const WRITE = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, PRETTY];
const PATCH = [...WRITE, query("force", "boolean", "Server-side apply only: take over the fields that others own.")];
const DELETE = [
  DRY_RUN,
  PRETTY,
  query("gracePeriodSeconds", "integer", "Accepted for compatibility."),
  query("orphanDependents", "boolean", "Use propagationPolicy instead."),
  query("propagationPolicy", "string", "Background, Foreground or Orphan."),
];
const LIST = [
  query("allowWatchBookmarks", "boolean", "Whether a watch also sends how far it is."),
  query("continue", "string", "The token of the page before."),
  query("fieldSelector", "string", "Only objects whose fields are so."),
  query("labelSelector", "string", "Only objects whose labels are so."),
  query("limit", "integer", "At most so many; the answer then says where the next page begins."),
  query("resourceVersion", "string", "The version to list at, or to watch from."),
  query("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
  query("sendInitialEvents", "boolean", "Whether a watch begins with what is there, and a bookmark after it."),
  query("timeoutSeconds", "integer", "After how many seconds a list or watch ends."),
  query("watch", "boolean", "Whether to go on with every change."),
];

/** Those that the path names, before the others, each name once. */
function withPathParameters(operation: Operation): Operation {
  const named = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]): Parameter => ({
    name,
    in: "path",
    type: "string",
    description: name === "namespace" ? "The namespace of the object." : "The name of the object.",
  }));
  const parameters = [...new Map([...named, ...operation.parameters].map((parameter) => [parameter.name, parameter])).values()];
  return { ...operation, parameters };
}
