import type { Policy } from "../../domain/access/policy.ts";
import type { Verdict } from "../../domain/access/decide.ts";
import { decide } from "../../domain/access/decide.ts";
import type { Attributes, Authorizer, Caller } from "../caller.ts";
import type { AccessIndex } from "./access-index.ts";

/** Decisions kept at most, of the policy in force. */
const KEPT = 5_000;

/**
 * Kubernetes RBAC over the index: the right of a request is what the roles give the caller AND what his token is for.
 * `reason` names the binding that allows it; of a refusal it says what would change it, "" when nothing is known. Throws PortError only.
 */
export function rbacAuthorizer(index: Pick<AccessIndex, "policy">): Authorizer {
  let known: { readonly policy: Policy; readonly verdicts: Map<string, Verdict> } | undefined;
  return {
    async authorize(caller, asked) {
      const policy = await index.policy();
      if (known?.policy !== policy || known.verdicts.size >= KEPT) known = { policy, verdicts: new Map() };
      const question = questionText(caller, asked);
      const verdict = known.verdicts.get(question) ?? decide(policy, caller, asked);
      known.verdicts.set(question, verdict);
      return verdict;
    },
  };
}

function questionText({ name, groups, scopes }: Caller, asked: Attributes): string {
  const what =
    "path" in asked ? [asked.verb, asked.path] : [asked.verb, asked.group, asked.resource, asked.subresource, asked.namespace, asked.name];
  return JSON.stringify([name, groups, scopes ?? null, what]);
}
