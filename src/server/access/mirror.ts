import type { ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import { keyText } from "../../domain/object/api-object.ts";
import type { Milliseconds } from "../../domain/units.ts";
import { later, milliseconds, seconds } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Resources, StoredObject, WatchBatch } from "../../ports/resources.ts";
import { ResourceError } from "../../ports/resources.ts";

/** A resource that is mirrored whole. */
export type Mirrored = Pick<ObjectKey, "group" | "resource">;

/**
 * Some resources kept in memory and in step by list and watch. What is read may be as old as the watch is slow, never older than what
 * `noted` was told of. It lives until its signal is aborted; a store that fails is asked again with growing pauses, and what was known stays.
 */
export interface Mirror {
  /** Resolves when everything was listed once and what was noted has been seen (for that it waits a second at most). Throws PortError `notDone` after five seconds without a list. */
  ready(): Promise<void>;
  /** Changes with every change of what is mirrored. */
  readonly generation: number;
  get(key: ObjectKey): StoredObject | undefined;
  all(of: Mirrored): readonly StoredObject[];
  /** Somebody in this process has written this object: the next `ready` waits until the mirror has it. */
  noted(key: ObjectKey, version: ResourceVersion): void;
}

const FIRST_LIST: Milliseconds = seconds(5);
const NOTED: Milliseconds = seconds(1);
const LONGEST_PAUSE = 5_000;

interface Copy {
  readonly of: Mirrored;
  objects: Map<string, StoredObject>;
  /** Absent before the first list. */
  at: ResourceVersion | undefined;
  noted: number;
}

/** Begins at once. */
export function mirror(resources: Resources, of: readonly Mirrored[], clock: Clock, signal: AbortSignal): Mirror {
  const copies = of.map((each): Copy => ({ of: each, objects: new Map(), at: undefined, noted: 0 }));
  const change = changes();
  let generation = 0;
  const changed = (): void => {
    generation += 1;
    change.happened();
  };
  for (const copy of copies) void follow(resources, copy, clock, signal, changed, change.happened);
  const copyOf = ({ group, resource }: Mirrored): Copy | undefined =>
    copies.find((copy) => copy.of.group === group && copy.of.resource === resource);
  const isListed = (): boolean => copies.every(({ at }) => at !== undefined);
  const isCaughtUp = (): boolean => copies.every(({ at, noted }) => at !== undefined && at >= noted);
  return {
    get generation() {
      return generation;
    },
    async ready() {
      if (isCaughtUp()) return;
      if (!isListed() && !(await change.until(isListed, FIRST_LIST, clock)))
        throw new PortError(
          "notDone",
          `${of.map(({ resource }) => resource).join(", ")} could not be read from the store yet; try again in a moment`,
        );
      await change.until(isCaughtUp, NOTED, clock);
    },
    get: (key) => copyOf(key)?.objects.get(keyText(key)),
    all: (each) => [...(copyOf(each)?.objects.values() ?? [])],
    noted(key, version) {
      const copy = copyOf(key);
      if (copy !== undefined) copy.noted = Math.max(copy.noted, version);
    },
  };
}

/** The resources as they are, telling the mirrors of every write that goes through: what was granted or revoked here counts from the next request on. */
export function telling(resources: Resources, mirrors: readonly Mirror[]): Resources {
  return {
    get: (key) => resources.get(key),
    list: (query) => resources.list(query),
    snapshot: (read) => resources.snapshot(read),
    watch: (query, from, signal) => resources.watch(query, from, signal),
    async commit(transaction) {
      const stored = await resources.commit(transaction);
      if (transaction.dryRun !== true)
        for (const { key, resourceVersion } of stored) for (const each of mirrors) each.noted(key, resourceVersion);
      return stored;
    },
  };
}

async function follow(
  resources: Resources,
  copy: Copy,
  clock: Clock,
  signal: AbortSignal,
  changed: () => void,
  moved: () => void,
): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      const from = copy.at ?? (await listed(resources, copy, changed));
      for await (const batch of resources.watch(copy.of, from, signal)) {
        failures = 0;
        apply(copy, batch);
        if (batch.events.length > 0) changed();
        else moved();
      }
    } catch (error) {
      if (error instanceof ResourceError && error.reason === "expired" && (await relisted(resources, copy, changed))) continue;
    }
    failures += 1;
    // 100 ms, 200 ms, 400 ms … 5 s; that the signal ended the pause is seen by the loop
    await clock
      .until(later(clock.now(), milliseconds(Math.min(LONGEST_PAUSE, 50 * 2 ** Math.min(failures, 10)))), signal)
      .catch(() => undefined);
  }
}

async function relisted(resources: Resources, copy: Copy, changed: () => void): Promise<boolean> {
  return listed(resources, copy, changed).then(
    () => true,
    () => false,
  );
}

async function listed(resources: Resources, copy: Copy, changed: () => void): Promise<ResourceVersion> {
  const page = await resources.list(copy.of);
  copy.objects = new Map(page.items.map((stored) => [keyText(stored.key), stored]));
  copy.at = page.resourceVersion;
  changed();
  return page.resourceVersion;
}

function apply(copy: Copy, batch: WatchBatch): void {
  for (const { type, object } of batch.events) {
    if (type === "deleted") copy.objects.delete(keyText(object.key));
    else copy.objects.set(keyText(object.key), object);
  }
  copy.at = batch.resourceVersion;
}

interface Changes {
  readonly happened: () => void;
  /** Whether the condition came true in time. */
  until(holds: () => boolean, atMost: Milliseconds, clock: Clock): Promise<boolean>;
}

function changes(): Changes {
  const waiting = new Set<() => void>();
  return {
    happened: () => {
      for (const look of waiting) look();
    },
    async until(holds, atMost, clock) {
      if (holds()) return true;
      const ended = new AbortController();
      let look = (): void => undefined;
      const came = new Promise<void>((resolve) => {
        look = () => {
          if (holds()) resolve();
        };
        waiting.add(look);
      });
      await Promise.race([came, clock.until(later(clock.now(), atMost), ended.signal).catch(() => undefined)]);
      waiting.delete(look);
      ended.abort();
      return holds();
    },
  };
}
