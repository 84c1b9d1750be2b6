import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";

// The verbs of the CLI as a user runs them, against a real server with its own PostgreSQL and a real Git repository.
const slipway = resolve(import.meta.dirname, "../../bin/slipway");

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let root = "";
let kubeconfig = "";
let server: ChildProcess;

before(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-cli-"));
  await chmod(root, 0o755); // PostgreSQL's own user passes through when this is root
  kubeconfig = join(root, "data", "kubeconfig");
  server = spawn(slipway, ["serve", "--data", join(root, "data"), "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  await said(server, /slipway is ready/);
  await mkdir(join(root, "repository", "deploy"), { recursive: true });
  await git("init", "-q", "-b", "main", ".");
  await write(
    "repository/deploy/settings.yaml",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: settings}\nstringData: {greeting: hello}\n",
  );
  await git("add", ".");
  await git("commit", "-qm", "Say hello");
});

after(async () => {
  server.kill("SIGTERM");
  await once(server, "exit");
  await rm(root, { recursive: true, force: true });
});

async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: root, SLIPWAY_KUBECONFIG: kubeconfig, ...environment };
  return new Promise((done) => {
    execFile(slipway, args, { env, cwd: root, timeout: 60_000 }, (error, out, err) =>
      done({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    );
  });
}

async function git(...args: readonly string[]): Promise<void> {
  const identity = ["-c", "user.name=Jane", "-c", "user.email=jane@example.com"];
  const { code } = await new Promise<{ code: number }>((done) => {
    execFile("git", ["-C", join(root, "repository"), ...identity, ...args], (error) => done({ code: error === null ? 0 : 1 }));
  });
  assert.equal(code, 0, `git ${args.join(" ")}`);
}

async function write(path: string, text: string): Promise<string> {
  await writeFile(join(root, path), text);
  return join(root, path);
}

/** Resolves when the output of a process matches; fails when it ends before. */
async function said(child: ChildProcess, wanted: RegExp): Promise<string> {
  let text = "";
  return new Promise((done, fail) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (wanted.test(text)) done(text);
    });
    setTimeout(() => fail(new Error(`a minute has gone by before it said ${String(wanted)}: ${text}`)), 60_000).unref();
    child.on("exit", () => fail(new Error(`it ended before it said ${String(wanted)}: ${text}`)));
  });
}

async function until(args: readonly string[], good: (ended: Ended) => boolean): Promise<Ended> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const ended = await run(args);
    if (good(ended)) return ended;
    assert.ok(Date.now() < deadline, `${args.join(" ")} did not come to it within a minute: ${JSON.stringify(ended)}`);
  }
}

const project = (more = "") => `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: shop}
---
apiVersion: slipway.dev/v1alpha1
kind: GitRepository
metadata: {name: shop, namespace: shop}
spec: {url: ${join(root, "repository")}}
---
apiVersion: slipway.dev/v1alpha1
kind: Sync
metadata: {name: shop, namespace: shop}
spec: {source: {repository: shop}, path: deploy, serviceAccountName: deployer${more}}
`;
const binding = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: deployer, namespace: shop}]
`;

test("a project from nothing: diff, dry run, apply, and again", async () => {
  const file = await write("project.yaml", project());
  const differing = await run(["diff", "-f", file]);
  assert.equal(differing.code, 1, differing.err);
  assert.match(differing.out, /^--- \/dev\/null\n\+\+\+ .*namespace\/shop/);
  const dry = await run(["apply", "-f", file, "--dry-run"]);
  assert.deepEqual([dry.code, dry.out.match(/created \(dry run/g)?.length], [0, 4], dry.err);
  assert.equal((await run(["get", "namespace", "shop"])).code, 3, "a dry run makes nothing");
  const applied = await run(["apply", "-f", file]);
  assert.deepEqual([applied.code, applied.out.match(/ created\n/g)?.length], [0, 4], applied.err);
  await until(["apply", "-f", file], ({ out }) => out.match(/ unchanged\n/g)?.length === 4);
  assert.deepEqual((await run(["diff", "-f", file])).code, 0);
});

test("why says what is in the way, and that nothing is", async () => {
  const refused = await until(["why", "sync/shop", "-n", "shop"], ({ out }) => out.includes("settings"));
  assert.equal(refused.code, 5);
  assert.match(refused.out, /deploy\/settings.yaml:1:1 .*cannot patch resource "secrets"/);
  const given = await run(["apply", "-f", await write("binding.yaml", binding)]);
  assert.equal(given.code, 0, given.err);
  await run(["apply", "-f", await write("project.yaml", project(", interval: 1m"))]);
  const well = await until(["why", "sync/shop", "-n", "shop"], ({ code }) => code === 0);
  assert.match(well.out, /^sync\/shop is as Git says: commit [0-9a-f]{12}, 1 object \(for .*, since .*Z\)\n$/);
  const answer = JSON.parse((await run(["why", "sync/shop", "-n", "shop", "-o", "json"])).out);
  assert.equal(answer.blocked, false);
});

test("status is a picture for people and a list for programs", async () => {
  const { out } = await run(["status", "-n", "shop"]);
  assert.match(out, /^KIND {12}NAME {3}READY {3}APPLIED/);
  assert.doesNotMatch(out, /\x1b/);
  const answer = JSON.parse((await run(["status", "-n", "shop", "-o", "json"])).out);
  assert.deepEqual([answer.ready, answer.items.length], [true, 2]);
});

test("status --watch prints a line for each change, and goes on", async () => {
  const child = spawn(slipway, ["status", "--watch", "-n", "shop"], {
    env: { ...process.env, SLIPWAY_KUBECONFIG: kubeconfig },
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    await said(child, /sync\/shop ready=True/);
    const broken = said(child, /sync\/shop ready=False reason=InvalidSource.*deploy\/broken.yaml:1:\d+/);
    await write("repository/deploy/broken.yaml", "a: [");
    await git("add", ".");
    await git("commit", "-qm", "Break it");
    await broken;
    const mended = said(child, /sync\/shop ready=True/);
    await git("rm", "-q", "deploy/broken.yaml");
    await git("commit", "-qm", "Mend it");
    await mended;
  } finally {
    child.kill();
  }
});

test("the timeline says what, who and why", async () => {
  const entries = JSON.parse((await run(["timeline", "sync/shop", "-n", "shop", "-o", "json"])).out) as {
    what: string;
    who: string;
    why: string;
    time: string;
  }[];
  assert.ok(
    entries.some(({ what, who }) => what === "Created" && who === "admin"),
    JSON.stringify(entries),
  );
  assert.ok(entries.some(({ what, why }) => what === "InvalidSource" && why.includes("deploy/broken.yaml")));
  assert.deepEqual(
    JSON.parse((await run(["timeline", "sync/shop", "-n", "shop", "--since", "2999-01-01T00:00:00Z", "-o", "json"])).out),
    [],
  );
});

test("a user gets a kubeconfig nobody else can read, has no rights yet, and loses the token", async () => {
  const path = join(root, "jane.kubeconfig");
  const made = await run(["user", "create", "jane", "--group", "developers", "--kubeconfig-out", path, "--expires", "1d"]);
  assert.equal(made.code, 0, made.err);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.doesNotMatch(made.out + made.err, /slp_/, "the secret is in the file only");
  assert.equal((await run(["token", "create", "jane", "--kubeconfig-out", path])).code, 7, "a file is not overwritten");
  const listing = ["get", "sync", "-n", "shop", "--kubeconfig", path];
  const refused = await run(listing);
  assert.equal(refused.code, 6);
  assert.match(refused.err, /User "jane" cannot list resource "syncs"/);
  const [token = ""] = (await run(["token", "list", "jane", "-o", "name"])).out.split("\n");
  assert.equal((await run(["token", "revoke", token.replace(/.*\//, "")])).code, 0);
  const ended = await until(listing, ({ err }) => err.includes("does not take the token"));
  assert.equal(ended.code, 6);
});

test("a scoped token may do less than its owner", async () => {
  const { out } = await run(["token", "create", "admin", "--scope", "get,list:slipway.dev/syncs@shop", "-o", "json"]);
  const config = JSON.parse(await readFile(kubeconfig, "utf8"));
  config.users[0].user.token = JSON.parse(out).token;
  const path = await write("scoped.kubeconfig", JSON.stringify(config));
  assert.equal((await run(["get", "sync", "-n", "shop", "--kubeconfig", path])).code, 0);
  assert.equal((await run(["get", "secrets", "-n", "shop", "--kubeconfig", path])).code, 6);
});

test("a conflict names the other owner and the ways out", async () => {
  const file = (value: string) =>
    write("settings.yaml", `apiVersion: v1\nkind: Secret\nmetadata: {name: settings, namespace: shop}\nstringData: {greeting: ${value}}\n`);
  const refused = await run(["apply", "-f", await file("other")]);
  assert.equal(refused.code, 7, refused.out);
  assert.match(refused.err, /slipway-sync\/shop\/shop[^]*--force-conflicts/);
  assert.doesNotMatch(refused.err, /b3RoZXI=/, "no value of a Secret in an error");
  const differing = await run(["diff", "-f", await file("other"), "--force-conflicts"]);
  assert.match(differing.out, /\*\*\* \(before\)[^]*\*\*\* \(after\)/);
  assert.doesNotMatch(differing.out, /b3RoZXI=|aGVsbG8=/);
});

for (const { name, args, code, says } of [
  { name: "an unknown kind", args: ["get", "synk"], code: 3, says: /did you mean "sync"\?/ },
  { name: "a misspelt name", args: ["get", "sync", "shpo", "-n", "shop"], code: 3, says: /did you mean "shop"\?/ },
  { name: "an unknown verb", args: ["gte"], code: 2, says: /Did you mean get\?/ },
  { name: "a missing file", args: ["apply", "-f", "nowhere.yaml"], code: 3, says: /nowhere.yaml cannot be read: there is no such file/ },
  { name: "no server there", args: ["get", "sync", "--kubeconfig", "nowhere"], code: 3, says: /there is no file nowhere/ },
  { name: "a selector that is none", args: ["get", "sync", "-l", "a=("], code: 1, says: /labelSelector/ },
])
  test(`an error names the thing and ends with its code: ${name}`, async () => {
    const ended = await run(args);
    assert.equal(ended.code, code, ended.err);
    assert.match(ended.err, says);
  });

test("a server of another CA and one that does not run are told apart", async () => {
  const config = JSON.parse(await readFile(kubeconfig, "utf8"));
  const { cluster } = config.clusters[0];
  const other = { ...config, clusters: [{ name: "slipway", cluster: { server: cluster.server } }] };
  const untrusted = await run(["get", "sync", "--kubeconfig", await write("other.kubeconfig", JSON.stringify(other))]);
  assert.equal(untrusted.code, 6);
  assert.match(untrusted.err, /another CA/);
  const closed = { ...config, clusters: [{ name: "slipway", cluster: { ...cluster, server: "https://127.0.0.1:1" } }] };
  const down = await run(["version", "--kubeconfig", await write("closed.kubeconfig", JSON.stringify(closed))]);
  assert.deepEqual(
    [down.code, down.out],
    [3, `client ${JSON.parse(await readFile(resolve(import.meta.dirname, "../../package.json"), "utf8")).version}\n`],
  );
  assert.match(down.err, /slipway serve/);
});

test("completion knows verbs, kinds and names", async () => {
  assert.match((await run(["__complete", "--", "ge"])).out, /^get\n$/);
  assert.match((await run(["__complete", "--", "get", "syn"])).out, /^sync\nsyncs\n$/);
  assert.equal((await run(["__complete", "--", "why", "-n", "shop", "sync/s"])).out, "sync/shop\n");
  assert.equal((await run(["__complete", "--", "get", "syn"], { SLIPWAY_KUBECONFIG: "/nowhere" })).out, "");
});
