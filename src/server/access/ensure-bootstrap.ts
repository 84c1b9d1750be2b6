import { bootstrapObjects, reconciled } from "../../domain/access/bootstrap.ts";
import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import type { Resources, Write } from "../../ports/resources.ts";
import { ResourceError } from "../../ports/resources.ts";

const MANAGER = "slipway-bootstrap";
const ATTEMPTS = 5;

/**
 * Writes the roles and bindings of the bootstrap policy that are missing or incomplete; what people added stays. Several control planes may do it at
 * once. `resources` is admitted as somebody who may do everything. Throws ResourceError, PortError.
 */
export async function ensureBootstrap(resources: Resources): Promise<{ readonly written: number }> {
  let written = 0;
  for (const wanted of bootstrapObjects()) if (await ensure(resources, wanted)) written += 1;
  return { written };
}

async function ensure(resources: Resources, wanted: ApiObject): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const write = await missing(resources, wanted);
    if (write === undefined) return false;
    try {
      await resources.commit({ writes: [write] });
      return true;
    } catch (error) {
      // another control plane was there first: look at what it wrote
      const lost =
        error instanceof ResourceError && (error.reason === "conflict" || error.reason === "alreadyExists" || error.reason === "notFound");
      if (!lost || attempt === ATTEMPTS) throw error;
    }
  }
}

async function missing(resources: Resources, wanted: ApiObject): Promise<Write | undefined> {
  const key: ObjectKey = {
    group: "rbac.authorization.k8s.io",
    resource: wanted.kind === "ClusterRole" ? "clusterroles" : "clusterrolebindings",
    namespace: "",
    name: wanted.metadata.name ?? "",
  };
  const stored = await resources.get(key);
  if (stored === undefined) return { verb: "create", key, object: wanted, intent: { verb: "create", manager: MANAGER } };
  const object = reconciled(stored.object, wanted);
  if (object === undefined) return undefined;
  return { verb: "update", key, object, resourceVersion: stored.resourceVersion, intent: { verb: "update", manager: MANAGER } };
}
