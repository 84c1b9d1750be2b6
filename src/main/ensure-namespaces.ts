import { ResourceError, type Resources } from "../ports/resources.ts";

/** Namespaces that are always there: where objects without one go, and the one whose uid clients take for the identity of the installation. */
const NAMESPACES = ["default", "kube-system"] as const;

/** Makes those that are missing. Several control planes may do it at once. */
export async function ensureNamespaces(resources: Resources): Promise<void> {
  for (const name of NAMESPACES) {
    const key = { group: "", resource: "namespaces", namespace: "", name };
    if ((await resources.get(key)) !== undefined) continue;
    try {
      const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
      await resources.commit({ writes: [{ verb: "create", key, object, intent: { verb: "create", manager: "slipway-bootstrap" } }] });
    } catch (error) {
      if (!(error instanceof ResourceError && error.reason === "alreadyExists")) throw error;
    }
  }
}
