import type { Kind } from "../api/kind.ts";
import { keyText, type ApiObject, type ObjectKey } from "../domain/object/api-object.ts";
import { withMember } from "../domain/object/json.ts";
import type { NewRecord } from "../ports/records.ts";
import { ResourceError, type Reader, type Resources, type StoredObject, type Transaction, type Write } from "../ports/resources.ts";
import { storedObject } from "../ports/stored-object.ts";
import type { AdmissionParts } from "./admission/admission-parts.ts";
import { attributesOf, selectionAttributes } from "./admission/attributes.ts";
import { forbidden } from "./admission/refusals.ts";
import { planWrite, type PlannedWrite } from "./admission/plan-write.ts";
import type { AdmittedAs, Caller, ResourceAttributes } from "./caller.ts";

/** The one way to objects for requests and controllers. */
export interface Admission {
  readonly as: AdmittedAs;
  /** Throws ResourceError `forbidden` in the words of the API server. */
  authorize(caller: Caller, asked: ResourceAttributes): Promise<void>;
  /** `as(caller).commit`, for a verb that has done a part of it. */
  commit(caller: Caller, transaction: Transaction, already?: Already): Promise<readonly StoredObject[]>;
}

/** What a verb has done before it commits. */
export interface Already {
  /** States it has just read: saves reading them again. The store still refuses when they are old. */
  readonly known?: readonly StoredObject[];
  /** It has asked `authorize` for its own verb (of which the writes are only the means). */
  readonly isAuthorized?: boolean;
}

/**
 * Wraps the store: every read and write is authorised in the caller's name; a write is defaulted, pruned, checked, its metadata kept, and audited
 * in its own transaction. What equals the stored state is not written. Throws ResourceError (InvalidObject for a 422) and PortError.
 */
export function admission(parts: AdmissionParts): Admission {
  const authorize = async (caller: Caller, asked: ResourceAttributes): Promise<void> => {
    const { allowed, reason } = await parts.authorizer.authorize(caller, asked);
    if (!allowed) throw forbidden(caller, asked, reason);
  };
  const commit: Admission["commit"] = (caller, transaction, already = {}) =>
    commitAs(parts, already.isAuthorized === true ? allowed : authorize, caller, transaction, already.known ?? []);
  return { authorize, commit, as: (caller) => resourcesAs(parts, authorize, commit, caller) };
}

const allowed: Authorize = () => Promise.resolve();

type Authorize = Admission["authorize"];

function resourcesAs(parts: AdmissionParts, authorize: Authorize, commit: Admission["commit"], caller: Caller): Resources {
  const { resources } = parts;
  return {
    ...readerAs(parts, authorize, caller, resources),
    snapshot: (read) => resources.snapshot((reader) => read(readerAs(parts, authorize, caller, reader))),
    watch: (query, from, signal) =>
      afterwards(authorize(caller, selectionAttributes(versioned(parts, query), query, "watch")), () =>
        resources.watch(query, from, signal),
      ),
    commit: (transaction) => commit(caller, { ...transaction, writes: transaction.writes.map(plainWrite) }),
  };
}

function readerAs(parts: AdmissionParts, authorize: Authorize, caller: Caller, reader: Reader): Reader {
  return {
    async get(key) {
      await authorize(caller, attributesOf(versioned(parts, key), key, "get"));
      return reader.get(key);
    },
    async list(query) {
      await authorize(caller, selectionAttributes(versioned(parts, query), query, "list"));
      return reader.list(query);
    },
  };
}

/** What code built may hold undefined members; what is owned, compared and stored is JSON, which has none. */
function plainWrite(write: Write): Write {
  switch (write.verb) {
    case "create":
    case "update":
      return { ...write, object: plain(write.object) };
    case "merge":
      return { ...write, merge: (current) => plain(write.merge(current)) };
    case "delete":
      return write;
  }
}

const plain = (object: ApiObject): ApiObject => JSON.parse(JSON.stringify(object)) as ApiObject; // the same object, less its undefined members

async function* afterwards<T>(first: Promise<void>, then: () => AsyncIterable<T>): AsyncIterable<T> {
  await first;
  yield* then();
}

async function commitAs(
  parts: AdmissionParts,
  authorize: Authorize,
  caller: Caller,
  transaction: Transaction,
  known: readonly StoredObject[],
): Promise<readonly StoredObject[]> {
  const states = new Map(known.map((stored) => [keyText(stored.key), stored]));
  const current = async (key: ObjectKey): Promise<StoredObject | undefined> => states.get(keyText(key)) ?? parts.resources.get(key);
  const planned: PlannedWrite[] = [];
  for (const write of transaction.writes) planned.push(await planWrite(parts, { caller, authorize, current }, kindOf(parts, write), write));
  const writes = planned.flatMap((plan) => ("write" in plan ? [plan.write] : []));
  if (writes.length === 0 && !doesMore(transaction)) return planned.flatMap((plan) => ("unchanged" in plan ? [plan.unchanged] : []));
  const audit = planned.flatMap((plan) => ("write" in plan && plan.record !== undefined ? [plan.record] : []));
  const stored = await parts.resources.commit({ ...transaction, writes, records: records(transaction, audit) });
  return inOrder(planned, transaction.dryRun === true ? asOfDryRun(writes, stored) : stored);
}

const doesMore = ({ wakes, records, guard, finish }: Transaction): boolean =>
  (wakes?.length ?? 0) > 0 || (records?.length ?? 0) > 0 || guard !== undefined || finish !== undefined;

const records = ({ records: given, dryRun }: Transaction, audit: readonly NewRecord[]): readonly NewRecord[] =>
  dryRun === true ? [] : [...(given ?? []), ...audit];

/** What would be created has no version: nothing is stored at one. */
function asOfDryRun(writes: readonly Write[], stored: readonly StoredObject[]): readonly StoredObject[] {
  return stored.map((one, at) => {
    if (writes[at]?.verb !== "create") return one;
    const object = { ...one.object, metadata: withMember(one.object.metadata, "resourceVersion", undefined) };
    return storedObject(one.key, one.uid, one.resourceVersion, JSON.stringify(object), object);
  });
}

function inOrder(planned: readonly PlannedWrite[], stored: readonly StoredObject[]): readonly StoredObject[] {
  const answers = stored.values();
  return planned.map((plan) => {
    if ("unchanged" in plan) return plan.unchanged;
    const next = answers.next();
    if (next.done === true) throw new Error("the store answered fewer objects than it was asked to write");
    return next.value;
  });
}

function kindOf(parts: AdmissionParts, { key }: Write): Kind {
  const kind = parts.catalog.byKey(key);
  if (kind === undefined)
    throw new ResourceError("notFound", `no kind with the plural "${key.resource}" in the API group "${key.group}" is served here`, {
      key,
    });
  return kind;
}

const versioned = (parts: AdmissionParts, key: Pick<ObjectKey, "group" | "resource">): Pick<Kind, "version"> =>
  parts.catalog.byKey(key) ?? { version: "" };
