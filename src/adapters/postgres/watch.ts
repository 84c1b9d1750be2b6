import type pg from "pg";
import type { ResourceVersion } from "../../domain/object/api-object.ts";
import { isStorable, storableSelection } from "../../domain/object/storable-text.ts";
import { watchEventType } from "../../domain/object/watch-event.ts";
import { expiredError } from "../../ports/decide-commit.ts";
import { PortError } from "../../ports/port-error.ts";
import type { WatchBatch, WatchEvent, WatchQuery } from "../../ports/resources.ts";
import { atVersion } from "../../ports/stored-object.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { resourceText } from "./change-ring.ts";
import type { FeedChange } from "./change-ring.ts";
import { feedChangeOfColumns, readChanges } from "./feed-change.ts";
import { readPosition, shownVersion } from "./reader.ts";
import { told } from "./database.ts";
import type { Codec } from "./rows.ts";

interface Parts {
  readonly feed: ChangeFeed;
  readonly readers: pg.Pool;
  readonly codec: Codec;
  readonly place: string;
}

const FROM_RING = 1000;
const FROM_TABLE = 256;

interface Stretch {
  readonly changes: readonly FeedChange[];
  /** Nothing of the resource lies between the last change and here. */
  readonly upTo: ResourceVersion;
}

/** Pulls: a watcher that does not ask costs nothing, however far it falls behind. Rejects with `expired` when its place in the log is gone. */
export async function* watchChanges(
  parts: Parts,
  asked: WatchQuery,
  from: ResourceVersion,
  signal: AbortSignal,
): AsyncGenerator<WatchBatch> {
  if (isCancelled(signal)) return;
  const query = storableSelection(asked);
  const { feed } = parts;
  const news = newsOf(feed, query, signal);
  try {
    const start = shownVersion(await told(parts, () => readPosition(parts.readers)), from);
    for (let cursor = start; !isCancelled(signal);) {
      if (feed.closed) throw new PortError("notDone", "the store is closed; this server is stopping", { reason: "Stopping" });
      if (cursor >= feed.position) {
        await news.next();
        continue;
      }
      const stretch = feed.ring.covers(resourceText(query), cursor)
        ? fromRing(feed, query, cursor)
        : await told(parts, () => fromTable(parts, query, cursor));
      if (stretch.upTo <= cursor) continue;
      cursor = stretch.upTo;
      yield { events: stretch.changes.flatMap((change) => eventOf(query, change) ?? []), resourceVersion: cursor };
    }
  } finally {
    news.close();
  }
}

function fromRing(feed: ChangeFeed, query: WatchQuery, cursor: ResourceVersion): Stretch {
  const changes = feed.ring.after(resourceText(query), cursor, FROM_RING);
  const end = changes.at(-1);
  return { changes, upTo: end !== undefined && changes.length === FROM_RING ? end.version : feed.position };
}

async function fromTable({ readers, codec }: Parts, query: WatchQuery, cursor: ResourceVersion): Promise<Stretch> {
  if (!isStorable(query.group) || !isStorable(query.resource)) return { changes: [], upTo: (await readPosition(readers)).last };
  const page = await readChanges(readers, codec, query, cursor, FROM_TABLE);
  if (cursor < page.horizon || cursor > page.last) throw expiredError(cursor, page.horizon, page.last);
  const changes = page.changes.map(feedChangeOfColumns);
  const end = changes.at(-1);
  return { changes, upTo: end !== undefined && changes.length === FROM_TABLE ? end.version : page.last };
}

function eventOf(query: WatchQuery, { event, before, after, previous, version }: FeedChange): WatchEvent | undefined {
  const type = watchEventType(query, event.object.key, before, after);
  if (type === undefined) return undefined;
  if (type === "deleted" && event.type !== "deleted" && previous !== undefined) return { type, object: atVersion(previous, version) };
  return type === event.type ? event : { type, object: event.object };
}

interface News {
  /** Resolves when something was told since the last time, or the watch was cancelled. */
  next(): Promise<void>;
  close(): void;
}

function newsOf(feed: ChangeFeed, query: WatchQuery, signal: AbortSignal): News {
  let told = false;
  let waiting: (() => void) | undefined;
  const wake = () => {
    told = true;
    waiting?.();
  };
  const stop = feed.subscribe(query, wake);
  signal.addEventListener("abort", wake);
  return {
    next: async () => {
      if (!told && !signal.aborted) await new Promise<void>((resolve) => (waiting = resolve));
      told = false;
      waiting = undefined;
    },
    close: () => {
      stop();
      signal.removeEventListener("abort", wake);
    },
  };
}

/** Asked anew each time: it changes while the generator waits. */
const isCancelled = (signal: AbortSignal): boolean => signal.aborted;
