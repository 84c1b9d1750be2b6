import { ageColumn, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { bindingProblems, RBAC_GROUP, roleRefSchema, subjectNames, subjectsSchema, withSubjectGroups } from "../rbac.ts";
import { object } from "../schema.ts";

export const clusterRoleBindingKind: Kind = {
  group: RBAC_GROUP,
  version: "v1",
  kind: "ClusterRoleBinding",
  resource: "clusterrolebindings",
  singular: "clusterrolebinding",
  shortNames: [],
  categories: [],
  namespaced: false,
  names: "pathSegment",
  description: "ClusterRoleBinding gives a ClusterRole for all namespaces to people and programs.",
  schema: object(
    "ClusterRoleBinding gives a ClusterRole for all namespaces to people and programs.",
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
