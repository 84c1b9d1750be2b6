import type { ResourceVersion } from "../../domain/object/api-object.ts";
import { later, seconds, type Instant } from "../../domain/units.ts";
import { ResourceError, type StoredObject, type WatchBatch, type WatchQuery } from "../../ports/resources.ts";
import { selectionAttributes } from "../admission/attributes.ts";
import type { Ask, VerbParts } from "./ask.ts";

/** How a watch is asked for: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export interface WatchAsk {
  readonly query: WatchQuery;
  /** `list`: show what is there as `added` first (it must be at least as new as the version given), then go on from that moment. */
  readonly start: { readonly list: ResourceVersion | undefined } | { readonly from: ResourceVersion | "now" };
  readonly bookmarks: boolean;
  /** After the first `added` events comes a bookmark that says so. */
  readonly marksInitialEnd: boolean;
  readonly until: Instant;
}

export type WatchMessage =
  | { readonly type: "added" | "modified" | "deleted"; readonly object: StoredObject }
  | { readonly type: "bookmark"; readonly resourceVersion: ResourceVersion; readonly initialEventsEnd: boolean }
  | { readonly type: "error"; readonly error: ResourceError };

const BOOKMARK_EVERY = seconds(60);
const INITIAL_PAGE = 500;

/**
 * The events of a watch in portions, until its time is over (then it ends with a bookmark), `signal` fires, or its version is forgotten
 * (then it ends with one error message). Ask `authorizeWatch` first. Throws PortError.
 */
export async function* watch(parts: VerbParts, asked: WatchAsk, signal: AbortSignal): AsyncGenerator<readonly WatchMessage[], undefined> {
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  try {
    const start = yield* initialEvents(parts, asked);
    yield* changes(parts, asked, start, stop);
  } catch (error) {
    if (!(error instanceof ResourceError) || error.reason !== "expired") throw error;
    yield [{ type: "error", error }];
  } finally {
    ended.abort();
  }
}

/** Asks for the right to watch; of a single name, for that name. */
export async function authorizeWatch(parts: VerbParts, ask: Ask, query: WatchQuery): Promise<void> {
  await parts.admission.authorize(ask.caller, selectionAttributes(ask.kind, query, "watch"));
}

async function* initialEvents(parts: VerbParts, asked: WatchAsk): AsyncGenerator<readonly WatchMessage[], ResourceVersion> {
  const { start } = asked;
  if ("from" in start)
    return start.from === "now" ? (await parts.resources.list({ ...asked.query, limit: 1 })).resourceVersion : start.from;
  let page = await parts.resources.list({ ...asked.query, limit: INITIAL_PAGE });
  const from = page.resourceVersion;
  if (start.list !== undefined && start.list > from)
    throw new ResourceError("expired", `Too large resource version: ${start.list}, current: ${from}`);
  for (;;) {
    if (page.items.length > 0) yield page.items.map((object) => ({ type: "added", object }));
    if (page.next === undefined) break;
    page = await parts.resources.list({ ...asked.query, limit: INITIAL_PAGE, after: page.next });
  }
  if (asked.marksInitialEnd && asked.bookmarks) yield [{ type: "bookmark", resourceVersion: from, initialEventsEnd: true }];
  return from;
}

async function* changes(
  parts: VerbParts,
  asked: WatchAsk,
  from: ResourceVersion,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchMessage[], undefined> {
  const { clock } = parts;
  const batches = parts.resources.watch(asked.query, from, signal)[Symbol.asyncIterator]();
  let seen = from;
  let next = nextOf(batches);
  for (;;) {
    const bookmarkAt = later(clock.now(), BOOKMARK_EVERY);
    const tick = clock.until(bookmarkAt < asked.until ? bookmarkAt : asked.until, signal).then(nothing, nothing);
    for (let first = await Promise.race([next, tick]); first !== undefined; first = await Promise.race([next, tick])) {
      if (first.done === true) return;
      seen = first.value.resourceVersion;
      next = nextOf(batches);
      if (first.value.events.length > 0) yield messagesOf(first.value);
    }
    if (signal.aborted) return;
    if (asked.bookmarks) yield [{ type: "bookmark", resourceVersion: seen, initialEventsEnd: false }];
    if (clock.now() >= asked.until) return;
  }
}

/** Read ahead by one batch; a watch that ends before it is awaited must not leave a rejection behind. */
function nextOf(batches: AsyncIterator<WatchBatch>): Promise<IteratorResult<WatchBatch>> {
  const next = batches.next();
  next.catch(nothing);
  return next;
}

function messagesOf({ events }: WatchBatch): readonly WatchMessage[] {
  return events.map(({ type, object }) => ({ type, object }));
}

const nothing = (): undefined => undefined;
