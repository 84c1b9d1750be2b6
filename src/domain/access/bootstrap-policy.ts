import type { PolicyRule } from "./policy-rule.ts";
import { policyRule } from "./policy-rule.ts";
import { DISCOVERY_PATHS } from "./scope.ts";

/** A ClusterRole that comes with Slipway. */
export interface BootstrapRole {
  readonly name: string;
  readonly description: string;
  readonly rules: readonly PolicyRule[];
  /** Its rules are those of every ClusterRole labelled for it: `rbac.authorization.k8s.io/aggregate-to-<this>: "true"`. */
  readonly aggregates?: string;
  /** The aggregating roles it is a part of. */
  readonly partOf?: readonly string[];
}

const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];
const CHANGE = ["patch", "update"];
const SLIPWAY = "slipway.dev";
const RBAC = "rbac.authorization.k8s.io";

/** What lies in a project; a kind added to it comes into reach of everybody with view, edit or admin there. */
const PROJECT = ["gitrepositories", "syncs"];
/** Written by the controllers and by Git only. */
const PROJECT_RECORDS = ["releasebindings"];

const rule = (verbs: readonly string[], apiGroup: string, ...resources: readonly string[]): PolicyRule =>
  policyRule({ verbs, apiGroups: [apiGroup], resources });
const withStatus = (resources: readonly string[]): readonly string[] => resources.flatMap((resource) => [resource, `${resource}/status`]);

/** The names and the shape are those of Kubernetes: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings */
export const BOOTSTRAP_ROLES: readonly BootstrapRole[] = [
  {
    name: "cluster-admin",
    description: "May do everything.",
    rules: [policyRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }), policyRule({ verbs: ["*"], nonResourceURLs: ["*"] })],
  },
  { name: "admin", description: "May do everything in a project, and give others rights in it.", rules: [], aggregates: "admin" },
  {
    name: "edit",
    description: "May read and change everything in a project but who has rights in it.",
    rules: [],
    aggregates: "edit",
    partOf: ["admin"],
  },
  {
    name: "view",
    description: "May read everything in a project but secrets and rights.",
    rules: [],
    aggregates: "view",
    partOf: ["edit"],
  },
  {
    name: "slipway:project-member",
    description:
      "May read a project, change what it deploys, and stop or take back a release anywhere; not promote, and no secrets, accounts or rights.",
    rules: [...viewRules(), rule(WRITE, SLIPWAY, ...PROJECT), rule(["rollback", "hold"], SLIPWAY, "environments")],
  },
  {
    name: "slipway:sync",
    description:
      "For the service account of a Sync: may apply what the repository of a project holds, release bindings included; no secrets, accounts or rights.",
    rules: [rule(READ, "", "namespaces"), rule([...READ, ...WRITE], SLIPWAY, ...PROJECT, ...PROJECT_RECORDS)],
  },
  {
    name: "slipway:auditor",
    description: "May read the audit and the timeline, of everything or of the project it is bound in; nothing else.",
    rules: [rule(["get", "list"], SLIPWAY, "auditrecords", "timelinerecords"), rule(READ, "", "namespaces")],
  },
  {
    name: "system:aggregate-to-admin",
    description: "What admin has beyond edit.",
    partOf: ["admin"],
    rules: [
      rule([...READ, ...WRITE], RBAC, "roles", "rolebindings"),
      rule(["create"], "authorization.k8s.io", "localsubjectaccessreviews"),
      rule(["promote", "approve"], SLIPWAY, "environments"),
      rule(["get", "list"], SLIPWAY, "auditrecords"),
    ],
  },
  {
    name: "system:aggregate-to-edit",
    description: "What edit has beyond view.",
    partOf: ["edit"],
    rules: [
      rule([...READ, ...WRITE], "", "secrets"),
      rule(WRITE, "", "serviceaccounts"),
      rule(["impersonate"], "", "serviceaccounts"),
      rule(["create"], "", "serviceaccounts/token"),
      rule(WRITE, SLIPWAY, ...PROJECT),
      rule(["rollback", "hold"], SLIPWAY, "environments"),
    ],
  },
  { name: "system:aggregate-to-view", description: "What view has.", partOf: ["view"], rules: viewRules() },
  {
    name: "system:discovery",
    description: "May see which kinds are served.",
    rules: [policyRule({ verbs: ["get"], nonResourceURLs: DISCOVERY_PATHS })],
  },
  {
    name: "system:basic-user",
    description: "May ask who he is and what he may do.",
    rules: [
      rule(["create"], "authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
      rule(["create"], "authentication.k8s.io", "selfsubjectreviews"),
    ],
  },
  {
    name: "system:auth-delegator",
    description: "May ask, on behalf of a service, who others are and what they may do.",
    rules: [rule(["create"], "authentication.k8s.io", "tokenreviews"), rule(["create"], "authorization.k8s.io", "subjectaccessreviews")],
  },
];

/** What each controller needs, as `system:slipway:<name>`; every one may also write Events. `tokens` is who keeps the tokens that are issued. */
export const CONTROLLER_RULES: Readonly<Record<string, readonly PolicyRule[]>> = {
  "git-repository": [
    rule([...READ, ...CHANGE], SLIPWAY, "gitrepositories"),
    rule(CHANGE, SLIPWAY, "gitrepositories/status", "gitrepositories/finalizers"),
    rule(["get"], "", "secrets"),
  ],
  sync: [
    rule(READ, SLIPWAY, "gitrepositories"),
    rule([...READ, ...CHANGE], SLIPWAY, "syncs"),
    rule(CHANGE, SLIPWAY, "syncs/status", "syncs/finalizers"),
    rule([...READ, "impersonate"], "", "serviceaccounts"),
    rule(["get"], "", "secrets"),
    // What a Sync applied is found by its label, whatever its kind and wherever it is; it is changed and deleted as the service account only.
    rule(["list"], "*", "*"),
  ],
  namespace: [
    rule([...READ, ...CHANGE, "delete"], "", "namespaces"),
    rule(CHANGE, "", "namespaces/status", "namespaces/finalize", "namespaces/finalizers"),
    rule([...READ, "delete", "deletecollection"], "*", "*"),
  ],
  "garbage-collector": [rule([...READ, ...CHANGE, "delete"], "*", "*")],
  "access-token": [rule([...READ, "delete"], SLIPWAY, "accesstokens")],
  tokens: [rule(["create"], SLIPWAY, "accesstokens")],
};

export const EVENT_RULE: PolicyRule = rule(["create", ...CHANGE], "", "events");

function viewRules(): readonly PolicyRule[] {
  return [
    rule(READ, "", "namespaces", "serviceaccounts", "events"),
    rule(READ, SLIPWAY, ...withStatus([...PROJECT, ...PROJECT_RECORDS]), "timelinerecords"),
  ];
}
