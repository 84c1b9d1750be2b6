import { compareNames } from "../../domain/object/byte-order.ts";
import { keyText } from "../../domain/object/api-object.ts";
import type { ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import { isStorableKey, storableSelection, storableText } from "../../domain/object/storable-text.ts";
import { isSelected, watchEventType } from "../../domain/object/watch-event.ts";
import type { Clock } from "../../ports/clock.ts";
import { checkTransaction, decideCommit, fencedError } from "../../ports/decide-commit.ts";
import type { Row } from "../../ports/decide-commit.ts";
import type { NewRecord } from "../../ports/records.ts";
import type {
  Derivations,
  ListPage,
  ListQuery,
  Reader,
  Resources,
  StoredObject,
  Transaction,
  WakeRule,
  WatchBatch,
  WatchEvent,
  WatchQuery,
} from "../../ports/resources.ts";
import { atVersion } from "../../ports/stored-object.ts";
import type { Wake } from "../../ports/work.ts";
import type { LoggedChange, MemoryLog } from "./memory-log.ts";
import type { MemoryWork } from "./memory-work.ts";

interface Parts {
  readonly log: MemoryLog;
  readonly work: MemoryWork;
  readonly clock: Clock;
  readonly derivations: Derivations;
}

/** Nothing here waits between reading and writing, so every call is one moment of the store. */
export function memoryResources(parts: Parts): Resources {
  const { log } = parts;
  const now = (): Reader => readerOf(log, undefined);
  return {
    get: async (key) => now().get(key),
    list: async (query) => now().list(query),
    snapshot: async (read) => read(frozenReader(log)),
    watch: (query, from, signal) => watch(log, storableSelection(query), from, signal),
    commit: async (transaction) => {
      await Promise.resolve(); // as with any store, nothing has happened yet when the call returns
      return commit(parts, transaction);
    },
  };
}

function commit({ log, work, clock, derivations }: Parts, transaction: Transaction): readonly StoredObject[] {
  checkTransaction(transaction);
  const { guard, finish } = transaction;
  if (guard !== undefined && !work.holds(guard)) throw fencedError(guard.controller, guard.key);
  const decided = decideCommit(transaction, (key) => log.get(key), log.last, derivations);
  if (transaction.dryRun === true) return decided.stored;
  const at = clock.now();
  log.append(decided.changes, at);
  const first = (log.records.at(-1)?.position ?? 0) + 1;
  log.records.push(...(transaction.records ?? []).map((record, index) => ({ ...storableRecord(record), position: first + index, at })));
  work.wakeNow([...decided.wakes.flatMap((rule) => wakesOf(log, rule)), ...(transaction.wakes ?? [])]);
  if (guard !== undefined && finish !== undefined) work.end(guard, finish.wakeAt, finish.failed === true ? guard.attempts + 1 : 0);
  return decided.stored;
}

/** The work that a rule makes due on what is stored now. */
export function wakesOf(log: MemoryLog, rule: WakeRule): readonly Wake[] {
  if ("key" in rule) return [rule];
  const link = storableText(rule.linkedTo);
  return log
    .rowsOf(rule.group, rule.resource)
    .filter((row) => row.links.includes(link))
    .map((row) => ({ controller: rule.controller, key: row.stored.key }));
}

function storableRecord(record: NewRecord): NewRecord {
  return {
    ...record,
    actor: storableText(record.actor),
    reason: storableText(record.reason),
    message: storableText(record.message),
    details: structuredClone(record.details),
  };
}

/** The reader of a snapshot: it goes on showing the version at which it was made. */
function frozenReader(log: MemoryLog): Reader {
  return readerOf(log, { version: log.last, rows: new Map<string, readonly Row[]>() });
}

function readerOf(
  log: MemoryLog,
  frozen: { readonly version: ResourceVersion; readonly rows: Map<string, readonly Row[]> } | undefined,
): Reader {
  const rowsAt = (group: string, resource: string, version: ResourceVersion): readonly Row[] => {
    log.shown(version);
    return version === log.last ? log.rowsOf(group, resource) : rewound(log, group, resource, version);
  };
  return {
    get: async (key: ObjectKey) => {
      await Promise.resolve();
      if (!isStorableKey(key)) return undefined;
      if (frozen === undefined) return log.get(key)?.stored;
      return rowsAt(key.group, key.resource, frozen.version).find((row) => keyText(row.stored.key) === keyText(key))?.stored;
    },
    list: async (query) => {
      await Promise.resolve();
      const version = log.shown(query.after?.at ?? query.at ?? frozen?.version ?? log.last);
      return pageOf(rowsAt(query.group, query.resource, version), storableSelection(query), version);
    },
  };
}

/** The rows as they were: what changed since then is put back to what it was before its first change. */
function rewound(log: MemoryLog, group: string, resource: string, version: ResourceVersion): readonly Row[] {
  const before = new Map<string, Row | undefined>();
  for (const { row, previous } of log.changesAfter(version)) {
    const { key } = row.stored;
    if (key.group === group && key.resource === resource && !before.has(keyText(key))) before.set(keyText(key), previous);
  }
  const untouched = log.rowsOf(group, resource).filter((row) => !before.has(keyText(row.stored.key)));
  return [...untouched, ...[...before.values()].filter((row) => row !== undefined)];
}

function pageOf(rows: readonly Row[], query: ListQuery, version: ResourceVersion): ListPage {
  const { after, limit } = query;
  const link = query.linkedTo === undefined ? undefined : storableText(query.linkedTo);
  const found = rows
    .filter((row) => isSelected(query, row.stored.key, row) && (link === undefined || row.links.includes(link)))
    .map((row) => row.stored)
    .sort((a, b) => compareNames(a.key, b.key))
    .filter((stored) => after === undefined || compareNames(stored.key, after) > 0);
  const items = limit === undefined ? found : found.slice(0, limit);
  const end = items.at(-1);
  if (end === undefined || items.length === found.length) return { items, resourceVersion: version };
  return { items, resourceVersion: version, next: { at: version, namespace: end.key.namespace, name: end.key.name } };
}

async function* watch(log: MemoryLog, query: WatchQuery, from: ResourceVersion, signal: AbortSignal): AsyncGenerator<WatchBatch> {
  const cancelled = Promise.withResolvers<undefined>();
  const cancel = () => {
    cancelled.resolve(undefined);
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (let cursor = from; !signal.aborted;) {
      cursor = log.shown(cursor);
      if (cursor === log.last) {
        await Promise.race([log.changed, cancelled.promise]);
        continue;
      }
      const events = log.changesAfter(cursor).flatMap((change) => eventOf(query, change));
      cursor = log.last;
      yield { events, resourceVersion: cursor };
    }
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function eventOf(query: WatchQuery, { type: change, version, row, previous }: LoggedChange): readonly WatchEvent[] {
  const { key } = row.stored;
  if (key.group !== query.group || key.resource !== query.resource) return [];
  const type = watchEventType(query, key, previous, change === "deleted" ? undefined : row);
  if (type === undefined) return [];
  const leaves = type === "deleted" && change !== "deleted" && previous !== undefined;
  return [{ type, object: leaves ? atVersion(previous.stored, version) : row.stored }];
}
