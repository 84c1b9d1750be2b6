import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryGit } from "../../adapters/memory/git.ts";
import { type ApiObject, type ObjectKey, resourceVersion } from "../../domain/object/api-object.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { instant } from "../../domain/units.ts";
import type { Reader, Resources } from "../../ports/resources.ts";
import { storedObject } from "../../ports/stored-object.ts";
import { failureOf } from "../failure.ts";
import { gitRepositoryController } from "./git-repository-controller.ts";
import { remoteOf } from "./remote.ts";

const now = instant(Date.parse("2026-01-31T12:00:00Z"));
const URL = "/repositories/app";
const key: ObjectKey = { group: "slipway.dev", resource: "gitrepositories", namespace: "shop", name: "app" };
const signal = new AbortController().signal;

/** One pass over a repository with this status, as the loop would make it: what is said at its end, and the events. */
async function looked(
  git: ReturnType<typeof memoryGit>,
  status: ApiObject["status"],
  spec: ApiObject["spec"] = { url: URL, interval: "1s" },
) {
  const controller = gitRepositoryController(git.source, {
    userOf: (email) => Promise.resolve(email === "owner@example.com" ? "olga" : undefined),
  });
  const object: ApiObject = {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "GitRepository",
    metadata: { name: "app", namespace: "shop", generation: 1 },
    spec: spec ?? {},
    ...(status === undefined ? {} : { status }),
  };
  const stored = storedObject(key, "u", resourceVersion(7), JSON.stringify(object));
  const reader: Pick<Reader, "get"> = { get: (at) => Promise.resolve(at.resource === "gitrepositories" ? stored : undefined) };
  const resources = { snapshot: (read: (from: Reader) => unknown) => read(reader as Reader) } as Resources; // only snapshot and get are asked
  const seen = await controller.observe(key, resources, signal);
  const decision = controller.decide(seen, now);
  const done = [];
  for (const command of decision.commands) {
    try {
      done.push({ command, outcome: await controller.act(command, resources, signal) });
    } catch (error) {
      done.push({ command, failure: failureOf(error, { now, attempts: 0, jitter: 0, incident: () => "i" }) });
    }
  }
  const conclusion = decision.commands.length === 0 ? decision : controller.conclude(seen, done, now);
  const [update] = conclusion.updates;
  const said = update !== undefined && "status" in update && isJsonObject(update.status) ? update.status : undefined;
  return { said, decision, events: conclusion.events.map(({ reason, message }) => `${reason}: ${message}`), wakeAt: conclusion.wakeAt };
}

const commitOf = (said: { readonly [name: string]: unknown } | undefined): unknown =>
  (said?.["artifact"] as { readonly commit?: string } | undefined)?.commit; // looked into by tests only

test("a new commit is said only once it was fetched, with its author as a user", async () => {
  const git = memoryGit(() => now);
  const commit = git.repository(URL).push("main", { "a.yaml": "a" }, { message: "First\n\nmore" });
  const { said, decision, events, wakeAt } = await looked(git, undefined);
  assert.deepEqual([decision.updates, decision.events], [[], []]);
  assert.equal(commitOf(said), commit);
  assert.deepEqual(events, [`NewCommit: refs/heads/main is at ${commit.slice(0, 12)} by olga: First`]);
  assert.equal(wakeAt, now + 1000);
});

test("the same commit again is one look, no fetch and no event", async () => {
  const git = memoryGit(() => now);
  git.repository(URL).push("main", { "a.yaml": "a" });
  const first = await looked(git, undefined);
  const again = await looked(git, first.said);
  assert.deepEqual([again.decision.commands, again.events, again.said], [[], [], first.said]);
});

test("a rewritten history is followed and told as a warning", async () => {
  const git = memoryGit(() => now);
  const old = git.repository(URL).push("main", { "a.yaml": "a" });
  const { said } = await looked(git, undefined);
  const next = git.repository(URL).rewrite("main", { "a.yaml": "b" });
  const after = await looked(git, said);
  assert.equal(commitOf(after.said), next);
  assert.match(after.events[0] ?? "", new RegExp(`HistoryRewritten: .*${next.slice(0, 12)} does not descend from ${old.slice(0, 12)}`));
});

test("a branch that goes away leaves the commit seen last in force and is told once", async () => {
  const git = memoryGit(() => now);
  const commit = git.repository(URL).push("main", { "a.yaml": "a" });
  const { said } = await looked(git, undefined);
  const spec = { url: URL, interval: "1s", ref: { branch: "gone" } };
  const gone = await looked(git, said, spec);
  assert.equal(commitOf(gone.said), commit);
  assert.match(gone.events[0] ?? "", /^RefNotFound: /);
  assert.equal(gone.wakeAt, now + 5000);
  assert.deepEqual((await looked(git, gone.said, spec)).events, []);
});

test("a suspended repository is not looked at, and not before something changes", async () => {
  const git = memoryGit(() => now);
  const { said, events, wakeAt } = await looked(git, undefined, { url: URL, suspend: true });
  assert.deepEqual([commitOf(said), events, wakeAt], [undefined, [], undefined]);
});

const secret = (data: Readonly<Record<string, string>>): ApiObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {},
  data: Object.fromEntries(Object.entries(data).map(([name, text]) => [name, btoa(text)])),
});
const withSecret: ApiObject = {
  apiVersion: "v1",
  kind: "GitRepository",
  metadata: {},
  spec: { url: "https://host/x", secretRef: { name: "token" } },
};

for (const [what, data, credentials] of [
  ["user name and password", { username: "jane", password: "hunter2" }, { kind: "basic", username: "jane", password: "hunter2" }],
  ["a password alone", { password: "hunter2" }, { kind: "basic", username: "git", password: "hunter2" }],
  [
    "a key with known hosts",
    { identity: "KEY", known_hosts: "host ssh-ed25519 x", password: "unused" },
    { kind: "ssh", privateKey: "KEY", knownHosts: "host ssh-ed25519 x" },
  ],
] as const)
  test(`a Secret with ${what} is used`, () => {
    assert.deepEqual(remoteOf(withSecret, secret(data)), { url: "https://host/x", credentials });
  });

for (const [what, of, message] of [
  ["that is not there", undefined, /no Secret "token" beside this GitRepository; create it/],
  ["with nothing usable", secret({ toString: "x" }), /"token" holds neither password/],
  ["with a key and no known hosts", secret({ identity: "KEY" }), /no known_hosts; add the lines that ssh-keyscan prints/],
] as const)
  test(`a Secret ${what} is refused with the way out, without its content`, () => {
    assert.throws(
      () => remoteOf(withSecret, of),
      (error: Error) => message.test(error.message) && !error.message.includes("KEY"),
    );
  });

test("an authority of its own is handed on", () => {
  assert.equal(remoteOf(withSecret, secret({ password: "x", "ca.crt": "PEM" })).certificateAuthority, "PEM");
});
