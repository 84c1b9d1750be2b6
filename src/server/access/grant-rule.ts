import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import { isJsonObject, jsonEqual } from "../../domain/object/json.ts";
import type { GrantVerdict } from "../../domain/access/escalation.ts";
import { mayActAs, mayBind, mayGiveGroups, mayWriteRole } from "../../domain/access/escalation.ts";
import type { Policy, Role } from "../../domain/access/policy.ts";
import { readBinding, readRole, referredRole } from "../../domain/access/policy.ts";
import { texts } from "../../domain/access/policy-rule.ts";
import type { Reader } from "../../ports/resources.ts";
import type { AdmissionRule, AskedWrite } from "../admitted.ts";
import type { AccessIndex } from "./access-index.ts";
import { serviceAccountCaller } from "./identities.ts";
import { TOKEN_WRITER } from "./issue-token.ts";

/**
 * Refuses a write by which somebody would give more than he has: a role, a binding, membership of a group, a token, a Sync that acts as a service
 * account. Asked before every write; a deletion gives nothing.
 */
export function grantRule(index: Pick<AccessIndex, "policy">): AdmissionRule {
  return async (asked, reader) => {
    const { object, previous, kind } = asked;
    if (object === undefined || (previous !== undefined && isBookkeeping(object, previous))) return undefined;
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

/** Whoever says what a Sync applies acts as its service account. */
async function checkSync(policy: Policy, { caller, key, previous, subresource }: AskedWrite, object: ApiObject): Promise<GrantVerdict> {
  if (subresource !== "" || (previous !== undefined && jsonEqual(object.spec, previous.spec))) return { granted: true };
  const name = isJsonObject(object.spec) ? object.spec["serviceAccountName"] : undefined;
  if (typeof name !== "string" || name === "") return { granted: true };
  return mayActAs(policy, caller, serviceAccountCaller(key.namespace, name, ""));
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
