import type { Catalog } from "../../api/catalog.ts";
import type { Kind } from "../../api/kind.ts";
import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Reader, Resources } from "../../ports/resources.ts";
import type { Authorizer, Caller } from "../caller.ts";

/** What the admission chain is made of. */
export interface AdmissionParts {
  /** The store itself. Nobody but the admission chain writes to it. */
  readonly resources: Resources;
  readonly catalog: Catalog;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Further rules (no more rights given than held, holds), asked in order about each write that was valid so far. */
  readonly rules?: readonly AdmissionRule[];
}

/** A write that is allowed and valid so far. */
export interface AskedWrite {
  readonly caller: Caller;
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly verb: "create" | "update" | "delete";
  readonly subresource: string;
  /** As it would be stored; absent when it is deleted. */
  readonly object: ApiObject | undefined;
  readonly previous: ApiObject | undefined;
}

/** Why the write is refused: a sentence (403) or what is wrong with the object (422); nothing when it may go on. */
export type AdmissionRule = (asked: AskedWrite, reader: Reader) => Promise<string | readonly FieldProblem[] | undefined>;
