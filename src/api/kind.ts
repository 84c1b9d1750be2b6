import type { TSchema } from "typebox";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import type { Instant } from "../domain/units.ts";

/**
 * Everything the API knows of one kind: a file in api/kinds/ exports one, api/catalog.ts lists them.
 * Discovery, OpenAPI, Tables, validation, defaulting and selectors are all made from this.
 */
export interface Kind {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural, as in URLs. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** "all", "slipway": `kubectl get slipway` lists every kind of that category. */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** One sentence and more, shown by `kubectl explain`. */
  readonly description: string;
  /**
   * JSON Schema of the whole object without apiVersion, kind and metadata, with the Kubernetes extensions
   * (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys`, `x-kubernetes-map-type`, …), `default` and `description`.
   * A list without a list type is atomic.
   */
  readonly schema: TSchema;
  readonly columns: readonly Column[];
  /** True: `status` is written through the status subresource only, and `metadata.generation` counts changes of everything else. */
  readonly hasStatus: boolean;
  /** Action subresources: `serviceaccounts/token`. */
  readonly actions?: readonly Action[];
  /** The verbs served; absent = all of them. Reviews (`create` only) are never stored. */
  readonly verbs?: readonly ResourceVerb[];
  /** Fields beyond metadata.name and metadata.namespace that a field selector may name, with their values. */
  readonly fields?: Readonly<Record<string, (object: ApiObject) => string>>;
  /** Names of what the object points to; see ports/resources.ts Derivations.links. */
  readonly links?: (object: ApiObject, key: ObjectKey) => readonly string[];
  /** Defaults that the schema cannot express. Pure. */
  readonly defaults?: (object: ApiObject) => ApiObject;
  /** Rules that the schema cannot express; `previous` is there on update. Pure. */
  readonly validate?: (object: ApiObject, previous: ApiObject | undefined) => readonly FieldProblem[];
  /** How names are checked; most kinds are DNS subdomains (253), namespaces are DNS labels (63), RBAC names are path segments. */
  readonly names?: "subdomain" | "label" | "pathSegment";
  /** The parts that never appear in an audit record, a diff or a log, as paths: `["data", "stringData"]`. */
  readonly secretFields?: readonly string[];
  /** Kept in the table with a lifetime of its own and outside generation and audit: core/v1 Events only. */
  readonly ephemeral?: boolean;
}

export type ResourceVerb = "create" | "get" | "list" | "watch" | "update" | "patch" | "delete" | "deletecollection";

export interface Action {
  readonly name: string;
  /** `create` (POST, the default) or `update` (PUT: `namespaces/finalize`). */
  readonly verb?: "create" | "update";
  /** Schema of the request body and of the answer. */
  readonly body: { readonly group: string; readonly version: string; readonly kind: string; readonly schema: TSchema };
  readonly description: string;
}

/** A column of `kubectl get`: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description: string;
  /** 0 is shown always, 1 with `-o wide`. */
  readonly priority: 0 | 1;
  /** What the cell holds; `now` for ages. */
  readonly cell: (object: ApiObject, now: Instant) => string | number | boolean | null;
}

export const apiVersionOf = (kind: Pick<Kind, "group" | "version">): string =>
  kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
