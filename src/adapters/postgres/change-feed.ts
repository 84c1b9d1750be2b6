import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { resourceVersion } from "../../domain/object/api-object.ts";
import type { ResourceVersion } from "../../domain/object/api-object.ts";
import type { RowChange } from "../../ports/decide-commit.ts";
import { ChangeRing, resourceText } from "./change-ring.ts";
import type { FeedChange } from "./change-ring.ts";
import type { Database } from "./database.ts";
import { feedChangeOf, feedChangeOfColumns, readChanges } from "./feed-change.ts";
import { readPosition } from "./reader.ts";
import type { Codec } from "./rows.ts";

/** How often the tail is looked at even if no notice came: notices are a hint, the log is the truth. */
const POLL = 1000;
const PAGE = 1000;

export interface ChangeFeed {
  /** Connects and finds the position. Rejects when the first attempt fails; later breaks are mended in the background. */
  start(): Promise<void>;
  close(): Promise<void>;
  readonly ring: ChangeRing;
  /** Every change up to here has been seen. */
  readonly position: ResourceVersion;
  readonly closed: boolean;
  /** What the writer of this control plane has just committed. */
  accept(changes: readonly RowChange[], first: ResourceVersion): void;
  /** Called when there is something new for the resource, and at times when the feed has moved on without it. Returns the way to stop. */
  subscribe(of: { readonly group: string; readonly resource: string }, wake: () => void): () => void;
  readonly stats: { reconnects: number; pages: number };
}

export interface FeedParts {
  readonly database: Database;
  readonly codec: Codec;
  readonly ringBytes: number;
  /** A notice of another control plane. */
  readonly noticed: (work: readonly string[] | undefined) => void;
  readonly self: string;
  readonly problem: (message: string, error: unknown) => void;
}

/**
 * One tail of the change log per control plane. It sees every change once and in order: versions are dense, so a batch is taken as it is if it continues
 * where the feed stands, and read from the table if it does not. Watchers pull from its ring or, when they are far behind, from the table.
 */
export function changeFeed({ database, codec, ringBytes, noticed, self, problem }: FeedParts): ChangeFeed {
  const ring = new ChangeRing(ringBytes, resourceVersion(0));
  const subscribers = new Map<string, Set<() => void>>();
  const stats = { reconnects: 0, pages: 0 };
  const stopped = new AbortController();
  let position = resourceVersion(0);
  let client: pg.Client | undefined;
  let tailing: Promise<void> | undefined;
  let again = false;

  const push = (changes: readonly FeedChange[]) => {
    const concerned = new Set<string>();
    for (const change of changes) {
      if (change.version <= position) continue;
      ring.push(change);
      position = change.version;
      concerned.add(resourceText(change.event.object.key));
    }
    for (const resource of concerned) for (const wake of subscribers.get(resource) ?? []) wake();
  };
  const wakeAll = () => {
    for (const wakes of subscribers.values()) for (const wake of wakes) wake();
  };
  /** A log that does not continue where the feed stands: it was compacted past it, or the database was restored. */
  const reset = (to: ResourceVersion) => {
    ring.reset(to);
    position = to;
    wakeAll();
  };
  const readTail = async (from: pg.Client) => {
    do {
      again = false;
      for (;;) {
        const start = position;
        const page = await readChanges(from, codec, undefined, start, PAGE);
        stats.pages++;
        if (page.last < start && position === start) reset(page.last);
        else if (page.horizon > position) reset(page.horizon);
        push(page.changes.map(feedChangeOfColumns));
        if (page.changes.length < PAGE) break;
      }
    } while (again);
  };
  const tail = () => {
    const from = client;
    if (from === undefined) return;
    again = true;
    tailing ??= readTail(from)
      .catch((error: unknown) => {
        problem("reading the change log failed; trying again", error);
        from.end().catch(() => undefined);
      })
      .finally(() => {
        tailing = undefined;
      });
  };
  const listen = async (): Promise<pg.Client> => {
    const made = database.client("feed");
    try {
      await made.connect();
      made.on("notification", ({ payload }) => {
        const notice = noticeOf(payload);
        if (notice.by === self) return;
        noticed(notice.work);
        tail();
      });
      await made.query("LISTEN slipway");
    } catch (error) {
      made.end().catch(() => undefined);
      throw error;
    }
    return made;
  };
  const keepListening = async (first: pg.Client) => {
    for (let current: pg.Client | undefined = first, wait = 50; !stopped.signal.aborted;) {
      if (current !== undefined) {
        client = current;
        wait = 50;
        tail();
        await ended(current, stopped.signal);
        client = undefined;
        current = undefined;
        continue;
      }
      await sleep(wait, undefined, { signal: stopped.signal }).catch(() => undefined);
      wait = Math.min(5000, wait * 2);
      if (stopped.signal.aborted) return;
      stats.reconnects++;
      current = await listen().catch((error: unknown) => {
        problem("listening for changes failed; trying again", error);
        return undefined;
      });
    }
  };
  let loop: Promise<void> | undefined;
  const poll = setInterval(() => {
    tail();
    wakeAll();
  }, POLL);
  poll.unref();

  return {
    ring,
    stats,
    get position() {
      return position;
    },
    get closed() {
      return stopped.signal.aborted;
    },
    start: async () => {
      const first = await listen();
      const { last } = await readPosition(first);
      reset(last);
      loop = keepListening(first);
    },
    close: async () => {
      clearInterval(poll);
      stopped.abort();
      wakeAll();
      const last = client;
      client = undefined;
      await tailing;
      await last?.end().catch(() => undefined);
      await loop;
    },
    accept: (changes, first) => {
      // Others committed in between: the table has it all in order.
      if (changes.length > 0 && first === position + 1) push(changes.map(feedChangeOf));
      else if (changes.length > 0) tail();
    },
    subscribe: (of, wake) => {
      const resource = resourceText(of);
      const wakes = subscribers.get(resource) ?? new Set();
      subscribers.set(resource, wakes.add(wake));
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0 && subscribers.get(resource) === wakes) subscribers.delete(resource);
      };
    },
  };
}

function ended(client: pg.Client, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    client.once("end", done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

/** Anybody with access to the database can send a notice: what cannot be read says only "look". */
function noticeOf(payload: string | undefined): { readonly by?: string; readonly work?: readonly string[] } {
  try {
    const notice: unknown = JSON.parse(payload ?? "{}");
    const { by, work } = Object(notice) as { by?: unknown; work?: unknown }; // both are looked at below
    return {
      ...(typeof by === "string" ? { by } : {}),
      ...(Array.isArray(work) ? { work: work.filter((controller) => typeof controller === "string") } : {}),
    };
  } catch {
    return {};
  }
}
