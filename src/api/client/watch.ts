import { textAt } from "../columns.ts";
import type { As, KindPath, Selection } from "./client.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { readJson, readLines } from "./read-answer.ts";
import type { Wait } from "./retrying.ts";
import { statusIn, StatusError } from "./status-error.ts";
import { type ApiAnswer, ConnectError } from "./transport.ts";

/** A list read to its end. `items` are objects, or the rows of a Table. */
export interface ListOf {
  readonly resourceVersion: string;
  readonly items: readonly JsonObject[];
  /** Of a Table: its columnDefinitions. */
  readonly columns: readonly JsonObject[];
}

export type Watched =
  /** All there is: replaces what was known. First, and again when the server has forgotten what came in between. */
  | ({ readonly type: "listed" } & ListOf)
  /** `object` is the object, or the one row of a Table. */
  | { readonly type: "added" | "modified" | "deleted"; readonly object: JsonObject };

/** What reading needs of a client. */
export interface Reading {
  readonly page: (kind: KindPath, query: URLSearchParams, namespace: string, as: As) => Promise<JsonObject>;
  readonly stream: (
    kind: KindPath,
    query: URLSearchParams,
    namespace: string,
    as: As,
    idleMs: number,
    signal: AbortSignal,
  ) => Promise<ApiAnswer>;
  readonly wait: Wait;
  readonly chance: () => number;
  readonly onGap: (error: Error) => void;
}

const PAGE = 500;
const UNLIMITED = 0;
/** The server ends a watch after this, and sends a bookmark each minute: silence for longer than two is a dead connection. */
const WATCH_SECONDS = 600;
const WATCH_IDLE_MS = 150_000;
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** All pages. When the version of the first page is forgotten in between, everything is read anew, once, in one answer. */
export async function listOf(reading: Reading, kind: KindPath, selection: Selection, as: As): Promise<ListOf> {
  try {
    return await readPages(reading, kind, selection, as, PAGE);
  } catch (error) {
    if (!isGone(error)) throw error;
    return readPages(reading, kind, selection, as, UNLIMITED);
  }
}

async function readPages(reading: Reading, kind: KindPath, selection: Selection, as: As, limit: number): Promise<ListOf> {
  const items: JsonObject[] = [];
  let first: ListOf | undefined;
  let last: ListOf | undefined;
  for await (const page of pagesOf(reading, kind, selection, as, limit)) {
    first ??= page;
    last = page;
    for (const item of page.items) items.push(item);
  }
  return { items, columns: first?.columns ?? [], resourceVersion: last?.resourceVersion ?? "" };
}

/** Page by page, for who may have seen enough before the end. Throws a 410 when the version of the first page is forgotten. */
export async function* pagesOf(
  reading: Reading,
  kind: KindPath,
  selection: Selection,
  as: As,
  limit: number = PAGE,
): AsyncGenerator<ListOf> {
  for (let next: string | undefined = ""; next !== undefined;) {
    const query = selecting(selection);
    if (limit !== UNLIMITED) query.set("limit", String(limit));
    if (next !== "") query.set("continue", next);
    const page = await reading.page(kind, query, selection.namespace, as);
    yield {
      items: objectsIn(page[as === "Table" ? "rows" : "items"]),
      columns: objectsIn(page["columnDefinitions"]),
      resourceVersion: textAt(page, "metadata", "resourceVersion"),
    };
    const token = textAt(page, "metadata", "continue");
    next = token === "" ? undefined : token;
  }
}

export async function* watchOf(
  reading: Reading,
  kind: KindPath,
  selection: Selection,
  as: As,
  signal: AbortSignal,
): AsyncGenerator<Watched> {
  let version = "";
  let failures = 0;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      if (version === "") {
        if (failures > 0) failures += 1;
        const list = await listOf(reading, kind, selection, as);
        version = list.resourceVersion;
        yield { type: "listed", ...list };
      }
      failures += 1; // a stream that ends before it said anything is a failure too
      for await (const event of eventsFrom(reading, kind, selection, as, version, signal)) {
        failures = 0;
        version = versionOf(event.object) ?? version;
        if (event.type !== "bookmark") yield { type: event.type, object: as === "Table" ? rowOf(event.object) : event.object };
      }
    } catch (error) {
      if (isOver()) return;
      if (isGone(error)) version = "";
      // Before the first list there is nothing to go on with: the caller wants to hear of it.
      else if (!isPassing(error) || (version === "" && failures === 0)) throw error;
      else reading.onGap(error);
      failures = Math.max(failures, 1);
    }
    if (failures > 0) await reading.wait(pauseAfter(failures, reading.chance()), signal).catch(() => undefined);
  }
}

type RawEvent = { readonly type: "added" | "modified" | "deleted" | "bookmark"; readonly object: JsonObject };

async function* eventsFrom(
  reading: Reading,
  kind: KindPath,
  selection: Selection,
  as: As,
  version: string,
  signal: AbortSignal,
): AsyncGenerator<RawEvent> {
  const query = selecting(selection);
  for (const [name, value] of [
    ["watch", "true"],
    ["allowWatchBookmarks", "true"],
    ["resourceVersion", version],
    ["timeoutSeconds", String(WATCH_SECONDS)],
  ] as const)
    query.set(name, value);
  const answer = await reading.stream(kind, query, selection.namespace, as, WATCH_IDLE_MS, signal);
  for await (const line of readLines(answer)) yield eventOf(line);
}

const TYPES: Readonly<Record<string, RawEvent["type"]>> = {
  ADDED: "added",
  MODIFIED: "modified",
  DELETED: "deleted",
  BOOKMARK: "bookmark",
};

function eventOf(line: string): RawEvent {
  const event: JsonValue | undefined = readJson(line);
  const object = isJsonObject(event) ? event["object"] : undefined;
  const word = isJsonObject(event) && typeof event["type"] === "string" ? event["type"] : "";
  if (word === "ERROR") {
    const code = isJsonObject(object) && typeof object["code"] === "number" ? object["code"] : 500;
    throw new StatusError(statusIn(code, object, ""));
  }
  const type = TYPES[word];
  if (type === undefined || !isJsonObject(object))
    throw new ConnectError("broken", "the watch sent something that is no event", { sent: true });
  return { type, object };
}

function selecting({ labels, fields }: Selection): URLSearchParams {
  const query = new URLSearchParams();
  if (labels !== undefined && labels !== "") query.set("labelSelector", labels);
  if (fields !== undefined && fields !== "") query.set("fieldSelector", fields);
  return query;
}

/** Of an object, or of a Table of one row. */
function versionOf(object: JsonObject): string | undefined {
  const version = textAt(rowOf(object), "object", "metadata", "resourceVersion") || textAt(object, "metadata", "resourceVersion");
  return version === "" ? undefined : version;
}

const rowOf = (table: JsonObject): JsonObject => objectsIn(table["rows"])[0] ?? {};

/** A forgotten version: list again. */
const isGone = (error: unknown): boolean => error instanceof StatusError && error.status.code === 410;

/** What passes by itself: a broken connection, a server that restarts. */
function isPassing(error: unknown): error is Error {
  if (error instanceof StatusError) return error.status.code === 429 || error.status.code >= 500;
  return error instanceof ConnectError && !["untrusted", "certificateExpired", "wrongHost", "notTls"].includes(error.problem);
}

const pauseAfter = (failures: number, chance: number): number =>
  Math.min(SHORTEST_PAUSE_MS * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS) * (0.75 + chance / 2);

function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isJsonObject) : []; // Array.isArray makes `any[]` of it
}
