import { Type } from "typebox";
import type { TSchema, TUnsafe } from "typebox";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import { at, listAt, textAt } from "./columns.ts";
import type { Kind } from "./kind.ts";
import { flag, list, object, text } from "./schema.ts";

const AUTHORIZATION = "authorization.k8s.io";

/** A question to the server in the shape of an object: created, answered in `status`, never stored. */
export const reviewKind = (
  names: Pick<Kind, "group" | "kind" | "resource" | "singular" | "namespaced" | "description" | "schema"> &
    Partial<Pick<Kind, "secretFields" | "validate">>,
): Kind => ({
  version: "v1",
  shortNames: [],
  categories: [],
  hasStatus: false,
  verbs: ["create"],
  columns: [],
  ...names,
});

export const authorizationReview = (
  names: Pick<Kind, "kind" | "resource" | "singular" | "namespaced" | "description" | "schema"> & Partial<Pick<Kind, "validate">>,
): Kind => reviewKind({ group: AUTHORIZATION, ...names });

/** A question about access is about a resource or a path, never both or neither. */
export function attributeProblems(review: ApiObject): readonly FieldProblem[] {
  const asked = ["resourceAttributes", "nonResourceAttributes"].filter((name) => at(review, "spec", name) !== undefined);
  if (asked.length === 1) return [];
  return [
    {
      path: "spec.resourceAttributes",
      code: "invalid",
      message: "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    },
  ];
}

/** And it is about somebody. */
function subjectProblems(review: ApiObject): readonly FieldProblem[] {
  if (textAt(review, "spec", "user") !== "" || listAt(review, "spec", "groups").length > 0) return [];
  return [{ path: "spec.user", code: "invalid", message: "at least one of user or group must be specified" }];
}

/** Names with lists of texts: the `extra` of an identity. */
const extra: TUnsafe<Record<string, string[]>> = Type.Unsafe<Record<string, string[]>>({
  type: "object",
  additionalProperties: { type: "array", items: { type: "string", description: "A value." }, "x-kubernetes-list-type": "atomic" },
  description: "What else is known of the identity.",
});

/** https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/ */
export const resourceAttributes = object(
  "A request to a resource.",
  {},
  {
    namespace: text("The namespace; empty: all, or a cluster-scoped resource."),
    verb: text("get, list, watch, create, update, patch, delete, promote, approve …, or *."),
    group: text('The API group; "" is the core group, * all.'),
    version: text("The version; * is all."),
    resource: text("The plural; * is all."),
    subresource: text("The subresource; empty: none."),
    name: text("The name of the object; empty: all."),
    fieldSelector: selectorAttributes("The field selector of the request."),
    labelSelector: selectorAttributes("The label selector of the request."),
  },
);

export const nonResourceAttributes = object(
  "A request to a path that is no resource.",
  {},
  { path: text("The path."), verb: text("get, post, … in lower case.") },
);

/** Who is asked about. */
const subjectFields = {
  user: text("The user's name."),
  groups: list(text("A group."), "The user's groups."),
  extra,
  uid: text("The user's uid."),
};

export const accessStatus = object(
  "The answer.",
  {},
  {
    allowed: flag("Whether the request would be allowed."),
    denied: flag("Whether it would be refused whatever else may allow it."),
    reason: text("Why."),
    evaluationError: text("What went wrong in finding out."),
  },
);

export const resourceRule = object(
  "A right on resources.",
  { verbs: list(text("A verb."), "What may be done.") },
  {
    apiGroups: list(text("A group."), "The API groups."),
    resources: list(text("A plural."), "The resources."),
    resourceNames: list(text("A name."), "Only these objects; empty: all."),
  },
);

export const nonResourceRule = object(
  "A right on paths.",
  { verbs: list(text("A verb."), "What may be done.") },
  { nonResourceURLs: list(text("A path."), "The paths.") },
);

/** The schema and the rules of a question about somebody who is named in it. */
export const subjectReview = (description: string) => ({
  description,
  schema: object(
    description,
    {
      spec: object(
        "The question: one of resourceAttributes and nonResourceAttributes.",
        {},
        { resourceAttributes, nonResourceAttributes, ...subjectFields },
      ),
    },
    { status: accessStatus },
  ),
  validate: (review: ApiObject): readonly FieldProblem[] => [...attributeProblems(review), ...subjectProblems(review)],
});

/** https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/#UserInfo */
export const userInfo = object(
  "Who it is.",
  {},
  { username: text("The name."), uid: text("The uid."), groups: list(text("A group."), "The groups."), extra },
);

function selectorAttributes(description: string): TSchema {
  return object(
    description,
    {},
    {
      rawSelector: text("The selector as the request has it."),
      requirements: list(
        object(
          "A requirement.",
          { key: text("The field or label."), operator: text("In, NotIn, Exists or DoesNotExist.") },
          { values: list(text("A value."), "The values.") },
        ),
        "The selector, parsed.",
      ),
    },
  );
}
