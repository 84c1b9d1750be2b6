import { authorizationReview, nonResourceRule, resourceRule } from "../reviews.ts";
import { flag, list, object, text } from "../schema.ts";

const description = "SelfSubjectRulesReview lists what the caller may do in a namespace.";

export const selfSubjectRulesReviewKind = authorizationReview({
  kind: "SelfSubjectRulesReview",
  resource: "selfsubjectrulesreviews",
  singular: "selfsubjectrulesreview",
  namespaced: false,
  description,
  schema: object(
    description,
    { spec: object("The question.", {}, { namespace: text("The namespace that is asked about.") }) },
    {
      // nothing of an answer is required: clients send it empty with the question
      status: object(
        "The answer.",
        {},
        {
          resourceRules: list(resourceRule, "The rights on resources, in no order, with repetitions."),
          nonResourceRules: list(nonResourceRule, "The rights on paths."),
          incomplete: flag("Whether something is missing from the answer."),
          evaluationError: text("What went wrong in finding out."),
        },
      ),
    },
  ),
});
