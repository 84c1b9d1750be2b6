import type { ResourceVersion } from "../../domain/object/api-object.ts";
import type { Selectable } from "../../domain/object/watch-event.ts";
import type { StoredObject, WatchEvent } from "../../ports/resources.ts";

/** A change as watchers need it. */
export interface FeedChange {
  readonly version: ResourceVersion;
  /** The event for whoever watches without a selector. */
  readonly event: WatchEvent;
  readonly before: Selectable | undefined;
  readonly after: Selectable | undefined;
  /** The state before, kept only where labels or fields changed: otherwise no selector can be left. */
  readonly previous: StoredObject | undefined;
  /** Length of the texts it holds. */
  readonly bytes: number;
}

interface Log {
  /** Those before `head` are forgotten; they are cut off now and then, as shift() moves all the rest. */
  changes: FeedChange[];
  head: number;
  /** Changes up to here are not in this log any more. */
  forgotten: ResourceVersion;
}

/** The newest changes of every resource, in at most so many bytes of JSON text (and what JavaScript needs around it). */
export class ChangeRing {
  readonly #limit: number;
  readonly #logs = new Map<string, Log>();
  #order: Log[] = [];
  #head = 0;
  #bytes = 0;
  #floor: ResourceVersion;

  constructor(limit: number, floor: ResourceVersion) {
    this.#limit = limit;
    this.#floor = floor;
  }

  push(change: FeedChange): void {
    const log = this.#logOf(resourceText(change.event.object.key));
    log.changes.push(change);
    this.#order.push(log);
    this.#bytes += sizeOf(change);
    while (this.#bytes > this.#limit && this.#head < this.#order.length) this.#forgetOldest();
  }

  /** Forgets everything; whatever is asked for from before `floor` is not here. */
  reset(floor: ResourceVersion): void {
    this.#logs.clear();
    this.#order = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#floor = floor;
  }

  /** Whether every change of the resource after `cursor` is here. */
  covers(resource: string, cursor: ResourceVersion): boolean {
    return cursor >= (this.#logs.get(resource)?.forgotten ?? this.#floor);
  }

  /** At most `count` changes of the resource after `cursor`. */
  after(resource: string, cursor: ResourceVersion, count: number): readonly FeedChange[] {
    const { changes, head } = this.#logs.get(resource) ?? { changes: [], head: 0 };
    const start = firstAfter(changes, head, cursor);
    return changes.slice(start, start + count);
  }

  #logOf(resource: string): Log {
    const found = this.#logs.get(resource);
    if (found !== undefined) return found;
    const log: Log = { changes: [], head: 0, forgotten: this.#floor };
    this.#logs.set(resource, log);
    return log;
  }

  #forgetOldest(): void {
    // The oldest of all is the oldest of its own log.
    const log = this.#order[this.#head++];
    const change = log?.changes[log.head++];
    if (log === undefined || change === undefined) return;
    log.forgotten = change.version;
    if (log.head > 1000 && log.head * 2 > log.changes.length) {
      log.changes = log.changes.slice(log.head);
      log.head = 0;
    }
    this.#bytes -= sizeOf(change);
    if (this.#head > 10_000 && this.#head * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    }
  }
}

export const resourceText = (of: { readonly group: string; readonly resource: string }): string => `${of.group}/${of.resource}`;

/** With what JavaScript needs around the text. */
const sizeOf = ({ bytes }: FeedChange): number => 512 + bytes;

function firstAfter(changes: readonly FeedChange[], head: number, cursor: ResourceVersion): number {
  let low = head;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle]?.version ?? cursor) > cursor) high = middle;
    else low = middle + 1;
  }
  return low;
}
