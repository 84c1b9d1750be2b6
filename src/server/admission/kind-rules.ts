import type { Kind } from "../../api/kind.ts";
import type { LifecycleRules } from "../../domain/object/lifecycle.ts";

/** Kinds that Kubernetes itself has: they take strategic merge patches and protobuf, and count no generation. */
export const isBuiltIn = (kind: Pick<Kind, "group">): boolean => kind.group === "" || kind.group.endsWith(".k8s.io");

/** As a CustomResourceDefinition counts: every own kind has a generation, whether or not it has a status. */
export const rulesOf = (kind: Kind): LifecycleRules => ({
  hasStatus: kind.hasStatus,
  countsGeneration: !isBuiltIn(kind),
  hasFinalizeAction: kind.actions?.some(({ name }) => name === "finalize") === true,
});
