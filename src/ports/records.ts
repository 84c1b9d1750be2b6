import type { JsonObject } from "../domain/object/json.ts";
import type { ObjectKey } from "../domain/object/api-object.ts";
import type { Instant } from "../domain/units.ts";

/** Append-only history: audit, timeline, verdicts. Written in the transaction of what it tells (see Transaction.records), never changed. */
export interface Records {
  /** Newest first, at most `limit` (1 to 1000), before the position `before` where given. */
  query(query: RecordQuery): Promise<readonly StoredRecord[]>;
}

export interface NewRecord {
  readonly type: RecordType;
  /** What it is about. */
  readonly about: ObjectKey;
  readonly uid?: string;
  /** Who did it: a user name, or `system:slipway:<controller>`. */
  readonly actor: string;
  /** CamelCase, for programs. */
  readonly reason: string;
  /** One sentence for people. */
  readonly message: string;
  readonly details: JsonObject;
  readonly retention: RetentionClass;
}

export interface StoredRecord extends NewRecord {
  /** Position in the one order of all records. */
  readonly position: number;
  readonly at: Instant;
}

export type RecordType = "audit" | "timeline";

/** How long a record is kept at least; the days of each class are set where the server is wired. */
export type RetentionClass = "short" | "long";

export interface RecordQuery {
  readonly type?: RecordType;
  readonly about?: Partial<ObjectKey>;
  readonly actor?: string;
  readonly since?: Instant;
  readonly before?: number;
  readonly limit: number;
}
