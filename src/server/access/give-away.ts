import type { ApiObject } from "../../domain/object/api-object.ts";
import { decide } from "../../domain/access/decide.ts";
import type { GrantVerdict } from "../../domain/access/escalation.ts";
import { serviceAccountUser } from "../../domain/access/identity.ts";
import type { Policy } from "../../domain/access/policy.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { references } from "../../domain/ownership/collect.ts";
import { appliedBy, APPLIED_BY, PART_OF } from "../../domain/sync/apply-set.ts";
import type { Reader } from "../../ports/resources.ts";
import type { AskedWrite } from "../admitted.ts";

/**
 * Whoever names an owner for an object, or says that a Sync applied it, has the garbage collector or that Sync delete it: that takes the right to delete it
 * oneself. (Kubernetes has the same for owners as OwnerReferencesPermissionEnforcement:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement.)
 * A Sync's own service account marks what it applies.
 */
export async function mayGiveAway(
  policy: Policy,
  asked: AskedWrite,
  object: ApiObject,
  previous: ApiObject,
  reader: Reader,
): Promise<GrantVerdict> {
  const to = newOwner(object, previous) ?? (await newSync(asked, object, previous, reader));
  if (to === undefined) return { granted: true };
  const { caller, kind, key } = asked;
  const { group, resource, namespace, name } = key;
  if (decide(policy, caller, { verb: "delete", group, resource, subresource: "", namespace, name }).allowed) return { granted: true };
  return {
    granted: false,
    reason: `User ${JSON.stringify(caller.name)} cannot give this ${kind.kind} to ${to}, by which it would be deleted: that takes the verb "delete" on it`,
  };
}

function newOwner(object: ApiObject, previous: ApiObject): string | undefined {
  const known = new Set(references(previous).map(({ uid }) => uid));
  const added = references(object).find(({ uid }) => !known.has(uid));
  return added === undefined ? undefined : `an owner (${added.kind} ${JSON.stringify(added.name)})`;
}

async function newSync({ caller }: AskedWrite, object: ApiObject, previous: ApiObject, reader: Reader): Promise<string | undefined> {
  const marks = ({ metadata }: ApiObject) => [metadata.labels?.[PART_OF], metadata.annotations?.[APPLIED_BY]];
  const [label, by] = marks(object);
  const before = marks(previous);
  if (label === undefined || (label === before[0] && by === before[1])) return undefined;
  const sync = appliedBy(object);
  if (sync === undefined) return "a set of applied objects";
  const stored = await reader.get({ group: "slipway.dev", resource: "syncs", ...sync });
  const account = isJsonObject(stored?.object.spec) ? stored.object.spec["serviceAccountName"] : undefined;
  if (typeof account === "string" && caller.name === serviceAccountUser(sync.namespace, account)) return undefined;
  return `the Sync ${JSON.stringify(`${sync.namespace}/${sync.name}`)}`;
}
