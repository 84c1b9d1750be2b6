import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import { decide } from "../../domain/access/decide.ts";
import type { GrantVerdict } from "../../domain/access/escalation.ts";
import { serviceAccountUser } from "../../domain/access/identity.ts";
import type { Policy } from "../../domain/access/policy.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { references } from "../../domain/ownership/collect.ts";
import { appliedBy, APPLIED_BY, PART_OF } from "../../domain/sync/apply-set.ts";
import type { Reader } from "../../ports/resources.ts";
import type { AskedWrite } from "../admission/admission-parts.ts";

/**
 * Whoever names an owner for an object, or says that a Sync applied it, has the garbage collector or that Sync delete it: that takes the right to delete it
 * oneself. (Kubernetes has the same for owners as OwnerReferencesPermissionEnforcement:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement.)
 * What claims to come from a Sync is counted by it and keeps it busy, so that the claim takes the right to write that Sync. Its own service account
 * marks what it applies. `previous` is absent where the object is made: then there is nothing yet to be deleted, but there may be a claim.
 */
export async function mayGiveAway(
  policy: Policy,
  asked: AskedWrite,
  object: ApiObject,
  previous: ApiObject | undefined,
  reader: Reader,
): Promise<GrantVerdict> {
  const { caller, kind, key } = asked;
  const { group, resource, namespace, name } = key;
  const sync = await newSync(asked, object, previous, reader);
  const what = `User ${JSON.stringify(caller.name)} cannot give this ${kind.kind} to`;
  if (
    sync !== undefined &&
    !decide(policy, caller, { verb: "patch", group: "slipway.dev", resource: "syncs", subresource: "", ...sync }).allowed
  )
    return {
      granted: false,
      reason: `${what} the Sync "${sync.namespace}/${sync.name}", which would count it as its own: that takes the verb "patch" on that Sync`,
    };
  const owner =
    previous === undefined
      ? undefined
      : (newOwner(object, previous) ?? (sync === undefined ? undefined : `the Sync "${sync.namespace}/${sync.name}"`));
  if (owner === undefined || decide(policy, caller, { verb: "delete", group, resource, subresource: "", namespace, name }).allowed)
    return { granted: true };
  return { granted: false, reason: `${what} ${owner}, by which it would be deleted: that takes the verb "delete" on it` };
}

function newOwner(object: ApiObject, previous: ApiObject): string | undefined {
  const known = new Set(references(previous).map(({ uid }) => uid));
  const added = references(object).find(({ uid }) => !known.has(uid));
  return added === undefined ? undefined : `an owner (${added.kind} ${JSON.stringify(added.name)})`;
}

/** The Sync that the object says it comes from, where that is news and somebody else than its service account says so. */
async function newSync(
  { caller }: AskedWrite,
  object: ApiObject,
  previous: ApiObject | undefined,
  reader: Reader,
): Promise<Pick<ObjectKey, "namespace" | "name"> | undefined> {
  const sync = appliedBy(object);
  const mark = ({ metadata }: ApiObject) => `${metadata.labels?.[PART_OF] ?? ""} ${metadata.annotations?.[APPLIED_BY] ?? ""}`;
  if (sync === undefined || (previous !== undefined && mark(object) === mark(previous))) return undefined;
  const stored = await reader.get({ group: "slipway.dev", resource: "syncs", ...sync });
  const account = isJsonObject(stored?.object.spec) ? stored.object.spec["serviceAccountName"] : undefined;
  return typeof account === "string" && caller.name === serviceAccountUser(sync.namespace, account) ? undefined : sync;
}
