import { textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { RBAC_GROUP, ruleProblems, rulesSchema } from "../rbac.ts";
import { object } from "../schema.ts";

export const roleKind: Kind = {
  group: RBAC_GROUP,
  version: "v1",
  kind: "Role",
  resource: "roles",
  singular: "role",
  shortNames: [],
  categories: [],
  namespaced: true,
  names: "pathSegment",
  description: "Role is a set of rights in one namespace, given to people and programs by a RoleBinding.",
  schema: object("Role is a set of rights in one namespace.", {}, { rules: rulesSchema }),
  hasStatus: false,
  columns: [textColumn("Created At", "When the role was created.", (object) => object.metadata.creationTimestamp ?? "")],
  validate: (object) => ruleProblems(object, true),
};
