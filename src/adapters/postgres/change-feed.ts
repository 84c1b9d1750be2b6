import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { resourceVersion } from "../../domain/object/api-object.ts";
import type { ResourceVersion } from "../../domain/object/api-object.ts";
import type { RowChange } from "../../ports/decide-commit.ts";
import { ChangeRing, resourceText } from "./change-ring.ts";
import type { FeedChange } from "./change-ring.ts";
import type { Database } from "./database.ts";
import { feedChangeOf, feedChangeOfColumns, readChanges } from "./feed-change.ts";
import { readNotice } from "./notice.ts";
import { readPosition } from "./reader.ts";
import type { Codec } from "./rows.ts";

/** How often the tail is looked at even if no notice came: notices are a hint, the log is the truth. */
const POLL = 1000;
const PAGE = 1000;
const FIRST_WAIT = 50;
const LONGEST_WAIT = 5000;

export interface FeedParts {
  readonly database: Database;
  readonly codec: Codec;
  readonly ringBytes: number;
  /** Names this control plane: its own notices are not needed. */
  readonly self: string;
  /** A notice of another control plane; `work` absent: of any controller. */
  readonly noticed: (work: readonly string[] | undefined) => void;
  readonly problem: (message: string, error: unknown) => void;
}

/**
 * One tail of the change log per control plane. It sees every change once and in order: versions are dense, so a batch is taken as it is if it continues
 * where the feed stands, and read from the table if it does not. Watchers pull from its ring or, when they are far behind, from the table.
 */
export class ChangeFeed {
  readonly ring: ChangeRing;
  readonly stats = { reconnects: 0, pages: 0 };
  readonly #parts: FeedParts;
  readonly #subscribers = new Map<string, Set<() => void>>();
  readonly #stopped = new AbortController();
  #position = resourceVersion(0);
  #client: pg.Client | undefined;
  #tailing: Promise<void> | undefined;
  #lookAgain = false;
  #listening: Promise<void> | undefined;
  #poll: NodeJS.Timeout | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.ring = new ChangeRing(parts.ringBytes, this.#position);
  }

  /** Every change up to here has been seen. */
  get position(): ResourceVersion {
    return this.#position;
  }

  get closed(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Connects and finds the position. Rejects when that fails; later breaks are mended in the background. */
  async start(): Promise<void> {
    const client = await this.#connect();
    this.#reset((await readPosition(client)).last);
    this.#listening = this.#keepListening(client);
    this.#poll = setInterval(() => {
      this.#tail();
      this.#wakeAll();
    }, POLL).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#poll);
    this.#stopped.abort();
    this.#wakeAll();
    const client = this.#client;
    this.#client = undefined;
    await this.#tailing;
    await client?.end().catch(() => undefined);
    await this.#listening;
  }

  /** What the writer of this control plane has just committed, from version `first` on. */
  accept(changes: readonly RowChange[], first: ResourceVersion): void {
    if (changes.length === 0) return;
    if (first === this.#position + 1) this.#push(changes.map(feedChangeOf));
    else this.#tail(); // others committed in between: the table has it all in order
  }

  /** Calls `wake` when there is something new for the resource, and at times when the feed has moved on without it. Returns the way to stop. */
  subscribe(of: { readonly group: string; readonly resource: string }, wake: () => void): () => void {
    const resource = resourceText(of);
    const wakes = this.#subscribers.get(resource) ?? new Set();
    this.#subscribers.set(resource, wakes.add(wake));
    return () => {
      wakes.delete(wake);
      if (wakes.size === 0 && this.#subscribers.get(resource) === wakes) this.#subscribers.delete(resource);
    };
  }

  #push(changes: readonly FeedChange[]): void {
    const concerned = new Set<string>();
    for (const change of changes) {
      if (change.version <= this.#position) continue;
      this.ring.push(change);
      this.#position = change.version;
      concerned.add(resourceText(change.event.object.key));
    }
    for (const resource of concerned) for (const wake of this.#subscribers.get(resource) ?? []) wake();
  }

  #wakeAll(): void {
    for (const wakes of this.#subscribers.values()) for (const wake of wakes) wake();
  }

  /** For a log that does not continue where the feed stands: it was compacted past it, or the database was restored. */
  #reset(to: ResourceVersion): void {
    this.ring.reset(to);
    this.#position = to;
    this.#wakeAll();
  }

  /** Reads what is new, once more if asked while it reads. */
  #tail(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#lookAgain = true;
    this.#tailing ??= this.#readTail(client)
      .catch((error: unknown) => {
        this.#parts.problem("reading the change log failed; trying again", error);
        client.end().catch(() => undefined); // which makes a new one
      })
      .finally(() => {
        this.#tailing = undefined;
      });
  }

  async #readTail(client: pg.Client): Promise<void> {
    while (this.#lookAgain && !this.closed) {
      this.#lookAgain = false;
      while (await this.#readPage(client));
    }
  }

  /** Whether there may be more. */
  async #readPage(client: pg.Client): Promise<boolean> {
    const start = this.#position;
    const page = await readChanges(client, this.#parts.codec, undefined, start, PAGE);
    this.stats.pages++;
    // While this was read the writer may have pushed on from `start`; what it pushed is not pushed again.
    if (page.last < start && this.#position === start) this.#reset(page.last);
    else if (page.horizon > this.#position) this.#reset(page.horizon);
    this.#push(page.changes.map(feedChangeOfColumns));
    return page.changes.length === PAGE;
  }

  async #connect(): Promise<pg.Client> {
    const client = this.#parts.database.client("feed");
    try {
      await client.connect();
      client.on("notification", ({ payload }) => {
        this.#hear(payload);
      });
      await client.query("LISTEN slipway");
      return client;
    } catch (error) {
      client.end().catch(() => undefined);
      throw error;
    }
  }

  #hear(payload: string | undefined): void {
    const notice = readNotice(payload);
    if (notice.by === this.#parts.self) return;
    this.#parts.noticed(notice.work);
    this.#tail();
  }

  async #keepListening(first: pg.Client): Promise<void> {
    for (let client: pg.Client | undefined = first; client !== undefined; client = await this.#reconnect()) {
      this.#client = client;
      this.#tail();
      await ended(client, this.#stopped.signal);
      if (this.#client === client) this.#client = undefined;
      // What was missed may have been work, too.
      this.#parts.noticed(undefined);
    }
  }

  /** undefined when the feed is closed. */
  async #reconnect(): Promise<pg.Client | undefined> {
    for (let wait = FIRST_WAIT; !this.closed; wait = Math.min(LONGEST_WAIT, wait * 2)) {
      await sleep(wait, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      this.stats.reconnects++;
      const client = await this.#connect().catch((error: unknown) => {
        if (!this.closed) this.#parts.problem("listening for changes failed; trying again", error);
        return undefined;
      });
      if (client === undefined) continue;
      if (!this.#stopped.signal.aborted) return client;
      client.end().catch(() => undefined);
    }
    return undefined;
  }
}

function ended(client: pg.Client, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stopped.removeEventListener("abort", done);
      resolve();
    };
    client.once("end", done);
    stopped.addEventListener("abort", done);
    if (stopped.aborted) done();
  });
}
