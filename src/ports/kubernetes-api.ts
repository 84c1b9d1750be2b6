import type { ApiObject } from "../domain/object/api-object.ts";

/**
 * A Kubernetes API as one identity sees it: Slipway's own or a cluster's. What the sync engine applies to.
 * Throws ApiRefusal for a request the API answered with an error, PortError where it could not be asked.
 */
export interface KubernetesApi {
  /** Every kind that can be applied, with its plural and scope. */
  kinds(signal: AbortSignal): Promise<readonly ServedKind[]>;
  get(at: ObjectAddress, signal: AbortSignal): Promise<ApiObject | undefined>;
  /** All objects of a kind with this label, in all namespaces. */
  listLabelled(
    kind: ServedKind,
    label: { readonly name: string; readonly value: string },
    signal: AbortSignal,
  ): Promise<readonly ApiObject[]>;
  /** Server-side apply. Idempotent: applying what is already so writes nothing and answers `unchanged`. */
  apply(object: ApiObject, options: ApplyOptions, signal: AbortSignal): Promise<Applied>;
  /** Idempotent: deleting what is gone is `gone`. Deletes only the object with this uid. */
  delete(at: ObjectAddress, uid: string, signal: AbortSignal): Promise<"deleted" | "deleting" | "gone">;
}

export interface ServedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
}

export interface ObjectAddress {
  readonly kind: ServedKind;
  readonly namespace: string;
  readonly name: string;
}

export interface ApplyOptions {
  readonly manager: string;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Refuse (`Conflict`) unless the live object is at this version; "" = unless it is absent. Absent: no such demand. */
  readonly decidedOn?: string;
}

export interface Applied {
  readonly outcome: "created" | "changed" | "unchanged";
  readonly object: ApiObject;
}

/** The API's own answer, in the terms of a Kubernetes Status. */
export class ApiRefusal extends Error {
  override readonly name = "ApiRefusal";
  /** HTTP code of the Status. */
  readonly code: number;
  /** `metav1.StatusReason`: Forbidden, Invalid, Conflict, NotFound … */
  readonly reason: string;
  readonly causes: readonly RefusalCause[];

  constructor(code: number, reason: string, message: string, causes: readonly RefusalCause[] = []) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.causes = causes;
  }
}

/** One entry of `Status.details.causes`. */
export interface RefusalCause {
  readonly field: string;
  readonly message: string;
  /** `metav1.CauseType`: FieldValueInvalid, FieldManagerConflict … */
  readonly reason?: string;
}
