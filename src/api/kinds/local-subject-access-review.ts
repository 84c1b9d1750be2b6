import {
  accessStatus,
  attributeProblems,
  authorizationReview,
  nonResourceAttributes,
  resourceAttributes,
  subjectFields,
  subjectProblems,
} from "../reviews.ts";
import { object } from "../schema.ts";

const description = "LocalSubjectAccessReview asks whether somebody may do something in its namespace.";

export const localSubjectAccessReviewKind = authorizationReview({
  kind: "LocalSubjectAccessReview",
  resource: "localsubjectaccessreviews",
  singular: "localsubjectaccessreview",
  namespaced: true,
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
  validate: (review) => [...attributeProblems(review), ...subjectProblems(review)],
});
