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

const description = "SubjectAccessReview asks whether somebody may do something.";

export const subjectAccessReviewKind = authorizationReview({
  kind: "SubjectAccessReview",
  resource: "subjectaccessreviews",
  singular: "subjectaccessreview",
  namespaced: false,
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
