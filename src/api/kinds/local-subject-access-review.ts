import { authorizationReview, subjectReview } from "../reviews.ts";

export const localSubjectAccessReviewKind = authorizationReview({
  ...subjectReview("LocalSubjectAccessReview asks whether somebody may do something in its namespace."),
  kind: "LocalSubjectAccessReview",
  resource: "localsubjectaccessreviews",
  singular: "localsubjectaccessreview",
  namespaced: true,
});
