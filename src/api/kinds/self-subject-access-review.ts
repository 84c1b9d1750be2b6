import { accessStatus, attributeProblems, authorizationReview, nonResourceAttributes, resourceAttributes } from "../reviews.ts";
import { object } from "../schema.ts";

const description = "SelfSubjectAccessReview asks whether the caller may do something.";

export const selfSubjectAccessReviewKind = authorizationReview({
  kind: "SelfSubjectAccessReview",
  resource: "selfsubjectaccessreviews",
  singular: "selfsubjectaccessreview",
  namespaced: false,
  description,
  schema: object(
    description,
    {
      spec: object("The question: one of resourceAttributes and nonResourceAttributes.", {}, { resourceAttributes, nonResourceAttributes }),
    },
    { status: accessStatus },
  ),
  validate: attributeProblems,
});
