import type { Resources } from "../ports/resources.ts";

/** Who makes a request, after authentication (and impersonation). */
export interface Caller {
  /** `jane`, `system:serviceaccount:shop:deployer`, `system:slipway:sync`. */
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
  /** What the token may be used for; absent = everything its owner may do. The right of a request is the owner's right AND the scope. */
  readonly scopes?: readonly Scope[];
  /** The access token's name, for audit; never its secret. */
  readonly token?: string;
  /** Who really called, when `name` was impersonated. */
  readonly impersonatedBy?: string;
}

/** A limit on a token, in the words of an RBAC rule; `namespaces` absent = all. */
export interface Scope {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly namespaces?: readonly string[];
}

export interface Authenticator {
  /** The caller, or why there is none (one sentence for a 401, without the token in it). Throws only PortError. */
  authenticate(bearer: string | undefined): Promise<Caller | { readonly refused: string }>;
}

/** What is asked of the authoriser: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#review-your-request-attributes */
export type Attributes = ResourceAttributes | { readonly path: string; readonly verb: string };

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Authorizer {
  /**
   * `reason` names what allows it; of a refusal it says what would change that ("" when nothing is known) and leaves the sentence of who
   * cannot do what to the asker. Throws only PortError.
   */
  authorize(caller: Caller, asked: Attributes): Promise<{ readonly allowed: boolean; readonly reason: string }>;
}

/** The admitted resources of one caller: authorised, defaulted, validated, audited. What HTTP and controllers get. */
export type AdmittedAs = (caller: Caller) => Resources;
