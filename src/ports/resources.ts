import type { ApiObject, ObjectKey, ResourceVersion } from "../domain/object/api-object.ts";
import type { FieldSelector, LabelSelector } from "../domain/object/selector.ts";
import type { Instant } from "../domain/units.ts";
import type { NewRecord } from "./records.ts";
import type { Lease, Wake } from "./work.ts";

/**
 * All objects of the resource API. The only way to objects: the HTTP server and the controllers get this port, wrapped by admission.
 * Throws ResourceError where the request cannot be met, PortError where the store could not be asked.
 */
export interface Resources extends Reader {
  /** Everything `read` asks for comes from one consistent snapshot. Keep it short: it holds a connection. */
  snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T>;
  /**
   * Every change after `from` that concerns the query, once and in commit order, in batches as they come; ends only by `signal`
   * (then it returns) or by an error (`expired`: the changes after `from` are no longer kept; list again).
   * A batch may be empty: then it only says how far the watcher is (a bookmark).
   */
  watch(query: WatchQuery, from: ResourceVersion, signal: AbortSignal): AsyncIterable<WatchBatch>;
  /**
   * All or nothing. Returns what is stored now, one for each write and in that order (for a delete: the last state, at the version of its deletion).
   * resourceVersions are given in commit order: a reader that has seen version N never sees a version below N appear later.
   */
  commit(transaction: Transaction): Promise<readonly StoredObject[]>;
}

export interface Reader {
  get(key: ObjectKey): Promise<StoredObject | undefined>;
  /** Ordered by namespace, then name, by bytes. Pages of one list all show the moment of its first page, or fail with `expired`. */
  list(query: ListQuery): Promise<ListPage>;
}

export interface StoredObject {
  readonly key: ObjectKey;
  readonly uid: string;
  readonly resourceVersion: ResourceVersion;
  /** The object as compact JSON text, `metadata.resourceVersion` included: can be sent on as it is. */
  readonly json: string;
  /** The same, parsed on first use and kept. Not to be changed. */
  readonly object: ApiObject;
}

export interface Selection {
  readonly group: string;
  readonly resource: string;
  /** Absent: all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string;
  readonly labels?: LabelSelector;
  readonly fields?: FieldSelector;
}

export interface ListQuery extends Selection {
  /** Only objects that carry this link (see `Links`). */
  readonly linkedTo?: string;
  /** At most this many; absent = all. */
  readonly limit?: number;
  /** Go on where a page ended. */
  readonly after?: Continuation;
  /** The state at exactly this version, if it is still kept; else `expired`. Absent: now. */
  readonly at?: ResourceVersion;
}

export interface Continuation {
  readonly at: ResourceVersion;
  readonly namespace: string;
  readonly name: string;
}

export interface ListPage {
  readonly items: readonly StoredObject[];
  /** The version this list shows; a watch from here misses nothing. */
  readonly resourceVersion: ResourceVersion;
  readonly next?: Continuation;
}

export type WatchQuery = Selection;

export interface WatchBatch {
  readonly events: readonly WatchEvent[];
  /** Everything up to here has been delivered. */
  readonly resourceVersion: ResourceVersion;
}

export interface WatchEvent {
  /** `deleted` also when an object stops matching the selector; `added` when it begins to. */
  readonly type: "added" | "modified" | "deleted";
  readonly object: StoredObject;
}

export interface Transaction {
  readonly writes: readonly Write[];
  /** Work to be looked at, whether or not a write concerns it. */
  readonly wakes?: readonly Wake[];
  readonly records?: readonly NewRecord[];
  /** Commit only while this lease is ours; otherwise nothing happens and `fenced` is thrown. */
  readonly guard?: Lease;
  /** Ends the pass that holds `guard`, in the same transaction. `wakeAt` absent: not before something changes. `failed` raises `attempts` of the next lease, else they begin at 0 again. */
  readonly finish?: { readonly wakeAt?: Instant; readonly failed?: boolean };
  /** Check everything, change nothing: returns what would be stored (at the present resourceVersion). */
  readonly dryRun?: boolean;
}

/** `resourceVersion` is what the writer decided on; a different stored one is a `conflict`. */
export type Write =
  | { readonly verb: "create"; readonly key: ObjectKey; readonly object: ApiObject; readonly intent?: Intent }
  | {
      readonly verb: "update";
      readonly key: ObjectKey;
      readonly object: ApiObject;
      readonly resourceVersion: ResourceVersion;
      readonly intent?: Intent;
    }
  | { readonly verb: "delete"; readonly key: ObjectKey; readonly resourceVersion: ResourceVersion; readonly intent?: Intent }
  /** `merge` is pure and quick and runs inside the transaction on what is stored: for counters such as Events, where a lost race must not fail a pass. */
  | {
      readonly verb: "merge";
      readonly key: ObjectKey;
      readonly merge: (current: ApiObject | undefined) => ApiObject;
      readonly intent?: Intent;
    };

/** What the writer asked for in the words of the API, for authorisation, field managers and audit. The store does not read it. */
export interface Intent {
  readonly verb: "create" | "update" | "patch" | "delete";
  readonly subresource?: string;
  /** The field manager; "" when `managedFields` are already right (server-side apply). */
  readonly manager?: string;
  /** Why, in a person's words, where one was given. */
  readonly why?: string;
}

export type ResourceErrorReason =
  "notFound" | "alreadyExists" | "conflict" | "expired" | "fenced" | "tooLarge" | "invalid" | "forbidden" | "namespaceTerminating";

/** A request that the stored state does not allow. The message names the object and the way out. */
export class ResourceError extends Error {
  override readonly name = "ResourceError";
  readonly reason: ResourceErrorReason;
  readonly key: ObjectKey | undefined;

  constructor(reason: ResourceErrorReason, message: string, options: { readonly key?: ObjectKey; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.key = options.key;
  }
}

/**
 * What the store derives from an object when it is written; given to a store at wiring, so that the store knows no kind.
 * All three are pure.
 */
export interface Derivations {
  /** Values of the fields that a field selector may name beyond metadata.name and metadata.namespace: `{ "status.phase": "Active" }`. */
  fields(object: ApiObject, key: ObjectKey): Readonly<Record<string, string>>;
  /** Names of the things this object points to (an owner's uid, a repository): lists can ask for them by `linkedTo`. */
  links(object: ApiObject, key: ObjectKey): readonly string[];
  /** Work that a change of this object makes due, in the transaction that makes the change. */
  wakes(change: Change): readonly WakeRule[];
}

export interface Change {
  readonly type: "added" | "modified" | "deleted";
  readonly key: ObjectKey;
  readonly object: ApiObject;
  /** The state before; absent when added. */
  readonly previous?: ApiObject;
}

/** Wake one key of a controller, or every object that carries a link: `{ controller: "sync", linkedTo: "gitrepository/shop/app", in: syncs }`. */
export type WakeRule =
  | { readonly controller: string; readonly key: ObjectKey }
  | { readonly controller: string; readonly linkedTo: string; readonly group: string; readonly resource: string };

/** Objects larger than this many bytes of JSON are refused with `tooLarge`. */
export const MAX_OBJECT_BYTES = 256 * 1024;
