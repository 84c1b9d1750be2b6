import type { Catalog } from "../../api/catalog.ts";
import type { Kind } from "../../api/kind.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { JsonValue } from "../../domain/object/json.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import type { Admission } from "../admitted.ts";
import type { Caller } from "../caller.ts";

/** What the verbs work with. `resources` is the bare store: a verb that reads from it has asked `admission` first. */
export interface VerbParts {
  readonly admission: Admission;
  readonly resources: Resources;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** One request about one object, or about a collection (then `name` is ""). */
export interface Ask {
  readonly caller: Caller;
  readonly kind: Kind;
  /** "" for a cluster-scoped kind, or for all namespaces where a collection is meant. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: "" | "status" | "finalize";
}

/** How a write is asked for: https://kubernetes.io/docs/reference/using-api/api-concepts/ */
export interface WriteOptions {
  readonly dryRun: boolean;
  /** The field manager. */
  readonly manager: string;
  /** What happens with fields that the kind does not know. */
  readonly validation: "Ignore" | "Warn" | "Strict";
  readonly why?: string;
}

/** What a write came to. */
export interface Written {
  readonly stored: StoredObject;
  readonly created: boolean;
  /** The stored state already was what the write asked for. */
  readonly isUnchanged: boolean;
  /** Sentences for `Warning: 299` headers. */
  readonly warnings: readonly string[];
}

/** A body as it was read: JSON, and what its reader has to say of it. */
export interface Body {
  readonly value: JsonValue;
  /** Paths of names that stood twice in one object; only the last of them counts. */
  readonly duplicates: readonly string[];
}

export const keyOf = (ask: Ask, name = ask.name): ObjectKey => ({
  group: ask.kind.group,
  resource: ask.kind.resource,
  namespace: ask.namespace,
  name,
});
