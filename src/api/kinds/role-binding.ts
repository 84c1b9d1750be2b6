import { ageColumn, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { bindingProblems, RBAC_GROUP, roleRefSchema, subjectNames, subjectsSchema, withSubjectGroups } from "../rbac.ts";
import { object } from "../schema.ts";

export const roleBindingKind: Kind = {
  group: RBAC_GROUP,
  version: "v1",
  kind: "RoleBinding",
  resource: "rolebindings",
  singular: "rolebinding",
  shortNames: [],
  categories: [],
  namespaced: true,
  names: "pathSegment",
  description: "RoleBinding gives a Role of its namespace, or a ClusterRole for its namespace only, to people and programs.",
  schema: object(
    "RoleBinding gives a Role of its namespace, or a ClusterRole for its namespace only, to people and programs.",
    { roleRef: roleRefSchema },
    { subjects: subjectsSchema },
  ),
  hasStatus: false,
  columns: [
    textColumn("Role", "The role that is given.", (object) => `${textAt(object, "roleRef", "kind")}/${textAt(object, "roleRef", "name")}`),
    ageColumn,
    textColumn("Users", "The users who get it.", (object) => subjectNames(object, "User"), 1),
    textColumn("Groups", "The groups that get it.", (object) => subjectNames(object, "Group"), 1),
    textColumn("ServiceAccounts", "The service accounts that get it.", (object) => subjectNames(object, "ServiceAccount"), 1),
  ],
  defaults: withSubjectGroups,
  validate: bindingProblems,
};
