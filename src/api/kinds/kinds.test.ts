import assert from "node:assert/strict";
import test from "node:test";
import type { ApiObject } from "../../domain/object/api-object.ts";
import type { JsonObject } from "../../domain/object/json.ts";
import { instant } from "../../domain/units.ts";
import { catalog } from "../catalog.ts";
import { checkObject } from "../check.ts";
import { apiVersionOf, type Kind } from "../kind.ts";
import { withDefaults } from "../shape.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly object: JsonObject;
  readonly previous?: JsonObject;
  /** [path, code] of each problem; none = accepted. */
  readonly problems: readonly (readonly [string, string])[];
}

const repository = (spec: JsonObject): JsonObject => ({ spec });
const url = (address: string, problems: Case["problems"] = []): Case => ({
  name: `the address ${JSON.stringify(address)}`,
  kind: "GitRepository",
  object: repository({ url: address }),
  problems,
});
const branch = (name: string, problems: Case["problems"] = []): Case => ({
  name: `the branch ${JSON.stringify(name)}`,
  kind: "GitRepository",
  object: repository({ url: "/srv/a", ref: { branch: name } }),
  problems,
});
const wrongUrl = [["spec.url", "invalid"]] as const;
const wrongBranch = [["spec.ref.branch", "invalid"]] as const;
const syncPath = (path: string, problems: Case["problems"] = []): Case => ({
  name: `the folder ${JSON.stringify(path)}`,
  kind: "Sync",
  object: { spec: { source: { repository: "a" }, serviceAccountName: "b", path } },
  problems,
});
const subject = { kind: "ServiceAccount", name: "robot", namespace: "shop" };
const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" };
const token = { subject: { kind: "User", name: "jane" }, hash: "a".repeat(64), expiresAt: "2030-01-01T00:00:00Z" };

const cases: readonly Case[] = [
  ...[
    "https://example.com/a.git",
    "http://localhost:3000/a",
    "ssh://git@example.com:22/a",
    "git@example.com:a/b.git",
    "file:///srv/a",
    "/srv/a",
  ].map((address) => url(address)),
  ...[
    "ftp://x/y",
    "example.com/a",
    "https://",
    "https://jane:pw@example.com/a",
    "https://token@example.com/a",
    "ssh://-oProxyCommand=x/y",
    "-u",
    "ext::sh -c x",
    "https://a/b c",
    "https://a/\n",
  ].map((address) => url(address, wrongUrl)),
  ...["main", "feature/x", "release-1.0", "ü"].map((name) => branch(name)),
  ...[
    "-main",
    "a..b",
    "a b",
    "a~1",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[",
    "a\\b",
    "/a",
    "a/",
    "a//b",
    ".a",
    "a/.b",
    "a.lock",
    "a.",
    "@",
    "a@{1}",
    "a\u0007",
  ].map((name) => branch(name, wrongBranch)),
  {
    name: "a branch and a tag",
    kind: "GitRepository",
    object: repository({ url: "/a", ref: { branch: "a", tag: "b" } }),
    problems: [["spec.ref", "invalid"]],
  },
  {
    name: "a short commit",
    kind: "GitRepository",
    object: repository({ url: "/a", ref: { commit: "0123456" } }),
    problems: [["spec.ref.commit", "invalid"]],
  },
  { name: "a commit", kind: "GitRepository", object: repository({ url: "/a", ref: { commit: COMMIT } }), problems: [] },
  ...[".", "deploy/production", "..hidden", "a.git"].map((path) => syncPath(path)),
  ...["/etc", "..", "a/../..", ".git/hooks", "a/.GIT", "a\\b", "a\u0000b"].map((path) => syncPath(path, [["spec.path", "invalid"]])),
  {
    name: "no service account",
    kind: "Sync",
    object: { spec: { source: { repository: "a" } } },
    problems: [["spec.serviceAccountName", "required"]],
  },
  {
    name: "another name than APPLICATION.ENVIRONMENT",
    kind: "ReleaseBinding",
    object: { spec: { application: "shop", environment: "production", release: "shop-1" } },
    problems: [["metadata.name", "invalid"]],
  },
  {
    name: "a lane overridden twice",
    kind: "ReleaseBinding",
    object: {
      metadata: { name: "shop.production", namespace: "shop" },
      spec: { application: "shop", environment: "production", release: "a", overrides: [{ lane: "eu" }, { lane: "eu" }] },
    },
    problems: [["spec.overrides[1]", "duplicate"]],
  },
  {
    name: "an address twice",
    kind: "User",
    object: { spec: { gitAuthors: ["a@b", "A@b"] } },
    problems: [["spec.gitAuthors[1]", "duplicate"]],
  },
  {
    name: "a group of the server",
    kind: "User",
    object: { spec: { groups: ["shop", "system:masters", "system:nodes"] } },
    problems: [["spec.groups[2]", "forbidden"]],
  },
  {
    name: "a user in a namespace",
    kind: "AccessToken",
    object: { spec: { ...token, subject: { ...token.subject, namespace: "shop" } } },
    problems: [["spec.subject.namespace", "forbidden"]],
  },
  {
    name: "a new description",
    kind: "AccessToken",
    object: { spec: { ...token, description: "b" } },
    previous: { spec: token },
    problems: [],
  },
  {
    name: "a later end",
    kind: "AccessToken",
    object: { spec: { ...token, expiresAt: "2040-01-01T00:00:00Z" } },
    previous: { spec: token },
    problems: [["spec.expiresAt", "immutable"]],
  },
  {
    name: "wider scopes",
    kind: "AccessToken",
    object: { spec: token },
    previous: { spec: { ...token, scopes: [] } },
    problems: [["spec.scopes", "immutable"]],
  },
  {
    name: "a rule without verbs",
    kind: "Role",
    object: { rules: [{ verbs: [], apiGroups: [""], resources: ["secrets"] }] },
    problems: [["rules[0].verbs", "required"]],
  },
  {
    name: "paths",
    kind: "Role",
    object: { rules: [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }] },
    problems: [["rules[0].nonResourceURLs", "invalid"]],
  },
  { name: "paths", kind: "ClusterRole", object: { rules: [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }] }, problems: [] },
  {
    name: "paths and resources in one rule",
    kind: "ClusterRole",
    object: { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"], resources: ["a"] }] },
    problems: [["rules[0].nonResourceURLs", "invalid"]],
  },
  {
    name: "a service account without namespace",
    kind: "RoleBinding",
    object: { roleRef, subjects: [{ kind: "ServiceAccount", name: "a" }] },
    problems: [["subjects[0].namespace", "required"]],
  },
  {
    name: "another role",
    kind: "RoleBinding",
    object: { roleRef: { ...roleRef, name: "s" }, subjects: [subject] },
    previous: { roleRef },
    problems: [["roleRef", "immutable"]],
  },
  { name: "other subjects", kind: "ClusterRoleBinding", object: { roleRef, subjects: [subject] }, previous: { roleRef }, problems: [] },
  { name: "a slash in the name of a value", kind: "Secret", object: { data: { "a/b": "YQ==" } }, problems: [["data[a/b]", "invalid"]] },
  { name: "text that is not base64", kind: "Secret", object: { data: { a: "hello world" } }, problems: [["data[a]", "invalid"]] },
  { name: "another type", kind: "Secret", object: { type: "b" }, previous: { type: "a" }, problems: [["type", "immutable"]] },
  {
    name: "a change of what is immutable",
    kind: "Secret",
    object: { type: "a", immutable: true, data: { a: "Yg==" } },
    previous: { type: "a", immutable: true, data: { a: "YQ==" } },
    problems: [["data", "immutable"]],
  },
  {
    name: "the namespace of another object",
    kind: "Event",
    object: { involvedObject: { namespace: "other" } },
    problems: [["involvedObject.namespace", "invalid"]],
  },
];
for (const { name, kind: of, object, previous, problems } of cases) {
  test(`${of} with ${name} is ${problems.length === 0 ? "accepted" : `refused at ${problems.map(([path]) => path).join(", ")}`}`, () => {
    const kind = kindOf(of);
    const found = checkObject(kind, whole(kind, object), previous === undefined ? undefined : whole(kind, previous));
    assert.deepEqual(
      found.map(({ path, code }) => [path, code]),
      problems,
    );
  });
}

test("a password in an address is not repeated in the answer", () => {
  const kind = kindOf("GitRepository");
  const found = checkObject(kind, whole(kind, repository({ url: "https://jane:hunter2@example.com/a" })));
  assert.doesNotMatch(JSON.stringify(found), /hunter2/);
});

const defaults: readonly {
  readonly name: string;
  readonly kind: string;
  readonly object: JsonObject;
  readonly has: (object: ApiObject) => unknown;
  readonly value: unknown;
}[] = [
  {
    name: "a remote repository is looked at every 30s",
    kind: "GitRepository",
    object: repository({ url: "https://x/y" }),
    has: ({ spec }) => (spec as JsonObject)["interval"],
    value: "30s",
  },
  {
    name: "a local repository is looked at every second",
    kind: "GitRepository",
    object: repository({ url: "file:///x" }),
    has: ({ spec }) => (spec as JsonObject)["interval"],
    value: "1s",
  },
  {
    name: "the branch main is followed",
    kind: "GitRepository",
    object: repository({ url: "/x" }),
    has: ({ spec }) => (spec as JsonObject)["ref"],
    value: { branch: "main" },
  },
  {
    name: "a tag stays alone",
    kind: "GitRepository",
    object: repository({ url: "/x", ref: { tag: "v1" } }),
    has: ({ spec }) => (spec as JsonObject)["ref"],
    value: { tag: "v1" },
  },
  {
    name: "a user's group is filled in",
    kind: "RoleBinding",
    object: { roleRef: { kind: "Role", name: "a" }, subjects: [{ kind: "User", name: "b" }] },
    has: (object) => object["subjects"],
    value: [{ kind: "User", name: "b", apiGroup: "rbac.authorization.k8s.io" }],
  },
  {
    name: "plain text is merged into data, and wins",
    kind: "Secret",
    object: { data: { a: "YQ==", b: "Yg==" }, stringData: { a: "ü" } },
    has: (object) => [object["data"], object["stringData"], object["type"]],
    value: [{ a: "w7w=", b: "Yg==" }, undefined, "Opaque"],
  },
  {
    name: "a namespace carries its name as a label",
    kind: "Namespace",
    object: {},
    has: ({ metadata }) => metadata.labels,
    value: { "kubernetes.io/metadata.name": "a" },
  },
  {
    name: "a namespace begins active, with the finalizer of Kubernetes",
    kind: "Namespace",
    object: {},
    has: ({ spec, status }) => [spec, status],
    value: [{ finalizers: ["kubernetes"] }, { phase: "Active" }],
  },
  {
    name: "a namespace that goes is not given its finalizer back",
    kind: "Namespace",
    object: { metadata: { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z" }, spec: {} },
    has: ({ spec, status }) => [spec, status],
    value: [{}, { phase: "Terminating" }],
  },
];
for (const { name, kind: of, object, has, value } of defaults) {
  test(`by default ${name}`, () => assert.deepEqual(has(whole(kindOf(of), object)), value));
}

const NOW = instant(Date.parse("2026-01-01T01:00:00Z"));
const rows: readonly { readonly kind: string; readonly object: JsonObject; readonly cells: Readonly<Record<string, unknown>> }[] = [
  {
    kind: "Sync",
    object: {
      spec: { source: { repository: "app" }, serviceAccountName: "d", path: "deploy" },
      status: {
        commit: COMMIT,
        counts: { objects: 3 },
        problems: [{ message: "x" }],
        conditions: [{ type: "Ready", status: "False", reason: "Blocked", message: "it is", lastTransitionTime: "2026-01-01T00:00:00Z" }],
      },
    },
    cells: {
      Ready: "False",
      Status: "Blocked",
      Revision: "0123456789ab",
      Age: "60m",
      Source: "app/deploy",
      Objects: 3,
      Problems: 1,
      Synced: null,
      Message: "it is",
    },
  },
  {
    kind: "Sync",
    object: { spec: { source: { repository: "app" }, serviceAccountName: "d", suspend: true } },
    cells: { Ready: "Unknown", Status: "Suspended", Revision: "", Objects: 0 },
  },
  { kind: "Secret", object: { data: { a: "YQ==", b: "" } }, cells: { Type: "Opaque", Data: 2, Age: "60m" } },
  {
    kind: "RoleBinding",
    object: { roleRef, subjects: [subject, { kind: "User", name: "jane" }] },
    cells: { Role: "Role/r", Age: "60m", Users: "jane", Groups: "", ServiceAccounts: "shop/robot" },
  },
  {
    kind: "Event",
    object: {
      involvedObject: { kind: "Sync", name: "app", namespace: "shop" },
      type: "Warning",
      reason: "Blocked",
      message: "no\n",
      count: 3,
      lastTimestamp: "2026-01-01T00:59:30Z",
    },
    cells: {
      "Last Seen": "30s",
      Type: "Warning",
      Reason: "Blocked",
      Object: "sync/app",
      Message: "no",
      "First Seen": "60m",
      Count: 3,
      Name: "a",
    },
  },
  { kind: "AccessToken", object: { spec: token }, cells: { Subject: "user/jane", Expires: "2030-01-01T00:00:00Z", Scoped: "no" } },
];
for (const { kind: of, object, cells } of rows) {
  test(`kubectl get shows a ${of}: ${Object.keys(cells).join(", ")}`, () => {
    const kind = kindOf(of);
    const shown = Object.fromEntries(kind.columns.map(({ name, cell }) => [name, cell(whole(kind, object), NOW)]));
    for (const [name, value] of Object.entries(cells)) assert.deepEqual(shown[name], value, name);
  });
}

function kindOf(name: string): Kind {
  const found = catalog.kinds.find(({ kind }) => kind === name);
  assert.ok(found);
  return found;
}

function whole(kind: Kind, object: JsonObject): ApiObject {
  const metadata = { name: "a", creationTimestamp: "2026-01-01T00:00:00Z", ...(kind.namespaced ? { namespace: "shop" } : {}) };
  return withDefaults(kind, { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, ...object });
}
