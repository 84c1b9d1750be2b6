import type { ApiObject } from "../../domain/object/api-object.ts";
import type { Binding, Policy, Role } from "../../domain/access/policy.ts";
import { buildPolicy, readBinding, readRole } from "../../domain/access/policy.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import type { Mirror, Mirrored } from "./mirror.ts";
import { mirror, telling } from "./mirror.ts";

const RBAC = "rbac.authorization.k8s.io";
const ROLES: readonly Mirrored[] = ["clusterroles", "roles"].map((resource) => ({ group: RBAC, resource }));
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
  const rules = mirror(resources, [...ROLES, ...BINDINGS], clock, signal);
  const identities = mirror(resources, [TOKENS, USERS, SERVICE_ACCOUNTS], clock, signal);
  const read = reader();
  let built: { readonly generation: number; readonly policy: Policy } | undefined;
  return {
    identities,
    resources: telling(resources, [rules, identities]),
    async policy() {
      await rules.ready();
      if (built?.generation !== rules.generation) built = { generation: rules.generation, policy: read(rules) };
      return built.policy;
    },
  };
}

/** Each object is parsed once, so that a change costs the grouping and not the parsing of everything else. */
function reader(): (rules: Mirror) => Policy {
  const roles = remembered(readRole);
  const bindings = remembered(readBinding);
  return (rules) =>
    buildPolicy(
      ROLES.flatMap((of) => rules.all(of)).map((stored): Role => roles(stored)),
      BINDINGS.flatMap((of) => rules.all(of)).flatMap((stored): readonly Binding[] => {
        const binding = bindings(stored);
        return binding === undefined ? [] : [binding];
      }),
    );
}

function remembered<Read>(read: (object: ApiObject) => Read): (stored: StoredObject) => Read {
  const known = new WeakMap<StoredObject, { readonly read: Read }>();
  return (stored) => {
    const entry = known.get(stored) ?? { read: read(stored.object) };
    known.set(stored, entry);
    return entry.read;
  };
}
