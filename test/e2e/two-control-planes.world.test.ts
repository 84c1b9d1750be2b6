import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Plane, startPlane } from "../fixtures/load/plane.ts";
import { Watcher } from "../fixtures/load/watcher.ts";
import { type Ask, BINDINGS, listed, versionOf, Writers } from "../fixtures/load/writers.ts";
import { testDatabase, type TestDatabase } from "../fixtures/postgres.ts";

// Two control planes, each with a data directory of its own, on one PostgreSQL and with one master key.

const FULL = process.env["SLIPWAY_TEST_FULL"] !== undefined;
const KILLS = FULL ? 10 : 3;
const SYNCS = 4;
/** Work of a killed control plane is taken over within this. */
const TAKEN_OVER_MS = 5_000;

let folder: string;
let database: TestDatabase;
let environment: Record<string, string>;
const planes: Plane[] = [];

async function plane(name: string, roles = "api,controllers"): Promise<Plane> {
  const made = await startPlane({ data: join(folder, name), environment, flags: ["--roles", roles] });
  planes.push(made);
  return made;
}

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "slipway-two-")));
  await chmod(folder, 0o711);
  database = await testDatabase();
  await writeFile(join(folder, "master.key"), randomBytes(32), { mode: 0o600 });
  environment = { DATABASE_URL: database.connectionString, SLIPWAY_MASTER_KEY_FILE: join(folder, "master.key") };
});
after(async () => {
  for (const one of planes) await one.end("SIGKILL");
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

test(`the work of a killed control plane is taken over within ${TAKEN_OVER_MS / 1000} s, and no commit is applied twice (${KILLS} kills)`, async (context) => {
  const over = new AbortController();
  let [one, two] = await Promise.all([plane("one"), plane("two")]);
  const repositories = await Promise.all(Array.from({ length: SYNCS }, (_, index) => project(one.ask, index)));
  await until("the first commit is applied", 30_000, async () => (await values(one.ask)).every((value) => value === "0"));
  const watchers = repositories.map(({ namespace }) => {
    return new Watcher(() => ({ kubeconfig: two.kubeconfig, url: two.url, path: BINDINGS(namespace) }), 1, over.signal);
  });
  try {
    const took: number[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      await Promise.all(repositories.map((repository) => push(repository, kill)));
      await sleep(Math.random() * 1500); // before, in and after the passes
      await one.end("SIGKILL");
      const since = performance.now();
      await until("the push is applied by the survivor", 30_000, async () =>
        (await values(two.ask)).every((value) => value === String(kill)),
      );
      took.push(performance.now() - since);
      one = await plane(basename(one.data));
      if (kill % 2 === 0) [one, two] = [two, one];
    }
    context.diagnostic(`taken over after ${took.map((ms) => (ms / 1000).toFixed(2)).join(", ")} s`);
    assert.ok(Math.max(...took) <= TAKEN_OVER_MS, `taken over after ${took.join(", ")} ms`);
    for (const [index, watcher] of watchers.entries()) {
      await until("the watcher has seen all", 10_000, () => Promise.resolve(watcher.seen.at(-1)?.value === String(KILLS)));
      const last = watcher.seen.at(-1)?.version ?? 0;
      // A second write of the same commit would come before this one, as versions are given in commit order.
      const mark = await two.ask("POST", BINDINGS(`project-${index}`), { body: binding("spare", "none") });
      await until("and what came after that", 10_000, () => Promise.resolve(watcher.last >= versionOf(mark.body) && watcher.last > last));
      watcher.seen.pop();
      assert.deepEqual(watcher.problems, []);
      assert.deepEqual(
        watcher.seen.map(({ value }) => value),
        Array.from({ length: KILLS + 1 }, (_, commit) => String(commit)),
        "each commit was applied once, in order",
      );
    }
  } finally {
    over.abort();
    await Promise.all([one.end("SIGTERM"), two.end("SIGTERM")]);
  }
});

test("roles apart: one serves, the other works; what either writes the other's watchers see within a second; tokens and their end cross over", async (context) => {
  const over = new AbortController();
  const [api, worker, second] = await Promise.all([plane("api", "api"), plane("worker", "controllers"), plane("second", "api")]);
  try {
    const repository = await project(api.ask, 8);
    await until("the worker applies what the API was told", 15_000, async () => (await valueOf(api.ask, repository.namespace)) === "0");
    await push(repository, 1);
    await until("the worker applies a push", 10_000, async () => (await valueOf(second.ask, repository.namespace)) === "1");

    const path = BINDINGS(repository.namespace);
    const from = versionOf((await second.ask("GET", path)).body);
    const watcher = new Watcher(() => ({ ...second, path }), from, over.signal);
    await until("the watch is open", 5_000, () => Promise.resolve(watcher.connections > 0));
    const lags: number[] = [];
    for (let write = 0; write < 20; write++) {
      const value = `w${write}`;
      const { code, text } = await api.ask("PATCH", `${path}/shop.spare`, {
        type: "application/merge-patch+json",
        body: { metadata: { annotations: { "test/value": value } } },
      });
      const told = performance.now();
      assert.equal(code, 200, text);
      await until("the other's watcher sees it", 5_000, () => Promise.resolve(watcher.seen.some((event) => event.value === value)));
      lags.push((watcher.seen.find((event) => event.value === value)?.at ?? Infinity) - told);
    }
    context.diagnostic(`a write is seen at the other control plane ${Math.max(...lags).toFixed(0)} ms after its answer at most`);
    assert.ok(Math.max(...lags) <= 1000, `seen after ${lags.join(", ")} ms`);

    const token = await tokenOf(api.ask, "jane");
    const allowed = () => second.ask("GET", "/api", { token });
    await until("a token of one is good at the other", 2_000, async () => (await allowed()).code !== 401);
    const [, id] = token.split("_");
    const gone = await api.ask("DELETE", `/apis/slipway.dev/v1alpha1/accesstokens/${id ?? ""}`);
    assert.equal(gone.code, 200, gone.text);
    const since = performance.now();
    await until("a token taken back at one is refused by the other", 2_000, async () => (await allowed()).code === 401);
    context.diagnostic(`a token that was taken back is refused by the other ${(performance.now() - since).toFixed(0)} ms later`);
  } finally {
    over.abort();
    await Promise.all([api, worker, second].map((one) => one.end("SIGTERM")));
  }
});

test("a rolling restart fails no write on the other, and ends in order", async (context) => {
  const over = new AbortController();
  let [left, right] = await Promise.all([plane("left"), plane("right")]);
  const namespace = "rolling";
  try {
    const made = await left.ask("POST", "/api/v1/namespaces", {
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    });
    assert.equal(made.code, 201, made.text);
    let total = 0;
    for (let turn = 0; turn < 2; turn++) {
      const writers = new Writers(() => right.ask, namespace, 4, over.signal, `t${turn}`);
      await writers.more(50);
      const { status, ms } = await left.end("SIGTERM");
      assert.equal(status, 0, (await left.log()).slice(-1000));
      assert.ok(ms < 5_000, `it took ${ms.toFixed(0)} ms to end`);
      await writers.more(50);
      left = await plane(basename(left.data));
      await writers.more(50);
      const expected = await writers.stop();
      assert.deepEqual([writers.problems, writers.failures], [[], 0]);
      const found = await listed(left.ask, namespace);
      for (const [name, { value }] of expected) assert.equal(found.get(name)?.value, value, `${name}, as the restarted one reads it`);
      total += writers.acknowledged.length;
      [left, right] = [right, left];
    }
    context.diagnostic(`${total} writes, none failed`);
  } finally {
    over.abort();
    await Promise.all([left.end("SIGTERM"), right.end("SIGTERM")]);
  }
});

interface Repository {
  readonly namespace: string;
  readonly path: string;
}

const git = (cwd: string, ...words: readonly string[]): Promise<unknown> =>
  promisify(execFile)("git", ["-c", "user.name=Jane", "-c", "user.email=jane@example.org", "-c", "commit.gpgsign=false", ...words], {
    cwd,
  });

/** A namespace with a repository and a Sync that applies it. */
async function project(ask: Ask, index: number): Promise<Repository> {
  const namespace = `project-${index}`;
  const repository = { namespace, path: join(folder, `repository-${index}`) };
  await mkdir(repository.path);
  await git(repository.path, "init", "--quiet", "--initial-branch=main");
  await push(repository, 0);
  const slipwayKind = "slipway.dev/v1alpha1";
  const account = { kind: "ServiceAccount", name: "delivery", namespace };
  const objects: readonly (readonly [string, object])[] = [
    ["/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }],
    [`/api/v1/namespaces/${namespace}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "delivery" } }],
    [
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: { name: "delivery" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "slipway:sync" },
        subjects: [account],
      },
    ],
    [
      `/apis/${slipwayKind}/namespaces/${namespace}/gitrepositories`,
      {
        apiVersion: slipwayKind,
        kind: "GitRepository",
        metadata: { name: "delivery" },
        spec: { url: repository.path, ref: { branch: "main" } },
      },
    ],
    [
      `/apis/${slipwayKind}/namespaces/${namespace}/syncs`,
      {
        apiVersion: slipwayKind,
        kind: "Sync",
        metadata: { name: "all" },
        spec: { source: { repository: "delivery" }, serviceAccountName: "delivery" },
      },
    ],
    [BINDINGS(namespace), binding("spare", "none")],
  ];
  for (const [path, body] of objects.slice(0, index < 8 ? -1 : undefined)) {
    const { code, text } = await ask("POST", path, { body });
    assert.equal(code, 201, text);
  }
  return repository;
}

const binding = (environmentName: string, value: string): object => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "ReleaseBinding",
  metadata: { name: `shop.${environmentName}`, annotations: { "test/value": value } },
  spec: {
    application: "shop",
    environment: environmentName,
    release: "shop-1f3a5c7e9b0d",
    configuration: { commit: "5d41402abc4b2a76b9719d911017c592ae5a1b2c" },
  },
});

async function push({ path }: Repository, value: number): Promise<void> {
  await writeFile(join(path, "binding.yaml"), JSON.stringify(binding("production", String(value))));
  await git(path, "add", "binding.yaml");
  await git(path, "commit", "--quiet", "-m", `commit ${value}`);
}

async function valueOf(ask: Ask, namespace: string): Promise<string | undefined> {
  const { text } = await ask("GET", `${BINDINGS(namespace)}/shop.production`);
  return /"test\/value":"([^"]*)"/.exec(text)?.[1];
}

const values = (ask: Ask): Promise<readonly (string | undefined)[]> =>
  Promise.all(Array.from({ length: SYNCS }, (_, index) => valueOf(ask, `project-${index}`)));

async function tokenOf(ask: Ask, user: string): Promise<string> {
  const apiVersion = "slipway.dev/v1alpha1";
  const made = await ask("POST", `/apis/${apiVersion}/users`, {
    body: { apiVersion, kind: "User", metadata: { name: user }, spec: { displayName: user } },
  });
  assert.equal(made.code, 201, made.text);
  const { text } = await ask("POST", `/apis/${apiVersion}/users/${user}/token`, {
    body: { apiVersion, kind: "AccessTokenRequest", spec: { expirationSeconds: 3600 } },
  });
  const token = /"token":"([^"]+)"/.exec(text)?.[1];
  assert.ok(token !== undefined, text);
  return token;
}

async function until(what: string, atMostMs: number, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + atMostMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${atMostMs} ms: ${what}`);
    await sleep(20);
  }
}
