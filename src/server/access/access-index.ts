import type { ApiObject } from "../../domain/object/api-object.ts";
import type { Binding, Policy, Role } from "../../domain/access/policy.ts";
import { buildPolicy, readBinding, readRole } from "../../domain/access/policy.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import type { Mirror, Mirrored } from "./mirror.ts";
import { mirror, telling } from "./mirror.ts";

const RBAC = "rbac.authorization.k8s.io";
const ROLES: Mirrored = { group: RBAC, resource: "roles" };
const CLUSTER_ROLES: Mirrored = { group: RBAC, resource: "clusterroles" };
const BINDINGS: readonly Mirrored[] = ["clusterrolebindings", "rolebindings"].map((resource) => ({ group: RBAC, resource }));

export const TOKENS: Mirrored = { group: "slipway.dev", resource: "accesstokens" };
export const USERS: Mirrored = { group: "slipway.dev", resource: "users" };
export const SERVICE_ACCOUNTS: Mirrored = { group: "", resource: "serviceaccounts" };

/** Everything that says who people are and what they may do, in memory and in step with the store. */
export interface AccessIndex {
  /** The policy in force. Throws PortError `notDone` while the store cannot be read for the first time. */
  policy(): Promise<Policy>;
  /** Tokens, users and service accounts; call `ready` before. */
  readonly identities: Mirror;
  /** The store, for writing through: what is written here counts from the next request on. To be wrapped by admission. */
  readonly resources: Resources;
}

/** Begins to read at once; ends with the signal. `resources` is the store itself, before admission. */
export function accessIndex(resources: Resources, clock: Clock, signal: AbortSignal): AccessIndex {
  const roles = mirror(resources, [ROLES], clock, signal);
  const rules = mirror(resources, [CLUSTER_ROLES, ...BINDINGS], clock, signal);
  const identities = mirror(resources, [TOKENS, USERS, SERVICE_ACCOUNTS], clock, signal);
  const read = reader();
  let shared: { readonly generation: number; readonly policy: Policy } | undefined;
  let built: { readonly generation: number; readonly policy: Policy; readonly of: Policy } | undefined;
  return {
    identities,
    resources: telling(resources, [roles, rules, identities]),
    async policy() {
      await rules.ready();
      await roles.ready();
      if (shared?.generation !== rules.generation) shared = { generation: rules.generation, policy: read.shared(rules) };
      if (built?.generation !== roles.generation || built.of !== shared.policy)
        built = { generation: roles.generation, of: shared.policy, policy: { ...shared.policy, roles: read.roles(roles) } };
      return built.policy;
    },
  };
}

interface PolicyReader {
  /** What counts for everybody: ClusterRoles and the bindings. */
  shared(rules: Mirror): Policy;
  roles(roles: Mirror): Policy["roles"];
}

/** Each object is parsed once, so that a change costs the grouping and not the parsing of everything else; Roles, of which there are many, not even that. */
function reader(): PolicyReader {
  const role = remembered(readRole);
  const bindings = remembered(readBinding);
  return {
    shared: (rules) =>
      buildPolicy(
        rules.all(CLUSTER_ROLES).map((stored): Role => role(stored)),
        BINDINGS.flatMap((of) => rules.all(of)).flatMap((stored): readonly Binding[] => {
          const binding = bindings(stored);
          return binding === undefined ? [] : [binding];
        }),
      ),
    roles: (roles) => ({
      get(place) {
        const [namespace = "", name = ""] = place.split("/");
        const stored = roles.get({ ...ROLES, namespace, name });
        return stored === undefined ? undefined : role(stored);
      },
    }),
  };
}

function remembered<Read>(read: (object: ApiObject) => Read): (stored: StoredObject) => Read {
  const known = new WeakMap<StoredObject, { readonly read: Read }>();
  return (stored) => {
    const entry = known.get(stored) ?? { read: read(stored.object) };
    known.set(stored, entry);
    return entry.read;
  };
}
