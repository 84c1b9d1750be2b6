import type { ApiObject } from "../../domain/object/api-object.ts";
import { AUTHENTICATED, MASTERS, controllerUser, serviceAccountGroups, serviceAccountUser } from "../../domain/access/identity.ts";
import { texts } from "../../domain/access/policy-rule.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import type { Caller } from "../caller.ts";

/** A User as a caller. Groups that begin with `system:` are the server's to give and are passed over, whatever the object says. */
export function userCaller(user: ApiObject): Caller {
  const spec = isJsonObject(user.spec) ? user.spec : {};
  const groups = texts(spec["groups"]).filter((group) => !group.startsWith("system:"));
  return { name: user.metadata.name ?? "", uid: user.metadata.uid ?? "", groups: [...new Set([...groups, AUTHENTICATED])], extra: {} };
}

/** A ServiceAccount as a caller: what the sync engine and its tokens act as. */
export function serviceAccountCaller(namespace: string, name: string, uid: string): Caller {
  return { name: serviceAccountUser(namespace, name), uid, groups: [...serviceAccountGroups(namespace), AUTHENTICATED], extra: {} };
}

/** `system:slipway:<name>`, with the rights of the ClusterRole of that name. */
export function controllerCaller(controller: string): Caller {
  return { name: controllerUser(controller), uid: "", groups: [AUTHENTICATED], extra: {} };
}

/** The server itself, for what it does at start: may do everything. */
export const serverCaller: Caller = { name: "system:slipway:server", uid: "", groups: [MASTERS, AUTHENTICATED], extra: {} };

export const isDisabled = (user: ApiObject): boolean => isJsonObject(user.spec) && user.spec["disabled"] === true;
