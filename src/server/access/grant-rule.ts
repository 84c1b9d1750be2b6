import { isLocalRepository } from "../../api/kinds/git-repository.ts";
import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import type { JsonValue } from "../../domain/object/json.ts";
import { isJsonObject, jsonEqual } from "../../domain/object/json.ts";
import type { GrantVerdict } from "../../domain/access/escalation.ts";
import { decide } from "../../domain/access/decide.ts";
import { mayActAs, mayBind, mayGiveGroups, mayWriteRole } from "../../domain/access/escalation.ts";
import type { Policy, Role } from "../../domain/access/policy.ts";
import { readBinding, readRole, referredRole } from "../../domain/access/policy.ts";
import { texts } from "../../domain/access/policy-rule.ts";
import type { Reader } from "../../ports/resources.ts";
import type { AdmissionRule, AskedWrite } from "../admission/admission-parts.ts";
import type { AccessIndex } from "./access-index.ts";
import { mayGiveAway } from "./give-away.ts";
import { serviceAccountCaller } from "./identities.ts";
import { TOKEN_WRITER } from "./issue-token.ts";

/**
 * Refuses a write by which somebody would give more than he has: a role, a binding, membership of a group, a token, what a Sync applies as
 * its service account, or an object to somebody who deletes it. Asked before every write; a deletion gives nothing.
 */
export function grantRule(index: Pick<AccessIndex, "policy">): AdmissionRule {
  return async (asked, reader) => {
    const { object, previous, kind } = asked;
    if (object === undefined) return undefined;
    const given = await mayGiveAway(await index.policy(), asked, object, previous, reader);
    if (!given.granted) return given.reason;
    if (previous !== undefined && isBookkeeping(object, previous)) return undefined;
    const check = CHECKS[`${kind.group}/${kind.resource}`];
    if (check === undefined) return undefined;
    const verdict = await check(await index.policy(), asked, object, reader);
    return verdict.granted ? undefined : verdict.reason;
  };
}

type Check = (policy: Policy, asked: AskedWrite, object: ApiObject, reader: Reader) => Promise<GrantVerdict>;

const CHECKS: Readonly<Record<string, Check>> = {
  "rbac.authorization.k8s.io/roles": checkRole,
  "rbac.authorization.k8s.io/clusterroles": checkRole,
  "rbac.authorization.k8s.io/rolebindings": checkBinding,
  "rbac.authorization.k8s.io/clusterrolebindings": checkBinding,
  "slipway.dev/users": checkGroups,
  "slipway.dev/accesstokens": checkToken,
  "slipway.dev/syncs": checkSync,
  "slipway.dev/gitrepositories": checkRepository,
};

async function checkRole(policy: Policy, { caller, key, previous }: AskedWrite, object: ApiObject): Promise<GrantVerdict> {
  const role = readRole(object);
  const aggregates = role.aggregates !== undefined || (previous !== undefined && readRole(previous).aggregates !== undefined);
  return mayWriteRole(policy, caller, { kind: role.kind, namespace: key.namespace, name: key.name, aggregates }, role.rules);
}

async function checkBinding(policy: Policy, { caller, key }: AskedWrite, object: ApiObject, reader: Reader): Promise<GrantVerdict> {
  const binding = readBinding({ ...object, metadata: { ...object.metadata, namespace: key.namespace } });
  if (binding === undefined) return { granted: false, reason: "its roleRef cannot be read; name a Role or ClusterRole" };
  const role = await currentRole(policy, binding.role.kind, key.namespace, binding.role.name, reader);
  return mayBind(policy, caller, binding.role, key.namespace, role?.rules);
}

/** As stored this moment, so that a role made just before its binding is there; what it aggregates is as the index has it. */
async function currentRole(
  policy: Policy,
  kind: Role["kind"],
  namespace: string,
  name: string,
  reader: Reader,
): Promise<Pick<Role, "rules"> | undefined> {
  const key: ObjectKey = {
    group: "rbac.authorization.k8s.io",
    resource: kind === "Role" ? "roles" : "clusterroles",
    namespace: kind === "Role" ? namespace : "",
    name,
  };
  const stored = await reader.get(key);
  if (stored === undefined) return undefined;
  const role = readRole(stored.object);
  return role.aggregates === undefined ? role : referredRole(policy, { kind, name }, namespace);
}

async function checkGroups(policy: Policy, { caller, previous }: AskedWrite, object: ApiObject): Promise<GrantVerdict> {
  const before = previous === undefined ? [] : groupsOf(previous);
  return mayGiveGroups(
    policy,
    caller,
    groupsOf(object).filter((group) => !before.includes(group)),
  );
}

async function checkToken(_policy: Policy, { caller, previous }: AskedWrite, object: ApiObject): Promise<GrantVerdict> {
  if (caller.name === TOKEN_WRITER || (previous !== undefined && jsonEqual(withoutDescription(object), withoutDescription(previous))))
    return { granted: true };
  return {
    granted: false,
    reason: "tokens are not written by hand: create users/NAME/token or serviceaccounts/NAME/token, which shows the new token once",
  };
}

/** Whoever says what a Sync applies acts as its service account; to stop one, or to say how often it looks, takes no more than the right to write it. */
async function checkSync(policy: Policy, { caller, key, previous, subresource }: AskedWrite, object: ApiObject): Promise<GrantVerdict> {
  const account = accountOf(object);
  if (subresource !== "" || account === undefined || (previous !== undefined && jsonEqual(whatIsApplied(object), whatIsApplied(previous))))
    return { granted: true };
  return mayActAs(policy, caller, serviceAccountCaller(key.namespace, account, ""));
}

/** Whoever says where a repository is says what every Sync that reads it applies, and where the secrets go that it logs in with. */
async function checkRepository(
  policy: Policy,
  { caller, key, previous, subresource }: AskedWrite,
  object: ApiObject,
  reader: Reader,
): Promise<GrantVerdict> {
  if (subresource !== "" || (previous !== undefined && jsonEqual(object.spec, previous.spec))) return { granted: true };
  if (isLocalRepository(urlOf(object)) && !decide(policy, caller, { ...LOCAL, namespace: key.namespace, name: key.name }).allowed)
    return {
      granted: false,
      reason: `its url is a path on the server's machine, which is read with the server's own rights; use an address by https or ssh, or ask for the verb "use" on "localrepositories" in API group "slipway.dev"`,
    };
  const secret = secretsOf(object).find((name) => !decide(policy, caller, { ...SECRET, namespace: key.namespace, name }).allowed);
  if (secret !== undefined)
    return {
      granted: false,
      reason: `it would send the Secret ${JSON.stringify(secret)} where its url says, and User ${JSON.stringify(caller.name)} may not read that; ask for the verb "get" on it`,
    };
  const { items } = await reader.list({ group: "slipway.dev", resource: "syncs", namespace: key.namespace });
  const accounts = new Set(items.flatMap((sync) => (repositoryOf(sync.object) === key.name ? (accountOf(sync.object) ?? []) : [])));
  for (const account of accounts) {
    const verdict = mayActAs(policy, caller, serviceAccountCaller(key.namespace, account, ""));
    if (!verdict.granted) return { granted: false, reason: `a Sync applies what is in it: ${verdict.reason}` };
  }
  return { granted: true };
}

function accountOf(sync: ApiObject): string | undefined {
  const name = isJsonObject(sync.spec) ? sync.spec["serviceAccountName"] : undefined;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** Not a kind: a right of its own, as the server reads such a path with its own rights, whoever named it. */
const LOCAL = { verb: "use", group: "slipway.dev", resource: "localrepositories", subresource: "" };

function urlOf({ spec }: ApiObject): string {
  return isJsonObject(spec) && typeof spec["url"] === "string" ? spec["url"] : "";
}

const SECRET = { verb: "get", group: "", resource: "secrets", subresource: "" };

function secretsOf(repository: ApiObject): readonly string[] {
  const spec = isJsonObject(repository.spec) ? repository.spec : {};
  const webhook = isJsonObject(spec["webhook"]) ? spec["webhook"] : {};
  return [spec["secretRef"], webhook["secretRef"]].flatMap((reference) =>
    isJsonObject(reference) && typeof reference["name"] === "string" && reference["name"] !== "" ? [reference["name"]] : [],
  );
}

function repositoryOf(sync: ApiObject): JsonValue | undefined {
  const source = isJsonObject(sync.spec) ? sync.spec["source"] : undefined;
  return isJsonObject(source) ? source["repository"] : undefined;
}

function whatIsApplied(sync: ApiObject): ApiObject["spec"] {
  return isJsonObject(sync.spec) ? { ...sync.spec, suspend: undefined, interval: undefined, timeout: undefined } : sync.spec;
}

const groupsOf = (user: ApiObject): readonly string[] => (isJsonObject(user.spec) ? texts(user.spec["groups"]) : []);

function withoutDescription(object: ApiObject): ApiObject["spec"] {
  return isJsonObject(object.spec) ? { ...object.spec, description: undefined } : object.spec;
}

/** Owners and finalizers alone change nobody's rights: the garbage collector may write them. */
function isBookkeeping(object: ApiObject, previous: ApiObject): boolean {
  const rest = ({ metadata, ...other }: ApiObject) => ({
    ...other,
    metadata: { labels: metadata.labels, annotations: metadata.annotations },
  });
  return jsonEqual(rest(object), rest(previous));
}
