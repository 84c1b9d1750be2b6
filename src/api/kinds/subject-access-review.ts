import { authorizationReview, subjectReview } from "../reviews.ts";

export const subjectAccessReviewKind = authorizationReview({
  ...subjectReview("SubjectAccessReview asks whether somebody may do something."),
  kind: "SubjectAccessReview",
  resource: "subjectaccessreviews",
  singular: "subjectaccessreview",
  namespaced: false,
});
