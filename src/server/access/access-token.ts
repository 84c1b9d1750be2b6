import type { ApiObject } from "../../domain/object/api-object.ts";
import type { JsonValue } from "../../domain/object/json.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { texts } from "../../domain/access/policy-rule.ts";
import type { Instant } from "../../domain/units.ts";
import { parseRfc3339 } from "../../domain/units.ts";
import type { Scope } from "../caller.ts";

/** Who a token speaks to when it does not say: this server. */
export const AUDIENCE = "https://slipway";

/** What a stored AccessToken says. */
export interface TokenRecord {
  readonly subject: TokenSubject;
  readonly hash: string;
  readonly expiresAt: Instant;
  readonly audiences: readonly string[];
  readonly scopes?: readonly Scope[];
}

export interface TokenSubject {
  readonly kind: "User" | "ServiceAccount";
  /** "" for a User. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Reads a stored AccessToken; undefined when a part is missing, which makes it no token. Scopes that cannot be read allow nothing. */
export function readAccessToken(object: ApiObject): TokenRecord | undefined {
  const spec = object.spec;
  if (!isJsonObject(spec)) return undefined;
  const subject = readSubject(spec["subject"]);
  const expiresAt = typeof spec["expiresAt"] === "string" ? parseRfc3339(spec["expiresAt"]) : undefined;
  if (subject === undefined || expiresAt === undefined || typeof spec["hash"] !== "string") return undefined;
  const audiences = texts(spec["audiences"]);
  const scopes = spec["scopes"] === undefined ? {} : { scopes: readScopes(spec["scopes"]) ?? [] };
  return { subject, hash: spec["hash"], expiresAt, audiences: audiences.length === 0 ? [AUDIENCE] : audiences, ...scopes };
}

/** The scopes as they are written; undefined when any part of them is not as it should be. */
export function readScopes(value: JsonValue): readonly Scope[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const read = value.map(readScope);
  return read.every((scope) => scope !== undefined) ? read : undefined;
}

function readScope(value: JsonValue): Scope | undefined {
  if (!isJsonObject(value)) return undefined;
  const [verbs, apiGroups, resources] = [value["verbs"], value["apiGroups"], value["resources"]].map(strictTexts);
  const namespaces = strictTexts(value["namespaces"]);
  if (verbs === undefined || apiGroups === undefined || resources === undefined) return undefined;
  if (value["namespaces"] === undefined) return { verbs, apiGroups, resources };
  return namespaces === undefined ? undefined : { verbs, apiGroups, resources, namespaces };
}

function strictTexts(value: JsonValue | undefined): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

function readSubject(value: JsonValue | undefined): TokenSubject | undefined {
  if (!isJsonObject(value)) return undefined;
  const { kind, name, uid } = value;
  const namespace = value["namespace"] ?? "";
  if (
    (kind !== "User" && kind !== "ServiceAccount") ||
    typeof name !== "string" ||
    typeof uid !== "string" ||
    typeof namespace !== "string"
  )
    return undefined;
  return (kind === "ServiceAccount") === (namespace !== "") ? { kind, namespace, name, uid } : undefined;
}
