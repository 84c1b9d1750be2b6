import { APPLY_PATCH, MERGE_PATCH } from "../verbs.ts";
import { AGGREGATED_DISCOVERY, kindsIn, type ServedKind } from "./discovery.ts";
import { isApiObject, isJsonObject, type ApiObject, type JsonObject, type JsonValue } from "./json.ts";
import { readJson, readText } from "./read-answer.ts";
import { retrying, type Wait } from "./retrying.ts";
import { statusIn, StatusError } from "./status-error.ts";
import type { ApiAnswer, ApiRequest, Transport } from "./transport.ts";
import { listOf, type ListOf, pagesOf, watchOf, type Watched } from "./watch.ts";

export type KindPath = Pick<ServedKind, "group" | "version" | "resource" | "namespaced">;

/** Where an object is; `namespace` is left out of the path for a cluster-scoped kind. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** Which objects of a kind; an empty namespace means all. */
export interface Selection {
  readonly namespace: string;
  readonly labels?: string;
  readonly fields?: string;
}

/** Object: as it is. Table: as the server prints it. Metadata: names and labels only. */
export type As = "Object" | "Table" | "Metadata";

export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Who owns the fields that are written. */
  readonly manager?: string;
  /** Kept in the audit record. */
  readonly why?: string;
}

export interface Applied {
  readonly object: ApiObject;
  readonly created: boolean;
}

/** A typed client of a Kubernetes-style API. Every method throws StatusError when the API refuses and ConnectError when it does not answer. */
export interface Client {
  /** Every kind served; asked for once. */
  kinds(): Promise<readonly ServedKind[]>;
  get(kind: KindPath, place: Place, as?: As): Promise<JsonObject>;
  /** All of them, read in pages of 500; begun anew when the server has forgotten the version of the first page. */
  list(kind: KindPath, selection: Selection, as?: As): Promise<ListOf>;
  /** The same page by page, for who may have seen enough before the end. */
  pages(kind: KindPath, selection: Selection): AsyncGenerator<ListOf>;
  /** A list, then its changes for ever; goes on after a broken connection, lists again when the server has forgotten. Ends when `signal` fires. */
  watch(kind: KindPath, selection: Selection, signal: AbortSignal, as?: As): AsyncGenerator<Watched>;
  create(kind: KindPath, namespace: string, object: JsonObject, options?: WriteOptions): Promise<ApiObject>;
  update(kind: KindPath, place: Place, object: JsonObject, options?: WriteOptions): Promise<ApiObject>;
  /** A JSON merge patch (RFC 7396). */
  patch(kind: KindPath, place: Place, patch: JsonObject, options?: WriteOptions): Promise<ApiObject>;
  /** Server-side apply with strict fields. */
  apply(
    kind: KindPath,
    place: Place,
    object: JsonObject,
    options: WriteOptions & { readonly manager: string; readonly force?: boolean },
  ): Promise<Applied>;
  delete(kind: KindPath, place: Place, options?: WriteOptions): Promise<JsonObject>;
  /** An action: `users/NAME/token`. */
  post(kind: KindPath, place: Place, subresource: string, body: JsonObject): Promise<JsonObject>;
  /** The text of a document such as `/version`. */
  document(path: string): Promise<string>;
  close(): void;
}

export interface ClientParts {
  readonly transport: Transport;
  /** The program and its version, for the server's log and as the name of a field manager: `slipway-cli/0.1.0`. */
  readonly userAgent: string;
  readonly wait: Wait;
  /** A number in [0, 1). */
  readonly chance: () => number;
  /** The server warns of something that works all the same. */
  readonly onWarning?: (text: string) => void;
  /** A watch was cut and goes on. */
  readonly onGap?: (error: Error) => void;
}

const IDLE_MS = 60_000;
const ACCEPT: Readonly<Record<As, string>> = {
  Object: "application/json",
  Table: "application/json;as=Table;v=v1;g=meta.k8s.io",
  Metadata: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
};
const ACCEPT_LIST: Readonly<Record<As, string>> = {
  ...ACCEPT,
  Metadata: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
};

export function apiClient(parts: ClientParts): Client {
  let kinds: Promise<readonly ServedKind[]> | undefined;
  const call = (request: Partial<ApiRequest> & Pick<ApiRequest, "path">, accept = ACCEPT.Object): Promise<ApiAnswer> =>
    retrying(parts, () => asked(parts, request, accept));
  const json = async (...args: Parameters<typeof call>): Promise<JsonObject> => objectIn(await call(...args));
  const write = async (method: ApiRequest["method"], path: string, body: JsonObject | undefined, type: string): Promise<ApiObject> =>
    apiObjectIn(
      await call({ method, path, ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": type } }) }),
    );
  const reading = {
    page: (kind: KindPath, query: URLSearchParams, namespace: string, as: As) =>
      json({ path: withQuery(pathOf(kind, namespace), query) }, ACCEPT_LIST[as]),
    stream: (kind: KindPath, query: URLSearchParams, namespace: string, as: As, idleMs: number, signal: AbortSignal) =>
      asked(parts, { path: withQuery(pathOf(kind, namespace), query), idleMs }, ACCEPT[as], signal),
    wait: parts.wait,
    chance: parts.chance,
    onGap: parts.onGap ?? (() => undefined),
  };
  return {
    kinds: () => (kinds ??= discover(json)),
    get: (kind, place, as = "Object") => json({ path: pathOf(kind, place.namespace, place.name) }, ACCEPT[as]),
    list: (kind, selection, as = "Object") => listOf(reading, kind, selection, as),
    pages: (kind, selection) => pagesOf(reading, kind, selection, "Object"),
    watch: (kind, selection, signal, as = "Object") => watchOf(reading, kind, selection, as, signal),
    create: (kind, namespace, object, options) => write("POST", withQuery(pathOf(kind, namespace), writing(options)), object, JSON_TYPE),
    update: (kind, { namespace, name }, object, options) =>
      write("PUT", withQuery(pathOf(kind, namespace, name), writing(options)), object, JSON_TYPE),
    patch: (kind, { namespace, name }, patch, options) =>
      write("PATCH", withQuery(pathOf(kind, namespace, name), writing(options)), patch, MERGE_PATCH),
    async apply(kind, { namespace, name }, object, options) {
      const query = writing(options);
      if (options.force === true) query.set("force", "true");
      const path = withQuery(pathOf(kind, namespace, name), query);
      const answer = await call({ method: "PATCH", path, body: JSON.stringify(object), headers: { "content-type": APPLY_PATCH } });
      return { object: await apiObjectIn(answer), created: answer.status === 201 };
    },
    delete: (kind, { namespace, name }, options) =>
      json({ method: "DELETE", path: withQuery(pathOf(kind, namespace, name), writing(options, false)) }),
    post: (kind, { namespace, name }, subresource, body) =>
      json({
        method: "POST",
        path: `${pathOf(kind, namespace, name)}/${subresource}`,
        body: JSON.stringify(body),
        headers: { "content-type": JSON_TYPE },
      }),
    document: async (path) => readText(await call({ path })),
    close: () => parts.transport.close(),
  };
}

const JSON_TYPE = "application/json";

async function discover(json: (request: { readonly path: string }, accept: string) => Promise<JsonObject>): Promise<readonly ServedKind[]> {
  const [core, others] = await Promise.all([json({ path: "/api" }, AGGREGATED_DISCOVERY), json({ path: "/apis" }, AGGREGATED_DISCOVERY)]);
  return [...kindsIn(core), ...kindsIn(others)];
}

async function asked(
  { transport, userAgent, onWarning }: ClientParts,
  { method = "GET", path, headers = {}, body, idleMs = IDLE_MS }: Partial<ApiRequest> & Pick<ApiRequest, "path">,
  accept: string,
  signal?: AbortSignal,
): Promise<ApiAnswer> {
  const all = { accept, "user-agent": userAgent, ...headers };
  const answer = await transport.send({ method, path, headers: all, idleMs, ...(body === undefined ? {} : { body }) }, signal);
  for (const text of warningsIn(answer.headers["warning"])) onWarning?.(text);
  if (answer.status >= 200 && answer.status < 300) return answer;
  const text = await readText(answer);
  throw new StatusError(statusIn(answer.status, readJson(text), text));
}

/** `299 - "text"`, several joined by commas: RFC 7234 section 5.5. */
function warningsIn(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted = ""]) => quoted.replaceAll(/\\(.)/g, "$1"));
}

async function objectIn(answer: ApiAnswer): Promise<JsonObject> {
  const text = await readText(answer);
  const value: JsonValue | undefined = readJson(text);
  if (isJsonObject(value)) return value;
  throw new StatusError(statusIn(answer.status, undefined, `this is no answer of the API: ${text.slice(0, 200)}`));
}

async function apiObjectIn(answer: ApiAnswer): Promise<ApiObject> {
  const value = await objectIn(answer);
  if (isApiObject(value)) return value;
  throw new StatusError(statusIn(answer.status, undefined, "the answer is no object of the API"));
}

function writing(options: WriteOptions = {}, validates = true): URLSearchParams {
  const query = new URLSearchParams();
  if (options.dryRun === true) query.set("dryRun", "All");
  if (options.manager !== undefined) query.set("fieldManager", options.manager);
  if (options.why !== undefined) query.set("slipwayWhy", options.why);
  if (validates) query.set("fieldValidation", "Strict");
  return query;
}

const withQuery = (path: string, query: URLSearchParams): string => (query.size === 0 ? path : `${path}?${query.toString()}`);

/** The path of a collection or an object; every part is escaped, so that a name cannot lead elsewhere. */
export function pathOf({ group, version, resource, namespaced }: KindPath, namespace: string, name?: string): string {
  const root = group === "" ? ["api", version] : ["apis", group, version];
  const within = namespaced && namespace !== "" ? ["namespaces", namespace] : [];
  const parts = [...root, ...within, resource, ...(name === undefined ? [] : [name])];
  return `/${parts.map((part) => (part === "." || part === ".." ? part.replaceAll(".", "%2E") : encodeURIComponent(part))).join("/")}`;
}
