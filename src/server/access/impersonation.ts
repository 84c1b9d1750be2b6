import { AUTHENTICATED, serviceAccountGroups, serviceAccountOf } from "../../domain/access/identity.ts";
import { impersonation } from "../../domain/access/escalation.ts";
import { deniedText } from "../../domain/access/decide.ts";
import type { Authorizer, Caller, ResourceAttributes } from "../caller.ts";

/** Names in lower case, as `headersDistinct` and `headers` of Node's requests have them; the first keeps repeated lines apart. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The HTTP code (400 or 403) and the sentence to answer with. */
export interface ImpersonationRefusal {
  readonly code: 400 | 403;
  readonly refused: string;
}

/**
 * Whom the caller asks to be, by the `Impersonate-*` headers of Kubernetes; himself where there are none. Each part (user or service account, groups,
 * uid, extra) takes the verb `impersonate` on it. As in Kubernetes, a user impersonated without groups has none of his own. The scope of the
 * caller's token stays. Throws PortError only. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export async function impersonated(caller: Caller, headers: Headers, authorizer: Authorizer): Promise<Caller | ImpersonationRefusal> {
  const wanted = readHeaders(headers);
  if (wanted === undefined) return caller;
  if ("refused" in wanted) return wanted;
  for (const asked of questions(wanted)) {
    const { allowed, reason } = await authorizer.authorize(caller, asked);
    if (!allowed) return { code: 403, refused: [deniedText(caller, asked), reason].filter((part) => part !== "").join(": ") };
  }
  return {
    name: wanted.user,
    uid: wanted.uid,
    groups: groupsOf(wanted),
    extra: wanted.extra,
    ...(caller.scopes === undefined ? {} : { scopes: caller.scopes }),
    ...(caller.token === undefined ? {} : { token: caller.token }),
    impersonatedBy: caller.impersonatedBy ?? caller.name,
  };
}

/** Whether the request asks for it at all: such headers must not be passed over. */
export const asksToImpersonate = (headers: Headers): boolean => Object.keys(headers).some((name) => name.startsWith("impersonate-"));

interface Wanted {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

const EXTRA = "impersonate-extra-";
const KNOWN = new Set(["impersonate-user", "impersonate-group", "impersonate-uid"]);

function readHeaders(headers: Headers): Wanted | ImpersonationRefusal | undefined {
  if (!asksToImpersonate(headers)) return undefined;
  const unknown = Object.keys(headers).find((name) => name.startsWith("impersonate-") && !KNOWN.has(name) && !name.startsWith(EXTRA));
  if (unknown !== undefined)
    return { code: 400, refused: `the header ${JSON.stringify(unknown)} is not known; use Impersonate-User, -Group, -Uid or -Extra-NAME` };
  const [user, ...more] = values(headers["impersonate-user"]);
  if (user === undefined || user === "" || more.length > 0)
    return { code: 400, refused: "to impersonate groups, a uid or extra, name one user in Impersonate-User" };
  const extra: [string, readonly string[]][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(EXTRA)) continue;
    const key = decoded(name.slice(EXTRA.length));
    if (key === undefined || key === "")
      return { code: 400, refused: `the header ${JSON.stringify(name)} does not name an extra; percent-encode it as UTF-8` };
    extra.push([key, values(value)]);
  }
  // fromEntries defines own properties, so that no name reaches a prototype
  return {
    user,
    uid: values(headers["impersonate-uid"]).at(0) ?? "",
    groups: values(headers["impersonate-group"]),
    extra: Object.fromEntries(extra),
  };
}

function* questions(wanted: Wanted): Iterable<ResourceAttributes> {
  const account = serviceAccountOf(wanted.user);
  yield {
    version: "v1",
    ...(account === undefined
      ? impersonation("users", "", wanted.user)
      : impersonation("serviceaccounts", account.namespace, account.name)),
  };
  for (const group of wanted.groups) yield { version: "v1", ...impersonation("groups", "", group) };
  const other = { verb: "impersonate", group: "authentication.k8s.io", version: "v1", namespace: "" };
  if (wanted.uid !== "") yield { ...other, resource: "uids", subresource: "", name: wanted.uid };
  for (const [key, list] of Object.entries(wanted.extra))
    for (const value of list) yield { ...other, resource: "userextras", subresource: key, name: value };
}

function groupsOf({ user, groups }: Wanted): readonly string[] {
  const account = serviceAccountOf(user);
  const own = account !== undefined && groups.length === 0 ? serviceAccountGroups(account.namespace) : groups;
  return [...new Set([...own, AUTHENTICATED])];
}

/**
 * Node joins a header that is sent several times with ", ". A group with that in its name is therefore read as two, each of which must be allowed.
 * Servers that keep the lines apart hand in a list.
 */
function values(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  return typeof header === "string" ? header.split(", ").filter((value) => value !== "") : header;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
