import type { ApiObject } from "../domain/object/api-object.ts";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import { isJsonList, isJsonObject, jsonEqual, type JsonValue } from "../domain/object/json.ts";
import { at, listAt, textAt } from "./columns.ts";
import { choice, list, object, stringMap, text } from "./schema.ts";

export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/role-v1/ */
export const rulesSchema = list(
  object(
    "A right: these verbs on these resources, or on these paths.",
    { verbs: list(text("get, list, watch, create, update, patch, delete, promote, approve …, or *."), "What may be done.") },
    {
      apiGroups: list(text('A group, "" for the core group, or *.'), "The API groups of the resources."),
      resources: list(text("A plural, a plural/subresource, or *."), "The resources."),
      resourceNames: list(text("A name."), "Only the objects of these names; empty: all."),
      nonResourceURLs: list(text("A path, which may end in *."), "Paths that are no resources, for cluster roles only."),
    },
  ),
  "The rights of the role.",
);

export const roleRefSchema = object(
  "The role that is given; cannot be changed.",
  {
    kind: choice(["Role", "ClusterRole"], "Role of the same namespace, or ClusterRole."),
    name: text("Name of the role.", { minLength: 1 }),
  },
  { apiGroup: text("The group of the role.", { default: RBAC_GROUP }) },
  { "x-kubernetes-map-type": "atomic" },
);

export const subjectsSchema = list(
  object(
    "Who gets the role.",
    { kind: choice(["User", "Group", "ServiceAccount"], "What kind of identity."), name: text("Its name.", { minLength: 1 }) },
    {
      apiGroup: text("rbac.authorization.k8s.io for User and Group, empty for ServiceAccount; filled in where left out."),
      namespace: text("The namespace of a ServiceAccount."),
    },
    { "x-kubernetes-map-type": "atomic" },
  ),
  "Who gets the role.",
);

export const labelSelectorSchema = object(
  "Selects by labels; all requirements must hold.",
  {},
  {
    matchLabels: stringMap("Labels and the value each must have."),
    matchExpressions: list(
      object(
        "A requirement.",
        { key: text("The label."), operator: choice(["In", "NotIn", "Exists", "DoesNotExist"], "How the label is compared.") },
        { values: list(text("A value."), "The values for In and NotIn.") },
      ),
      "Requirements beyond equality.",
    ),
  },
  { "x-kubernetes-map-type": "atomic" },
);

/** What the schema cannot say of rules: each names verbs, and either resources or (cluster-wide) paths. */
export function ruleProblems(role: ApiObject, namespaced: boolean): readonly FieldProblem[] {
  return listAt(role, "rules").flatMap((rule, index) => {
    const path = `rules[${String(index)}]`;
    const problems: FieldProblem[] = [];
    const required = (field: string) =>
      problems.push({ path: `${path}.${field}`, code: "required", message: `names at least one, or "*"` });
    if (listAt(rule, "verbs").length === 0) required("verbs");
    if (listAt(rule, "nonResourceURLs").length > 0) {
      if (namespaced)
        problems.push({
          path: `${path}.nonResourceURLs`,
          code: "invalid",
          message: "a namespaced role cannot give rights on paths",
          hint: "use a ClusterRole",
        });
      if (listAt(rule, "apiGroups").length + listAt(rule, "resources").length + listAt(rule, "resourceNames").length > 0) {
        problems.push({
          path: `${path}.nonResourceURLs`,
          code: "invalid",
          message: "a rule names resources or paths, not both",
          hint: "make two rules of it",
        });
      }
      return problems;
    }
    if (listAt(rule, "apiGroups").length === 0) required("apiGroups");
    if (listAt(rule, "resources").length === 0) required("resources");
    return problems;
  });
}

/** The group of each subject, where it was left out. */
export function withSubjectGroups(binding: ApiObject): ApiObject {
  const subjects = at(binding, "subjects");
  return isJsonList(subjects) ? { ...binding, subjects: subjects.map(withGroup) } : binding;
}

function withGroup(subject: JsonValue): JsonValue {
  if (!isJsonObject(subject) || textAt(subject, "apiGroup") !== "") return subject;
  const kind = subject["kind"];
  return kind === "User" || kind === "Group" ? { ...subject, apiGroup: RBAC_GROUP } : subject;
}

export function bindingProblems(binding: ApiObject, previous: ApiObject | undefined): readonly FieldProblem[] {
  const problems = listAt(binding, "subjects").flatMap((subject, index) => subjectProblems(subject, `subjects[${String(index)}]`));
  const group = textAt(binding, "roleRef", "apiGroup");
  if (group !== "" && group !== RBAC_GROUP) {
    problems.push({ path: "roleRef.apiGroup", code: "notSupported", message: `"${group}": supported values: "${RBAC_GROUP}"` });
  }
  if (previous !== undefined && !jsonEqual(at(binding, "roleRef"), at(previous, "roleRef"))) {
    problems.push({ path: "roleRef", code: "immutable", message: "cannot change roleRef", hint: "delete the binding and make a new one" });
  }
  return problems;
}

function subjectProblems(subject: JsonValue, path: string): FieldProblem[] {
  const group = textAt(subject, "apiGroup");
  if (textAt(subject, "kind") === "ServiceAccount") {
    const problems: FieldProblem[] = [];
    if (group !== "") problems.push({ path: `${path}.apiGroup`, code: "notSupported", message: `"${group}": supported values: ""` });
    if (textAt(subject, "namespace") === "") {
      problems.push({ path: `${path}.namespace`, code: "required", message: "a ServiceAccount is in a namespace", hint: "name it" });
    }
    return problems;
  }
  return group === "" || group === RBAC_GROUP
    ? []
    : [{ path: `${path}.apiGroup`, code: "notSupported", message: `"${group}": supported values: "${RBAC_GROUP}"` }];
}

/** The subjects of one kind, joined by ", ". */
export const subjectNames = (binding: ApiObject, kind: string): string =>
  listAt(binding, "subjects")
    .filter((subject) => textAt(subject, "kind") === kind)
    .map((subject) => (kind === "ServiceAccount" ? `${textAt(subject, "namespace")}/${textAt(subject, "name")}` : textAt(subject, "name")))
    .join(", ");
