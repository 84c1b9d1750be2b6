import { reviewKind, userInfo } from "../reviews.ts";
import { object } from "../schema.ts";

const description = "SelfSubjectReview says who the caller is: kubectl auth whoami.";

export const selfSubjectReviewKind = reviewKind({
  group: "authentication.k8s.io",
  kind: "SelfSubjectReview",
  resource: "selfsubjectreviews",
  singular: "selfsubjectreview",
  namespaced: false,
  description,
  schema: object(description, {}, { status: object("The answer.", {}, { userInfo }) }),
});
