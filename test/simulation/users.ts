import { catalog } from "../../src/api/catalog.ts";
import type { ApiObject, ObjectKey } from "../../src/domain/object/api-object.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { ResourceError, type Resources, type StoredObject } from "../../src/ports/resources.ts";
import { grantRule } from "../../src/server/access/grant-rule.ts";
import { admission } from "../../src/server/admitted.ts";
import type { Caller } from "../../src/server/caller.ts";
import { rbacAuthorizer } from "../../src/server/access/rbac-authorizer.ts";
import { deleteOne, type DeleteOptions } from "../../src/server/verbs/delete.ts";
import { seededIds } from "./plane.ts";
import type { Random } from "./random.ts";
import type { Shared } from "./shared.ts";

const jane: Caller = { name: "jane", uid: "", groups: ["system:masters"], extra: {} };

/** People at the API: their requests arrive, and what the state does not allow is answered and forgotten. */
export interface Users {
  create(object: ApiObject): Promise<void>;
  change(key: ObjectKey, change: (object: ApiObject) => ApiObject): Promise<void>;
  delete(key: ObjectKey, policy?: NonNullable<DeleteOptions["policy"]>): Promise<void>;
  get(key: ObjectKey): Promise<StoredObject | undefined>;
}

export function usersOf(shared: Shared, clock: Clock, random: Random): Users {
  const { resources, index } = shared;
  const ids = seededIds(random);
  const admitted = admission({ resources, catalog, authorizer: rbacAuthorizer(index), clock, ids, rules: [grantRule(index)] });
  const asJane: Resources = admitted.as(jane);
  return {
    create: (object) =>
      answered(asJane.commit({ writes: [{ verb: "create", key: keyOf(object), object, intent: { verb: "create", manager: "kubectl" } }] })),
    change: async (key, change) => {
      const stored = await resources.get(key);
      if (stored === undefined) return;
      const { resourceVersion } = stored;
      await answered(
        asJane.commit({
          writes: [
            { verb: "update", key, object: change(stored.object), resourceVersion, intent: { verb: "update", manager: "kubectl-edit" } },
          ],
        }),
      );
    },
    delete: (key, policy = "Background") => {
      const kind = catalog.byKey(key);
      if (kind === undefined) throw new Error(`no kind ${key.resource}`);
      const ask = { caller: jane, kind, namespace: key.namespace, name: key.name, subresource: "" } as const;
      return answered(deleteOne({ admission: admitted, resources, catalog, clock, ids }, ask, { dryRun: false, policy }));
    },
    get: (key) => resources.get(key),
  };
}

async function answered(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof ResourceError) || error.reason === "invalid") throw error;
  }
}

export function keyOf(object: ApiObject): ObjectKey {
  const kind = catalog.byKind(object.apiVersion, object.kind);
  if (kind === undefined) throw new Error(`no kind ${object.kind}`);
  return { group: kind.group, resource: kind.resource, namespace: object.metadata.namespace ?? "", name: object.metadata.name ?? "" };
}
