import { randomBytes } from "node:crypto";
import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import type { JsonObject, JsonValue } from "../../domain/object/json.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { mayActAs } from "../../domain/access/escalation.ts";
import { deniedText } from "../../domain/access/decide.ts";
import { controllerUser } from "../../domain/access/identity.ts";
import { later, rfc3339, seconds } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Ids } from "../../ports/ids.ts";
import { ApiRefusal } from "../../ports/kubernetes-api.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import type { AdmittedAs, Attributes, Authorizer, Caller, Scope } from "../caller.ts";
import type { AccessIndex } from "./access-index.ts";
import { SERVICE_ACCOUNTS, USERS } from "./access-index.ts";
import { AUDIENCE, readScopes } from "./access-token.ts";
import { controllerCaller, isDisabled, serviceAccountCaller, userCaller } from "./identities.ts";
import { newSecret, secretHash, tokenText } from "./token-text.ts";

export interface TokenIssuerParts {
  readonly index: Pick<AccessIndex, "policy">;
  readonly authorizer: Authorizer;
  /** To look the owner up: the store. */
  readonly resources: Resources;
  /** To keep the AccessToken, with audit: written as `system:slipway:tokens` in the caller's name. */
  readonly admitted: AdmittedAs;
  readonly clock: Clock;
  readonly ids: Ids;
  /** So many random bytes; node:crypto's unless a test says otherwise. */
  readonly random?: (size: number) => Uint8Array;
}

/** Only it may make AccessTokens. */
export const TOKEN_WRITER = controllerUser("tokens");

/** Whose token is asked for: `serviceaccounts/NAME/token` or `users/NAME/token`. */
export type TokenOwner =
  { readonly kind: "ServiceAccount"; readonly namespace: string; readonly name: string } | { readonly kind: "User"; readonly name: string };

/**
 * Makes a token and answers the request with it; the secret is in this answer and nowhere else. Of a service account (TokenRequest): an hour unless
 * asked otherwise, from 10 minutes to a year; of a user (AccessTokenRequest): 90 days, from a minute to a year; more is cut to a year.
 * The caller needs `create` on the `token` of the owner (his own he always may), and must be able to act as the owner. Throws ApiRefusal, ResourceError, PortError.
 */
export type IssueToken = (
  caller: Caller,
  owner: TokenOwner,
  body: JsonValue,
  options?: { readonly dryRun?: boolean },
) => Promise<ApiObject>;

export function tokenIssuer(parts: TokenIssuerParts): IssueToken {
  return async (caller, owner, body, options = {}) => {
    await authorize(parts, caller, owner);
    const order = readOrder(owner, body);
    const stored = await presentOwner(parts, owner);
    const identity = owner.kind === "User" ? userCaller(stored.object) : serviceAccountCaller(owner.namespace, owner.name, stored.uid);
    const verdict = mayActAs(await parts.index.policy(), caller, identity, order.scopes);
    if (!verdict.granted) throw forbidden(owner, verdict.reason);

    const secret = newSecret(parts.random ?? randomBytes);
    const id = parts.ids.suffix(12);
    const expiresAt = rfc3339(later(parts.clock.now(), seconds(order.lifeSeconds)));
    const object = accessToken(id, owner, stored, { ...order, hash: secretHash(secret), expiresAt });
    const key: ObjectKey = { group: "slipway.dev", resource: "accesstokens", namespace: "", name: id };
    const writer: Caller = { ...controllerCaller("tokens"), impersonatedBy: caller.impersonatedBy ?? caller.name };
    const intent = { verb: "create", manager: "slipway-tokens", why: `asked for by ${caller.name}` } as const;
    await parts.admitted(writer).commit({ writes: [{ verb: "create", key, object, intent }], dryRun: options.dryRun === true });
    return answered(body, {
      token: options.dryRun === true ? "" : tokenText({ id, secret }),
      expirationTimestamp: expiresAt,
      ...(owner.kind === "User" ? { name: id } : {}),
    });
  };
}

interface Order {
  readonly audiences: readonly string[];
  readonly scopes?: readonly Scope[];
  readonly lifeSeconds: number;
  readonly description?: string;
}

const YEAR = 365 * 24 * 3600;
const LIFE = {
  ServiceAccount: { shortest: 600, usual: 3600 },
  User: { shortest: 60, usual: 90 * 24 * 3600 },
} as const;

async function authorize({ authorizer }: TokenIssuerParts, caller: Caller, owner: TokenOwner): Promise<void> {
  const asked: Attributes = {
    verb: "create",
    ...ownerKey(owner),
    version: owner.kind === "User" ? "v1alpha1" : "v1",
    subresource: "token",
  };
  const { allowed, reason } = await authorizer.authorize(caller, asked);
  if (!allowed) throw forbidden(owner, [deniedText(caller, asked), reason].filter((part) => part !== "").join(": "));
}

async function presentOwner({ resources }: TokenIssuerParts, owner: TokenOwner): Promise<StoredObject> {
  const stored = await resources.get(ownerKey(owner));
  if (stored === undefined || stored.object.metadata.deletionTimestamp !== undefined)
    throw new ApiRefusal(404, "NotFound", `${ownerText(owner)} not found`);
  if (owner.kind === "User" && isDisabled(stored.object)) throw forbidden(owner, "the user is disabled; set spec.disabled to false first");
  return stored;
}

function readOrder(owner: TokenOwner, body: JsonValue): Order {
  const spec = isJsonObject(body) && isJsonObject(body["spec"]) ? body["spec"] : {};
  const { audiences, scopes, expirationSeconds: life, description } = spec;
  const { shortest, usual } = LIFE[owner.kind];
  if (spec["boundObjectRef"] !== undefined && spec["boundObjectRef"] !== null)
    throw invalid("spec.boundObjectRef", "tokens bound to an object are not served; leave it out and ask for a short expirationSeconds");
  if (
    audiences !== undefined &&
    audiences !== null &&
    !(Array.isArray(audiences) && audiences.every((item) => typeof item === "string" && item !== ""))
  )
    throw invalid("spec.audiences", "must be a list of texts");
  if (life !== undefined && life !== null && (typeof life !== "number" || !Number.isInteger(life) || life < shortest))
    throw invalid("spec.expirationSeconds", `must be a whole number of seconds, at least ${shortest}`);
  const limits = scopes === undefined || scopes === null ? undefined : readScopes(scopes);
  if (limits === undefined && scopes !== undefined && scopes !== null)
    throw invalid("spec.scopes", "must be a list of {verbs, apiGroups, resources, namespaces}, each a list of texts");
  return {
    // every item was found to be a text
    audiences: Array.isArray(audiences) && audiences.length > 0 ? (audiences as readonly string[]) : [AUDIENCE],
    lifeSeconds: Math.min(YEAR, typeof life === "number" ? life : usual),
    ...(limits === undefined ? {} : { scopes: limits }),
    ...(typeof description === "string" ? { description } : {}),
  };
}

function accessToken(
  id: string,
  owner: TokenOwner,
  stored: StoredObject,
  order: Order & { readonly hash: string; readonly expiresAt: string },
): ApiObject {
  const { audiences, scopes, hash, expiresAt, description } = order;
  return {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "AccessToken",
    metadata: {
      name: id,
      // a cluster-scoped object cannot have an owner in a namespace; tokens of service accounts are ended by the uid in spec.subject
      ...(owner.kind === "User"
        ? { ownerReferences: [{ apiVersion: "slipway.dev/v1alpha1", kind: "User", name: owner.name, uid: stored.uid }] }
        : {}),
    },
    spec: {
      subject: { ...owner, uid: stored.uid },
      hash,
      expiresAt,
      audiences,
      ...(scopes === undefined ? {} : { scopes: scopes.map((scope) => ({ ...scope })) }),
      ...(description === undefined ? {} : { description }),
    },
  };
}

function answered(body: JsonValue, status: JsonObject): ApiObject {
  // the body was checked against the schema of the action, so it has apiVersion and kind; its metadata may be left out
  const request = (isJsonObject(body) ? body : {}) as ApiObject;
  return { ...request, metadata: isJsonObject(request["metadata"]) ? request.metadata : {}, status };
}

const ownerKey = (owner: TokenOwner): ObjectKey =>
  owner.kind === "User"
    ? { ...USERS, namespace: "", name: owner.name }
    : { ...SERVICE_ACCOUNTS, namespace: owner.namespace, name: owner.name };

const ownerText = (owner: TokenOwner): string =>
  `${owner.kind === "User" ? "users.slipway.dev" : "serviceaccounts"} ${JSON.stringify(owner.name)}`;

const forbidden = (owner: TokenOwner, reason: string): ApiRefusal =>
  new ApiRefusal(403, "Forbidden", `${ownerText(owner)} is forbidden: ${reason}`);

const invalid = (field: string, message: string): ApiRefusal =>
  new ApiRefusal(422, "Invalid", `the token request is invalid: ${field}: ${message}`, [{ field, message }]);
