import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { asker, credentialsIn, serveData, slipway } from "../fixtures/restored-server.ts";
import type { Asker, Json, ServedData } from "../fixtures/restored-server.ts";
import { runningServer } from "../fixtures/running-server.ts";
import type { RunningServer } from "../fixtures/running-server.ts";

/** Row j: backup → empty machine → restore: equal objects, watches, users, audit. */
const OBJECTS = 2000;
const PLANTED = "planted-Secret-0f9e8d7c";
const SLIPWAY = "/apis/slipway.dev/v1alpha1";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
/** Everything that is stored, Events included. */
const LISTS = [
  ...["namespaces", "secrets", "serviceaccounts", "events"].map((resource) => `/api/v1/${resource}`),
  ...["roles", "rolebindings", "clusterroles", "clusterrolebindings"].map((resource) => `${RBAC}/${resource}`),
  ...["gitrepositories", "syncs", "releasebindings", "users", "accesstokens"].map((resource) => `${SLIPWAY}/${resource}`),
];

describe("a backup, restored on an empty machine", () => {
  let old: RunningServer;
  let before_: Asker;
  let fresh: ServedData;
  let now: Asker;
  let file: string;
  let text: string;
  let at: number;
  let lastRecord: number;
  let tokens: { readonly jane: string; readonly robot: string };
  let repository: string;
  const authorities: string[] = [];
  const askers: Asker[] = [];
  const as = (server: string, token: string): Asker => {
    const made = asker(server, authorities[0] ?? "", token);
    askers.push(made);
    return made;
  };

  before(async () => {
    old = await runningServer();
    const { authority, token } = await credentialsIn(old.kubeconfig);
    authorities.push(authority);
    before_ = as(old.url, token);
    repository = makeRepository(join(old.folder, "delivery"));
    tokens = await fill(before_, repository);
    file = join(old.folder, "whole.backup");
    const busy = new AbortController();
    const writing = keepWriting(before_, busy.signal);
    const taken = await slipway(["backup", "--kubeconfig", old.kubeconfig, "--to", file]);
    busy.abort();
    const written = await writing;
    assert.equal(taken.code, 0, taken.err);
    assert.match(taken.err, /keep master\.key .* apart from it/);
    assert.ok(written > 0);
    text = gunzipSync(readFileSync(file)).toString("utf8");
    const header: Json = JSON.parse(text.slice(0, text.indexOf("\n")));
    at = header.resourceVersion;
    lastRecord = header.lastRecord;

    const data = join(old.folder, "other-machine");
    const restored = await slipway(["restore", file, "--data", data, "--master-key-file", join(old.data, "master.key")]);
    assert.equal(restored.code, 0, restored.err);
    fresh = await serveData(data);
    now = as(fresh.url, token);
  });
  after(async () => {
    for (const one of askers) one.close();
    await fresh.stop();
    await old.close();
  });

  test("the file is its owner's alone, and holds no secret and no token in clear", () => {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    for (const secret of [PLANTED, Buffer.from(PLANTED).toString("base64"), tokens.jane, tokens.robot]) assert.ok(!text.includes(secret));
    assert.ok(!text.includes("PRIVATE KEY"));
    const key = readFileSync(join(old.data, "master.key"));
    for (const form of ["base64", "hex", "latin1"] as const) assert.ok(!text.includes(key.toString(form)));
  });

  for (const list of LISTS)
    test(`${list} is as it was at the moment of the backup, byte for byte`, async () => {
      const then = `${list}?resourceVersion=${at}&resourceVersionMatch=Exact`;
      const [here, there] = await Promise.all([before_.items(then), now.items(then)]);
      assert.deepEqual(
        there.map((item) => JSON.stringify(item)),
        here.map((item) => JSON.stringify(item)),
      );
      assert.ok(here.length > 0);
      if (list.endsWith("/serviceaccounts")) assert.ok(here.length > OBJECTS);
    });

  test("the audit is the same, record by record, and new records come after it", async () => {
    const upTo = (all: readonly Json[]) => all.filter((record) => Number(record.metadata.name) <= lastRecord);
    const [here, there] = await Promise.all([
      before_.items(`${SLIPWAY}/auditrecords?limit=500`),
      now.items(`${SLIPWAY}/auditrecords?limit=500`),
    ]);
    assert.ok(upTo(here).length > OBJECTS);
    assert.deepEqual(upTo(there), upTo(here));
    const backedUp = upTo(there).find((record) => record.reason === "BackedUp");
    assert.equal(backedUp?.actor, "admin");
  });

  test("tokens and the CA of before go on working, with the same rights and no more", async () => {
    for (const server of [old.url, fresh.url]) {
      const jane = as(server, tokens.jane);
      const robot = as(server, tokens.robot);
      assert.equal((await jane.json("GET", "/api/v1/namespaces/shop/serviceaccounts?limit=1")).code, 200);
      assert.equal((await jane.json("GET", "/api/v1/namespaces/shop/secrets")).code, 403);
      assert.equal((await robot.json("GET", "/api/v1/namespaces/shop/secrets")).code, 200);
      assert.equal((await robot.json("GET", "/api/v1/namespaces/default/secrets")).code, 403);
      assert.equal((await as(server, `${tokens.jane}x`).json("GET", "/api/v1/namespaces")).code, 401);
    }
    const secret = await now.json("GET", "/api/v1/namespaces/shop/secrets/password");
    assert.equal(Buffer.from(secret.body.data.value, "base64").toString(), PLANTED);
  });

  test("a watch from the version of the backup goes on; one from before is told to list again", async () => {
    const path = "/api/v1/namespaces/default/serviceaccounts";
    const made = await now.json("POST", path, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "after-the-restore" } });
    assert.equal(made.code, 201);
    assert.ok(Number(made.body.metadata.resourceVersion) > at);
    const first = await now.firstOf(`${path}?watch=1&resourceVersion=${at}`);
    assert.equal(`${first.type} ${first.object.metadata.name}`, "ADDED after-the-restore");
    // at + 1 is a change that the old server made after the backup: here it is nothing, and is never given to another one.
    for (const other of [at - 1, at + 1]) {
      const expired = await now.firstOf(`${path}?watch=1&resourceVersion=${other}`).catch((error: unknown) => error);
      assert.equal(expired.object?.code ?? expired.code, 410);
    }
  });

  test("the controllers go on where they were: what is pushed now is applied", async () => {
    commitBinding(repository, "shop-bbbbbbbbbbbb");
    const release = async () => (await now.json("GET", `${SLIPWAY}/namespaces/shop/releasebindings/shop.production`)).body.spec?.release;
    const deadline = performance.now() + 60_000;
    while ((await release()) !== "shop-bbbbbbbbbbbb" && performance.now() < deadline) await pause(100);
    assert.equal(await release(), "shop-bbbbbbbbbbbb");
  });

  test("only administrators may take a backup", async () => {
    const jane = await as(old.url, tokens.jane).json("GET", "/slipway.dev/backup");
    assert.equal(jane.code, 403);
    assert.match(jane.body.message, /slipway\.dev\/backup/);
  });

  test("the audit is for auditors and the project's administrators, the timeline also for viewers", async () => {
    const jane = as(old.url, tokens.jane);
    assert.equal((await jane.json("GET", `${SLIPWAY}/namespaces/shop/timelinerecords`)).code, 200);
    assert.equal((await jane.json("GET", `${SLIPWAY}/namespaces/shop/auditrecords`)).code, 403);
    assert.equal((await jane.json("GET", `${SLIPWAY}/timelinerecords`)).code, 403);
    const subjects = [{ kind: "User", name: "jane", apiGroup: "rbac.authorization.k8s.io" }];
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "slipway:auditor" };
    const bound = await before_.json("POST", `${RBAC}/namespaces/shop/rolebindings`, {
      metadata: { name: "auditor" },
      roleRef,
      subjects,
      ...binding,
    });
    assert.equal(bound.code, 201, JSON.stringify(bound.body));
    assert.equal((await jane.json("GET", `${SLIPWAY}/namespaces/shop/auditrecords`)).code, 200);
    assert.equal((await jane.json("GET", `${SLIPWAY}/namespaces/kube-system/auditrecords`)).code, 403);
  });
});

const binding = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" };

async function fill(admin: Asker, repository: string): Promise<{ readonly jane: string; readonly robot: string }> {
  const post = async (path: string, body: object): Promise<Json> => {
    const { code, body: answer } = await admin.json("POST", path, body);
    assert.equal(code, 201, `${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const account = (name: string) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, labels: { n: name } } });
  const roleBinding = (name: string, role: string, subject: object) => ({
    ...binding,
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [subject],
  });
  await post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await post("/api/v1/namespaces/shop/secrets", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "password" },
    stringData: { value: PLANTED },
  });
  await post(`${SLIPWAY}/users`, { apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name: "jane" }, spec: {} });
  for (const name of ["delivery", "robot"]) await post("/api/v1/namespaces/shop/serviceaccounts", account(name));
  const bindings = `${RBAC}/namespaces/shop/rolebindings`;
  await post(bindings, roleBinding("viewers", "view", { kind: "User", name: "jane", apiGroup: "rbac.authorization.k8s.io" }));
  await post(bindings, roleBinding("robots", "edit", { kind: "ServiceAccount", name: "robot", namespace: "shop" }));
  await post(bindings, roleBinding("delivery", "slipway:sync", { kind: "ServiceAccount", name: "delivery", namespace: "shop" }));
  const rules = [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"], resourceNames: ["password"] }];
  await post(`${RBAC}/namespaces/shop/roles`, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "reader" },
    rules,
  });
  const meta = { apiVersion: "slipway.dev/v1alpha1", metadata: { name: "delivery" } };
  await post(`${SLIPWAY}/namespaces/shop/gitrepositories`, {
    ...meta,
    kind: "GitRepository",
    spec: { url: repository, ref: { branch: "main" }, interval: "1s" },
  });
  const spec = { source: { repository: "delivery" }, path: "bindings", serviceAccountName: "delivery" };
  await post(`${SLIPWAY}/namespaces/shop/syncs`, { ...meta, kind: "Sync", spec });
  let next = 0;
  const filler = async () => {
    for (let index = next++; index < OBJECTS; index = next++)
      await post("/api/v1/namespaces/default/serviceaccounts", account(`filler-${index}`));
  };
  await Promise.all(Array.from({ length: 16 }, filler));
  const expirationSeconds = 3600;
  const jane = await post(`${SLIPWAY}/users/jane/token`, {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "AccessTokenRequest",
    spec: { expirationSeconds },
  });
  const robot = await post("/api/v1/namespaces/shop/serviceaccounts/robot/token", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds },
  });
  return { jane: jane.status.token, robot: robot.status.token };
}

/** Creates, changes and deletes until told to stop; returns how often. */
async function keepWriting(admin: Asker, signal: AbortSignal): Promise<number> {
  const path = "/api/v1/namespaces/shop/serviceaccounts";
  let count = 0;
  while (!signal.aborted) {
    const name = `busy-${count++}`;
    await admin.json("POST", path, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
    await admin.json("PATCH", `${path}/delivery`, { metadata: { annotations: { count: String(count) } } }, "application/merge-patch+json");
    if (count % 3 === 0) await admin.json("DELETE", `${path}/${name}`);
  }
  return count;
}

function makeRepository(folder: string): string {
  mkdirSync(join(folder, "bindings"), { recursive: true });
  git(folder, "init", "--quiet", "--initial-branch=main");
  commitBinding(folder, "shop-aaaaaaaaaaaa");
  return folder;
}

function commitBinding(folder: string, release: string): void {
  const spec = `spec:\n  application: shop\n  environment: production\n  release: ${release}\n`;
  writeFileSync(
    join(folder, "bindings/shop.yaml"),
    `apiVersion: slipway.dev/v1alpha1\nkind: ReleaseBinding\nmetadata:\n  name: shop.production\n${spec}`,
  );
  git(folder, "add", "-A");
  git(folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", release);
}

const git = (folder: string, ...words: readonly string[]): void => {
  execFileSync("git", ["-C", folder, ...words], { stdio: ["ignore", "ignore", "inherit"] });
};
