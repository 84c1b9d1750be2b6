import { textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { labelSelectorSchema, RBAC_GROUP, ruleProblems, rulesSchema } from "../rbac.ts";
import { list, object } from "../schema.ts";

export const clusterRoleKind: Kind = {
  group: RBAC_GROUP,
  version: "v1",
  kind: "ClusterRole",
  resource: "clusterroles",
  singular: "clusterrole",
  shortNames: [],
  categories: [],
  namespaced: false,
  names: "pathSegment",
  description: "ClusterRole is a set of rights for all namespaces, or for one when a RoleBinding gives it.",
  schema: object(
    "ClusterRole is a set of rights for all namespaces, or for one when a RoleBinding gives it.",
    {},
    {
      rules: rulesSchema,
      aggregationRule: object(
        "Where the rules come from: the rules of all ClusterRoles selected, kept up to date by the server, instead of written by hand.",
        {},
        { clusterRoleSelectors: list(labelSelectorSchema, "A ClusterRole selected by any of these adds its rules.") },
      ),
    },
  ),
  hasStatus: false,
  columns: [textColumn("Created At", "When the role was created.", (object) => object.metadata.creationTimestamp ?? "")],
  validate: (object) => ruleProblems(object, false),
};
