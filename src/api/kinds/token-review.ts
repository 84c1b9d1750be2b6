import { reviewKind, userInfo } from "../reviews.ts";
import { flag, list, object, text } from "../schema.ts";

const description = "TokenReview asks whose token something is.";

export const tokenReviewKind = reviewKind({
  group: "authentication.k8s.io",
  kind: "TokenReview",
  resource: "tokenreviews",
  singular: "tokenreview",
  namespaced: false,
  description,
  secretFields: ["spec.token"],
  schema: object(
    description,
    {
      spec: object(
        "The question.",
        {},
        {
          token: text("The token: a secret."),
          audiences: list(text("An audience."), "Who asks: the token must be for one of them. Empty: this server."),
        },
      ),
    },
    {
      status: object(
        "The answer.",
        {},
        {
          authenticated: flag("Whether the token is good."),
          user: userInfo,
          audiences: list(text("An audience."), "For which of the audiences asked the token is good."),
          error: text("Why it is not."),
        },
      ),
    },
  ),
});
