import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject, JsonObject } from "../api/client/json.ts";
import { type SyncChain, whyObject, whyRepository, whySync } from "./why-sentence.ts";

const t0 = "2026-01-31T12:00:00Z";
const ready = (status: string, reason: string, message: string) => ({
  conditions: [{ type: "Ready", status, reason, message, lastTransitionTime: t0 }],
});
const object = (kind: string, spec: JsonObject, status: JsonObject | undefined, metadata: JsonObject = {}): ApiObject => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind,
  metadata: { name: "shop", namespace: "shop", generation: 1, creationTimestamp: t0, ...metadata },
  spec,
  ...(status === undefined ? {} : { status }),
});
const commit = "0123456789abcdef0123456789abcdef01234567";
const spec = { source: { repository: "code" }, serviceAccountName: "deployer" };
const synced = {
  ...ready("True", "Synced", "as Git says"),
  observedGeneration: 1,
  commit,
  attemptedCommit: commit,
  counts: { objects: 12 },
};
const sync = (status: JsonObject | undefined, metadata: JsonObject = {}, more: JsonObject = {}) =>
  object("Sync", { ...spec, ...more }, status, metadata);
const read = { ...ready("True", "Fetched", ""), observedGeneration: 1, artifact: { commit, seenAt: t0, message: "Say hello" } };
const repository = (status: JsonObject | undefined, more: JsonObject = {}) =>
  object("GitRepository", { url: "https://h/x", ...more }, status);
const unreachable = { ...read, ...ready("False", "Unreachable", "https://h/x does not answer") };
const account = object("ServiceAccount", {}, undefined);
const whole: SyncChain = { repository: repository(read), account, secret: "notNamed" };

const cases: readonly { name: string; of: ApiObject; chain?: Partial<SyncChain>; blocked: boolean; at: string; says: RegExp }[] = [
  {
    name: "all is well",
    of: sync(synced),
    blocked: false,
    at: "sync/shop",
    says: /^sync\/shop is as Git says: commit 0123456789ab, 12 objects$/,
  },
  { name: "suspended", of: sync(synced, {}, { suspend: true }), blocked: true, at: "sync/shop", says: /set it to false to go on/ },
  {
    name: "being deleted",
    of: sync(synced, { deletionTimestamp: t0, finalizers: ["slipway.dev/prune-on-delete"] }),
    blocked: true,
    at: "sync/shop",
    says: /being deleted; it waits for slipway.dev\/prune-on-delete/,
  },
  {
    name: "no repository",
    of: sync(undefined),
    chain: { repository: "absent" },
    blocked: true,
    at: "gitrepository/code",
    says: /no GitRepository "code" in namespace shop; create it/,
  },
  {
    name: "no account",
    of: sync(undefined),
    chain: { account: "absent" },
    blocked: true,
    at: "serviceaccount/deployer",
    says: /no ServiceAccount "deployer"/,
  },
  {
    name: "no Secret to log in with",
    of: sync(undefined),
    chain: { repository: repository(unreachable, { secretRef: { name: "key" } }), secret: "absent" },
    blocked: true,
    at: "secret/key",
    says: /sync\/shop waits for its source: gitrepository\/shop cannot log in: there is no Secret "key"/,
  },
  {
    name: "the repository cannot be reached, before anything was applied",
    of: sync(undefined),
    chain: { repository: repository(unreachable) },
    blocked: true,
    at: "gitrepository/shop",
    says: /waits for its source: .*does not answer/,
  },
  {
    name: "the repository cannot be reached, after something was applied",
    of: sync(synced),
    chain: { repository: repository(unreachable) },
    blocked: true,
    at: "gitrepository/shop",
    says: /keeps commit 0123456789ab applied, but sees nothing newer/,
  },
  { name: "nobody has looked", of: sync(undefined), blocked: true, at: "sync/shop", says: /not been looked at yet; .*role controllers/ },
  {
    name: "changed since",
    of: sync(synced, { generation: 2 }),
    blocked: true,
    at: "sync/shop",
    says: /since it was changed \(generation 2, seen 1\)/,
  },
  {
    name: "a broken file: its place is said",
    of: sync({
      ...ready("False", "InvalidSource", "1 file cannot be read"),
      observedGeneration: 1,
      problems: [{ file: "a.yaml", line: 3, column: 7, message: "no YAML" }],
    }),
    blocked: true,
    at: "sync/shop",
    says: /1 file cannot be read \(a.yaml:3:7: no YAML\)$/,
  },
  {
    name: "a newer commit is next",
    of: sync({ ...synced, commit: "f".repeat(40), attemptedCommit: "f".repeat(40) }),
    blocked: true,
    at: "sync/shop",
    says: /has still to apply commit 0123456789ab/,
  },
  {
    name: "neighbours that may not be read do not matter",
    of: sync(synced),
    chain: { repository: "unknown", account: "unknown", secret: "unknown" },
    blocked: false,
    at: "sync/shop",
    says: /as Git says/,
  },
];
for (const { name, of, chain, blocked, at, says } of cases)
  test(`why a Sync is as it is: ${name}`, () => {
    const why = whySync(of, { ...whole, ...chain });
    assert.deepEqual([why.blocked, why.at], [blocked, at]);
    assert.match(why.sentence, says);
  });

test("a repository that is read says at what commit, and since when", () => {
  assert.deepEqual(whyRepository(repository(read), "notNamed"), {
    blocked: false,
    at: "gitrepository/shop",
    since: t0,
    sentence: 'gitrepository/shop is read at commit 0123456789ab ("Say hello")',
  });
});

const warning = (lastTimestamp: string) => ({ type: "Warning", reason: "Failed", message: "no", lastTimestamp });
for (const { name, of, event, blocked, says } of [
  {
    name: "no conditions, no warning",
    of: object("Role", {}, undefined),
    event: undefined,
    blocked: false,
    says: /nothing holds role\/shop up/,
  },
  { name: "a warning", of: object("Role", {}, undefined), event: warning(t0), blocked: true, says: /Failed: no/ },
  {
    name: "a warning from before it was ready",
    of: object("X", {}, ready("True", "Ok", "fine")),
    event: warning("2025-01-01T00:00:00Z"),
    blocked: false,
    says: /is ready: fine/,
  },
  { name: "not ready", of: object("X", {}, ready("False", "Bad", "because")), event: undefined, blocked: true, says: /not ready: because/ },
])
  test(`why any other object is as it is: ${name}`, () => {
    const why = whyObject(of, event);
    assert.equal(why.blocked, blocked);
    assert.match(why.sentence, says);
  });
