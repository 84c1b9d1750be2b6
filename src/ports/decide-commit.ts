import type { ApiObject, ObjectKey, ResourceVersion, StringMap } from "../domain/object/api-object.ts";
import { keyText, resourceVersion } from "../domain/object/api-object.ts";
import { labelsOf } from "../domain/object/selector.ts";
import { isStorable, isStorableKey, storableMap, storableText } from "../domain/object/storable-text.ts";
import { MAX_OBJECT_BYTES, ResourceError } from "./resources.ts";
import type { Change, Derivations, StoredObject, Transaction, WakeRule, Write } from "./resources.ts";
import { storedObject } from "./stored-object.ts";

/** One object as a store keeps it: the text and what selectors and links are answered from. */
export interface Row {
  readonly stored: StoredObject;
  readonly labels: StringMap;
  readonly fields: Readonly<Record<string, string>>;
  readonly links: readonly string[];
}

export interface RowChange {
  readonly type: Change["type"];
  /** For `deleted`: the last state, at the version of its deletion. */
  readonly row: Row;
  readonly previous: Row | undefined;
}

export interface DecidedCommit {
  readonly changes: readonly RowChange[];
  readonly wakes: readonly WakeRule[];
  /** One for each write, in that order. */
  readonly stored: readonly StoredObject[];
  /** The version of the last change; the one given where nothing changed. */
  readonly last: ResourceVersion;
}

/**
 * What a transaction comes to on this state, for every store the same. Pure. Throws ResourceError where the state does not allow it.
 * Versions are given one by one from `last` on. An update or merge that changes nothing writes nothing, as in Kubernetes.
 */
export function decideCommit(
  transaction: Transaction,
  current: (key: ObjectKey) => Row | undefined,
  last: ResourceVersion,
  derivations: Derivations,
): DecidedCommit {
  const changes: RowChange[] = [];
  const stored: StoredObject[] = [];
  let version = last;
  for (const write of transaction.writes) {
    const previous = current(write.key);
    const at = transaction.dryRun === true ? (previous?.stored.resourceVersion ?? last) : resourceVersion(version + 1);
    const change = decideWrite(write, previous, at, derivations);
    stored.push((change?.row ?? must(previous, write.key)).stored);
    if (change === undefined) continue;
    version = at;
    changes.push(change);
  }
  return {
    changes,
    stored,
    last: version,
    wakes: transaction.dryRun === true ? [] : changes.flatMap((change) => derivations.wakes(changeOf(change))),
  };
}

/** Throws `invalid` for a transaction that no state could allow. */
export function checkTransaction(transaction: Transaction): void {
  const seen = new Set<string>();
  for (const { key } of transaction.writes) {
    checkKey(key);
    if (seen.has(keyText(key)))
      throw new ResourceError("invalid", `${describe(key)} is written twice in one transaction; join the two writes`, { key });
    seen.add(keyText(key));
  }
  for (const { key } of transaction.wakes ?? []) checkKey(key);
  if (transaction.finish !== undefined && transaction.guard === undefined)
    throw new ResourceError("invalid", "a transaction that finishes a pass must carry the lease of that pass as its guard");
}

export function fencedError(controller: string, key: ObjectKey): ResourceError {
  return new ResourceError("fenced", `${controller} lost its lease of ${describe(key)}, nothing was written; the next pass decides again`, {
    key,
  });
}

export function expiredError(asked: ResourceVersion, horizon: ResourceVersion, last: ResourceVersion): ResourceError {
  const why = asked > last ? `it is newer than the newest here, ${last}` : `changes up to ${horizon} are forgotten`;
  return new ResourceError("expired", `resourceVersion ${asked} cannot be shown any more: ${why}; list again without a version`);
}

/** `syncs.slipway.dev "shop/app"`. */
export function describe(key: ObjectKey): string {
  const resource = key.group === "" ? key.resource : `${key.resource}.${key.group}`;
  return `${resource} ${JSON.stringify(key.namespace === "" ? key.name : `${key.namespace}/${key.name}`)}`;
}

function decideWrite(write: Write, previous: Row | undefined, at: ResourceVersion, derivations: Derivations): RowChange | undefined {
  switch (write.verb) {
    case "create":
      if (previous !== undefined)
        throw new ResourceError("alreadyExists", `${describe(write.key)} already exists; update it or choose another name`, {
          key: write.key,
        });
      return { type: "added", row: rowOf(write.key, write.object, undefined, at, derivations), previous };
    case "update":
      return replaced(write.key, write.object, decidedOn(write, previous), at, derivations);
    case "merge":
      return merged(write.key, write.merge(previous?.stored.object), previous, at, derivations);
    case "delete":
      return deleted(write.key, decidedOn(write, previous), at);
  }
}

function merged(
  key: ObjectKey,
  object: ApiObject,
  previous: Row | undefined,
  at: ResourceVersion,
  derivations: Derivations,
): RowChange | undefined {
  if (previous !== undefined) return replaced(key, object, previous, at, derivations);
  return { type: "added", row: rowOf(key, object, undefined, at, derivations), previous };
}

function replaced(key: ObjectKey, object: ApiObject, previous: Row, at: ResourceVersion, derivations: Derivations): RowChange | undefined {
  const { uid, resourceVersion: version, json } = previous.stored;
  if (jsonOf(key, stamped(key, object, uid, version)) === json) return undefined;
  return { type: "modified", row: rowOf(key, object, uid, at, derivations), previous };
}

function deleted(key: ObjectKey, previous: Row, at: ResourceVersion): RowChange {
  const { uid, object } = previous.stored;
  const last = stamped(key, object, uid, at);
  return { type: "deleted", row: { ...previous, stored: storedObject(key, uid, at, JSON.stringify(last), last) }, previous };
}

function decidedOn(write: Extract<Write, { resourceVersion: ResourceVersion }>, previous: Row | undefined): Row {
  const { key } = write;
  if (previous === undefined)
    throw new ResourceError("notFound", `${describe(key)} not found; it may have been deleted meanwhile`, { key });
  const { resourceVersion: now } = previous.stored;
  if (now !== write.resourceVersion) {
    throw new ResourceError(
      "conflict",
      `${describe(key)} was changed meanwhile (it is at resourceVersion ${now}, the request was made on ${write.resourceVersion}); read it again and repeat the change`,
      { key },
    );
  }
  return previous;
}

function rowOf(key: ObjectKey, object: ApiObject, uid: string | undefined, at: ResourceVersion, derivations: Derivations): Row {
  const whole = stamped(key, object, uid, at);
  const json = jsonOf(key, whole);
  const bytes = json.length * 3 <= MAX_OBJECT_BYTES ? 0 : Buffer.byteLength(json);
  if (bytes > MAX_OBJECT_BYTES)
    throw new ResourceError(
      "tooLarge",
      `${describe(key)} has ${bytes} bytes of JSON, the limit is ${MAX_OBJECT_BYTES}; keep large content in Git or as an artifact and refer to it`,
      { key },
    );
  return {
    stored: storedObject(key, whole.metadata.uid, at, json),
    labels: storableMap(labelsOf(whole)),
    fields: storableMap(derivations.fields(whole, key)),
    links: [...new Set(derivations.links(whole, key).map(storableText))],
  };
}

type Stamped = ApiObject & { readonly metadata: { readonly uid: string } };

/** The object with the identity that the store gives it. `uid` undefined: it is new and brings its own. */
function stamped(key: ObjectKey, object: ApiObject, uid: string | undefined, at: ResourceVersion): Stamped {
  const invalid = (why: string) => new ResourceError("invalid", `${describe(key)}: ${why}`, { key });
  const { metadata } = object;
  if (typeof metadata !== "object") throw invalid("metadata is missing");
  if (metadata.name !== key.name)
    throw invalid(`metadata.name is ${JSON.stringify(metadata.name)}; it must be the name it is stored under`);
  if ((metadata.namespace ?? "") !== key.namespace)
    throw invalid(`metadata.namespace is ${JSON.stringify(metadata.namespace)}; it must be the namespace it is stored under`);
  const own = metadata.uid ?? uid;
  if (own === undefined || own === "" || !isStorable(own)) throw invalid("metadata.uid is missing; whoever creates an object gives it one");
  if (uid !== undefined && own !== uid)
    throw new ResourceError("conflict", `${describe(key)} is another object now (uid ${uid}, the request means ${own}); read it again`, {
      key,
    });
  return { ...object, metadata: { ...metadata, uid: own, resourceVersion: String(at) } };
}

function jsonOf(key: ObjectKey, object: ApiObject): string {
  try {
    return JSON.stringify(object);
  } catch (cause) {
    throw new ResourceError("invalid", `${describe(key)} cannot be written as JSON; it is nested too deeply or refers to itself`, {
      key,
      cause,
    });
  }
}

/** Parsed only as far as it is looked at: many wakes depend on the key alone. */
function changeOf({ type, row, previous }: RowChange): Change {
  const { stored } = row;
  const change = {
    type,
    key: stored.key,
    get object() {
      return stored.object;
    },
  };
  if (previous === undefined) return change;
  return Object.defineProperty(change, "previous", { enumerable: true, get: () => previous.stored.object });
}

function checkKey(key: ObjectKey): void {
  if (!isStorableKey(key))
    throw new ResourceError(
      "invalid",
      `${describe(key)} cannot be stored: resource and name must not be empty, and no part may hold "/", NUL or half a character`,
      { key },
    );
}

function must(row: Row | undefined, key: ObjectKey): Row {
  if (row === undefined) throw new Error(`${describe(key)} is neither changed nor stored`); // decideWrite leaves out a change only where a row exists
  return row;
}
