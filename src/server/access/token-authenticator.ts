import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { Instant } from "../../domain/units.ts";
import { rfc3339 } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import type { Authenticator, Caller } from "../caller.ts";
import type { AccessIndex } from "./access-index.ts";
import { SERVICE_ACCOUNTS, TOKENS, USERS } from "./access-index.ts";
import type { TokenRecord, TokenSubject } from "./access-token.ts";
import { AUDIENCE, readAccessToken } from "./access-token.ts";
import { isDisabled, serviceAccountCaller, userCaller } from "./identities.ts";
import type { Mirror } from "./mirror.ts";
import { isSecretOf, parseToken } from "./token-text.ts";

/** The caller and the audiences, of those asked, that his token is for; or why there is none, without the token in the sentence. */
export type TokenCheck = { readonly caller: Caller; readonly audiences: readonly string[] } | { readonly refused: string };

export interface TokenAuthenticator extends Authenticator {
  /** As `authenticate`, for a service that asks in its own name (TokenReview). */
  check(token: string, audiences: readonly string[]): Promise<TokenCheck>;
}

/** Reads of the store for tokens that the index does not know, each second: enough for tokens made elsewhere a moment ago, too few to be a burden. */
const READS_A_SECOND = 50;
const UNKNOWN = "the token is not known: it was deleted, or belongs to another server; ask for a new one";

/**
 * Knows callers by bearer tokens `slp_<id>_<secret>`, of which only a hash is stored. A token made on another control plane works at once, a deleted
 * one ends within the delay of the watch. Every refusal is one sentence; who does not know the secret learns nothing about the token. Throws PortError only.
 */
export function tokenAuthenticator(index: Pick<AccessIndex, "identities">, resources: Resources, clock: Clock): TokenAuthenticator {
  const find = finder(index.identities, resources, clock);
  const check: TokenAuthenticator["check"] = async (token, audiences) => {
    const parsed = parseToken(token);
    if (parsed === undefined)
      return { refused: "the token is malformed: it must be slp_ID_SECRET as it was given out, nothing added or lost" };
    const stored = await find({ ...TOKENS, namespace: "", name: parsed.id });
    const record = stored === undefined ? undefined : readAccessToken(stored.object);
    if (record === undefined || !isSecretOf(record.hash, parsed.secret)) return { refused: UNKNOWN };
    const refused = refusal(record, audiences, clock.now());
    if (refused !== undefined) return { refused };
    const owner = await ownerOf(record.subject, find);
    if ("refused" in owner) return owner;
    const caller: Caller = { ...owner, token: parsed.id, ...(record.scopes === undefined ? {} : { scopes: record.scopes }) };
    return { caller, audiences: audiences.filter((audience) => record.audiences.includes(audience)) };
  };
  return {
    check,
    async authenticate(bearer) {
      if (bearer === undefined || bearer === "")
        return { refused: 'no token was sent: send "Authorization: Bearer slp_…", as the kubeconfig of a user does' };
      const found = await check(bearer, [AUDIENCE]);
      return "refused" in found ? found : found.caller;
    },
  };
}

function refusal(record: TokenRecord, audiences: readonly string[], now: Instant): string | undefined {
  if (!record.audiences.some((audience) => audiences.includes(audience)))
    return `the token is for ${record.audiences.join(", ")}, not for ${audiences.join(", ")}; ask for one with that audience`;
  if (now >= record.expiresAt) return `the token expired at ${rfc3339(record.expiresAt)}; ask for a new one`;
  return undefined;
}

/** `isRight` false of what the index has: it may be behind, so the store is asked. */
type Find = (key: ObjectKey, isRight?: (stored: StoredObject) => boolean) => Promise<StoredObject | undefined>;

async function ownerOf(subject: TokenSubject, find: Find): Promise<Caller | { readonly refused: string }> {
  const { kind, namespace, name, uid } = subject;
  const text =
    kind === "User"
      ? `the user ${JSON.stringify(name)}`
      : `the service account ${JSON.stringify(name)} in the namespace ${JSON.stringify(namespace)}`;
  const owner = await find({ ...(kind === "User" ? USERS : SERVICE_ACCOUNTS), namespace, name }, (stored) => stored.uid === uid);
  if (owner === undefined || owner.object.metadata.deletionTimestamp !== undefined)
    return { refused: `${text}, whose token this is, does not exist any more` };
  if (owner.uid !== uid)
    return { refused: `${text} is not the one this token was made for: it was deleted and made anew; ask for a new token` };
  if (kind === "ServiceAccount") return serviceAccountCaller(namespace, name, uid);
  return isDisabled(owner.object) ? { refused: `${text} is disabled` } : userCaller(owner.object);
}

/** From the index; what it does not have is read from the store, as often as the limit allows. */
function finder(identities: Mirror, resources: Resources, clock: Clock): Find {
  let second = { begins: clock.now(), reads: 0 };
  return async (key, isRight = () => true) => {
    await identities.ready();
    const known = identities.get(key);
    if (known !== undefined && isRight(known)) return known;
    const now = clock.now();
    if (now - second.begins >= 1000 || now < second.begins) second = { begins: now, reads: 0 };
    second.reads += 1;
    if (second.reads > READS_A_SECOND)
      throw new PortError(
        "notDone",
        "too many unknown tokens are being tried, so that this one could not be looked up; try again in a second",
      );
    return resources.get(key);
  };
}
