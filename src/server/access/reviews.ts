import type { ApiObject } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import type { JsonObject, JsonValue } from "../../domain/object/json.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { resolveRules } from "../../domain/access/policy.ts";
import type { PolicyRule } from "../../domain/access/policy-rule.ts";
import { policyRule, ruleObject, texts } from "../../domain/access/policy-rule.ts";
import { MASTERS } from "../../domain/access/identity.ts";
import { scopesText } from "../../domain/access/scope.ts";
import type { Attributes, Authorizer, Caller } from "../caller.ts";
import type { AccessIndex } from "./access-index.ts";
import { AUDIENCE } from "./access-token.ts";
import type { TokenAuthenticator } from "./token-authenticator.ts";

/** The review with its `status`, or what is wrong with the question (422). Reviews are never stored. */
export type ReviewAnswer = { readonly answer: ApiObject } | { readonly problems: readonly FieldProblem[] };

/** Answers one kind of review. `namespace` is that of the request, "" for cluster-scoped kinds. Throws PortError only. */
export type Review = (body: ApiObject, caller: Caller, namespace: string) => Promise<ReviewAnswer>;

export interface ReviewParts {
  readonly authorizer: Authorizer;
  readonly authenticator: TokenAuthenticator;
  readonly index: Pick<AccessIndex, "policy">;
}

/** By `group/resource`: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access */
export function reviews(parts: ReviewParts): Readonly<Record<string, Review>> {
  return {
    "authorization.k8s.io/selfsubjectaccessreviews": (body, caller) => access(parts, body, caller),
    "authorization.k8s.io/subjectaccessreviews": (body) => subjectAccess(parts, body),
    "authorization.k8s.io/localsubjectaccessreviews": (body, _caller, namespace) => localAccess(parts, body, namespace),
    "authorization.k8s.io/selfsubjectrulesreviews": (body, caller) => rulesReview(parts, body, caller),
    "authentication.k8s.io/tokenreviews": (body) => tokenReview(parts, body),
    "authentication.k8s.io/selfsubjectreviews": async (body, caller) => withStatus(body, { userInfo: userInfo(caller) }),
  };
}

async function access({ authorizer }: ReviewParts, body: ApiObject, caller: Caller): Promise<ReviewAnswer> {
  const asked = readAttributes(body);
  if ("problems" in asked) return asked;
  const { allowed, reason } = await authorizer.authorize(caller, asked.attributes);
  return withStatus(body, { allowed, ...(reason === "" ? {} : { reason }) });
}

async function subjectAccess(parts: ReviewParts, body: ApiObject): Promise<ReviewAnswer> {
  const { user, groups, uid, extra } = specOf(body);
  const name = text(user);
  const members = texts(groups);
  if (name === "" && members.length === 0)
    return problem("spec.user", "required", "at least one of user and groups must be given", "name who is asked about");
  return access(parts, body, { name, uid: text(uid), groups: members, extra: readExtra(extra) });
}

async function localAccess(parts: ReviewParts, body: ApiObject, namespace: string): Promise<ReviewAnswer> {
  const attributes = specOf(body)["resourceAttributes"];
  if (!isJsonObject(attributes))
    return problem(
      "spec.resourceAttributes",
      "required",
      "a local review is about a resource in its namespace",
      "use a SubjectAccessReview",
    );
  if (text(attributes["namespace"]) !== namespace)
    return problem(
      "spec.resourceAttributes.namespace",
      "invalid",
      `must be the namespace of the review, ${JSON.stringify(namespace)}`,
      "use a SubjectAccessReview",
    );
  return subjectAccess(parts, body);
}

async function rulesReview({ index }: ReviewParts, body: ApiObject, caller: Caller): Promise<ReviewAnswer> {
  const namespace = text(specOf(body)["namespace"]);
  if (namespace === "") return problem("spec.namespace", "required", "rules are listed for one namespace", "name it");
  const policy = await index.policy();
  const rules = caller.groups.includes(MASTERS)
    ? [...EVERYTHING, ...resolveRules(policy, caller, namespace)]
    : resolveRules(policy, caller, namespace);
  const limited =
    caller.scopes === undefined
      ? {}
      : { evaluationError: `the token is limited to ${scopesText(caller.scopes)}; only what is in both is allowed` };
  return withStatus(body, {
    resourceRules: rules.filter(({ resources }) => resources.length > 0).map((rule) => ruleObject({ ...rule, nonResourceURLs: [] })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: caller.scopes !== undefined,
    ...limited,
  });
}

const EVERYTHING: readonly PolicyRule[] = [
  policyRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }),
  policyRule({ verbs: ["*"], nonResourceURLs: ["*"] }),
];

async function tokenReview({ authenticator }: ReviewParts, body: ApiObject): Promise<ReviewAnswer> {
  const { token, audiences } = specOf(body);
  if (text(token) === "") return problem("spec.token", "required", "there is no token to look at", "give the token");
  const asked = texts(audiences);
  const found = await authenticator.check(text(token), asked.length === 0 ? [AUDIENCE] : asked);
  // the secret is not sent back
  const question = { ...body, spec: { ...specOf(body), token: "" } };
  if ("refused" in found) return withStatus(question, { authenticated: false, error: found.refused });
  return withStatus(question, { authenticated: true, user: userInfo(found.caller), audiences: found.audiences });
}

function userInfo({ name, uid, groups, extra, token }: Caller): JsonObject {
  const known = token === undefined ? extra : { ...extra, "slipway.dev/token": [token] };
  return { username: name, ...(uid === "" ? {} : { uid }), groups, ...(Object.keys(known).length === 0 ? {} : { extra: { ...known } }) };
}

function readAttributes(body: ApiObject): { readonly attributes: Attributes } | { readonly problems: readonly FieldProblem[] } {
  const { resourceAttributes: resource, nonResourceAttributes: path } = specOf(body);
  const both = isJsonObject(resource) === isJsonObject(path);
  if (both)
    return problem(
      "spec.resourceAttributes",
      "invalid",
      "exactly one of nonResourceAttributes or resourceAttributes must be given",
      "give one of them",
    );
  if (isJsonObject(path)) return { attributes: { path: text(path["path"]), verb: text(path["verb"]) } };
  const of = isJsonObject(resource) ? resource : {};
  const [verb, group, version, plural, subresource, namespace, name] = [
    "verb",
    "group",
    "version",
    "resource",
    "subresource",
    "namespace",
    "name",
  ].map((field) => text(of[field]));
  return {
    attributes: {
      verb: verb ?? "",
      group: group ?? "",
      version: version ?? "",
      resource: plural ?? "",
      subresource: subresource ?? "",
      namespace: namespace ?? "",
      name: name ?? "",
    },
  };
}

const specOf = (body: ApiObject): JsonObject => (isJsonObject(body.spec) ? body.spec : {});

const text = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

function readExtra(value: JsonValue | undefined): Readonly<Record<string, readonly string[]>> {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, list]) => [name, texts(list)])) : {};
}

const withStatus = (body: ApiObject, status: JsonObject): ReviewAnswer => ({
  answer: { ...body, metadata: isJsonObject(body["metadata"]) ? body.metadata : {}, status },
});

function problem(path: string, code: FieldProblem["code"], message: string, hint: string): { readonly problems: readonly FieldProblem[] } {
  return { problems: [{ path, code, message, hint }] };
}
