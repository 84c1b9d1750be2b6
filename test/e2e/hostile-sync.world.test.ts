import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { sender, type Sender } from "../fixtures/fuzz/send.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

/** JSON of an answer, for looking into. */
type Json = ReturnType<typeof JSON.parse>;
type Files = Readonly<Record<string, string>>;

const run = promisify(execFile);
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const SLIPWAY = "/apis/slipway.dev/v1alpha1";
const isFull = process.env["SLIPWAY_TEST_FULL"] !== undefined;

let server: RunningServer;
let sending: Sender;
let admin = "";
let projects = 0;

before(async () => {
  server = await runningServer();
  const config = JSON.parse(await readFile(server.kubeconfig, "utf8"));
  admin = config.users[0].user.token;
  sending = sender(server.url, Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString("utf8"), 30_000);
  await make("/api/v1/namespaces", { metadata: { name: "victim" } });
});
after(async () => {
  sending.close();
  await server.close();
});

const repository = (name: string, more = ""): string =>
  `apiVersion: slipway.dev/v1alpha1\nkind: GitRepository\nmetadata:\n  name: ${name}\n${more}spec:\n  url: https://git.example.org/a.git\n  suspend: true\n`;
const GOOD: Files = { "good.yaml": repository("good") };

interface Case {
  readonly name: string;
  readonly files: Files;
  readonly role?: string;
  /** Of the Sync, beside what it needs. */
  readonly spec?: object;
  readonly reason: string;
  readonly says: RegExp;
}

/** Each stands beside a file that is right: nothing of the commit may be applied. */
const cases: readonly Case[] = [
  {
    name: "an object for another project",
    files: { "x.yaml": repository("x", "  namespace: victim\n") },
    reason: "Refused",
    says: /^x\.yaml:1:1 \(GitRepository victim\/x\): .*"system:serviceaccount:p\d+:delivery" cannot (create|patch) resource "gitrepositories".* in the namespace "victim".*remove the object/s,
  },
  {
    name: "a kind that records what happened",
    files: { "x.yaml": "apiVersion: v1\nkind: Event\nmetadata: {name: x}\ninvolvedObject: {kind: Sync}\n" },
    reason: "InvalidSource",
    says: /^x\.yaml:1:1 .*Event cannot come from Git/,
  },
  {
    name: "an access token",
    files: { "x.yaml": "apiVersion: slipway.dev/v1alpha1\nkind: AccessToken\nmetadata: {name: x}\nspec: {}\n" },
    reason: "InvalidSource",
    says: /AccessToken cannot come from Git: use slipway token create/,
  },
  {
    name: "a release",
    files: { "x.yaml": "apiVersion: slipway.dev/v1alpha1\nkind: Release\nmetadata: {name: x}\n" },
    reason: "InvalidSource",
    says: /Release cannot come from Git/,
  },
  {
    name: "a user",
    files: { "x.yaml": "apiVersion: slipway.dev/v1alpha1\nkind: User\nmetadata: {name: evil}\nspec: {groups: [slipway:admins]}\n" },
    reason: "Refused",
    says: /cannot (create|patch) resource "users"/,
  },
  {
    name: "a namespace",
    files: { "x.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: evil}\n" },
    reason: "Refused",
    says: /cannot (create|patch) resource "namespaces"/,
  },
  {
    name: "an account without the right to any of it",
    role: "view",
    files: { "x.yaml": repository("x") },
    reason: "Refused",
    says: /cannot (create|patch) resource "gitrepositories".*kubectl create rolebinding .*--serviceaccount=p\d+:delivery/s,
  },
  {
    name: "a binding to cluster-admin",
    role: "admin",
    files: {
      "x.yaml":
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: ServiceAccount, name: delivery, namespace: victim}]\n",
    },
    reason: "Refused",
    says: /cannot bind ClusterRole "cluster-admin": it gives rights he lacks/,
  },
  {
    name: "a role that may do everything",
    role: "admin",
    files: {
      "x.yaml":
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\nrules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]\n",
    },
    reason: "Refused",
    says: /cannot write Role "x": it gives rights he lacks/,
  },
  {
    name: "its own Sync with a mightier account",
    spec: { force: true },
    files: {
      "x.yaml":
        "apiVersion: slipway.dev/v1alpha1\nkind: Sync\nmetadata: {name: main}\nspec: {source: {repository: main}, serviceAccountName: strong}\n",
    },
    reason: "Refused",
    says: /cannot act as "system:serviceaccount:p\d+:strong", who has rights he lacks/,
  },
  {
    name: "a second Sync with a mightier account",
    files: {
      "x.yaml":
        "apiVersion: slipway.dev/v1alpha1\nkind: Sync\nmetadata: {name: second}\nspec: {source: {repository: main}, serviceAccountName: strong}\n",
    },
    reason: "Refused",
    says: /cannot act as "system:serviceaccount:p\d+:strong"/,
  },
  {
    name: "a repository that would send a Secret away",
    files: {
      "x.yaml":
        "apiVersion: slipway.dev/v1alpha1\nkind: GitRepository\nmetadata: {name: x}\nspec: {url: 'https://evil.example/a.git', secretRef: {name: login}}\n",
    },
    reason: "Refused",
    says: /it would send the Secret "login"/,
  },
  {
    name: "one object in two files",
    files: { "x.yaml": repository("same"), "X.yaml": repository("same") },
    reason: "InvalidSource",
    says: /described twice, first at/,
  },
  {
    name: "a name in capitals",
    files: { "x.yaml": repository("Good") },
    reason: "Refused",
    says: /x\.yaml:4:\d+ \(GitRepository p\d+\/Good\): .*metadata\.name/s,
  },
  {
    name: "gigantic annotations",
    files: { "x.yaml": repository("x", `  annotations: {a: "${"x".repeat(300_000)}"}\n`) },
    reason: "Refused",
    says: /annotations/,
  },
  {
    name: "an object over 256 KiB",
    role: "edit",
    files: { "x.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: "${"x".repeat(270_000)}"}\n` },
    reason: "Refused",
    says: /x\.yaml:1:1 \(Secret p\d+\/x\): .*(256|262144)/s,
  },
  {
    name: "broken YAML",
    files: { "x.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: [x\n" },
    reason: "InvalidSource",
    says: /^x\.yaml:\d+:\d+: /,
  },
  {
    name: "an unknown field",
    files: { "x.yaml": repository("x").replace("suspend", "suspent") },
    reason: "Refused",
    says: /^x\.yaml:7:3 .*unknown field "spec\.suspent"/s,
  },
  {
    name: "an unknown kind",
    files: { "x.yaml": repository("x").replace("GitRepository", "GitRepo") },
    reason: "InvalidSource",
    says: /no kind GitRepo in slipway\.dev\/v1alpha1/,
  },
  {
    name: "a status",
    files: { "x.yaml": `${repository("x")}status: {artifact: {commit: ${"a".repeat(40)}}}\n` },
    reason: "InvalidSource",
    says: /status is written by controllers/,
  },
  {
    name: "marks of another Sync's without its rights",
    files: {
      "x.yaml":
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x, labels: {applyset.kubernetes.io/part-of: x}, annotations: {slipway.dev/applied-by: victim/main}}\n",
    },
    reason: "Refused",
    says: /cannot (create|patch) resource "secrets"/,
  },
];

for (const { name, files, role, spec = {}, reason, says } of cases)
  test(`${name} in Git: nothing of the commit is applied, and the message says where and why`, async () => {
    const project = await newProject({ ...GOOD, ...files }, { ...(role === undefined ? {} : { role }), spec });
    const ready = await project.readyIs("False");
    assert.equal(ready.reason, reason, ready.message);
    assert.match(ready.message, says);
    assert.match(ready.message, /Nothing of this commit was applied/);
    assert.deepEqual(await project.names("gitrepositories"), ["main"]);
    assert.deepEqual(await project.names("syncs"), ["main"]);
    assert.equal((await get(`${SLIPWAY}/namespaces/victim/gitrepositories`)).items.length, 0);
  });

test("a Sync prunes what it applied and nothing else, whoever made it", async () => {
  const project = await newProject(
    { "a/one.yaml": repository("one"), "a/two.yaml": repository("two"), "b/three.yaml": repository("three") },
    { path: "a" },
  );
  await project.sync("other", { path: "b" });
  await project.readyIs("True");
  await project.readyIs("True", "other");
  await make(`${SLIPWAY}/namespaces/${project.name}/gitrepositories`, {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "GitRepository",
    metadata: { name: "by-hand" },
    spec: { url: "https://git.example.org/a.git", suspend: true },
  });
  await project.push({ "a/two.yaml": undefined });
  await eventually(async () => assert.deepEqual(await project.names("gitrepositories"), ["by-hand", "main", "one", "three"]));
});

test("a source that becomes empty, cannot be read whole or leaves something out deletes nothing", async () => {
  const project = await newProject({ "a.yaml": repository("a"), "b.yaml": repository("b") });
  await project.readyIs("True");
  await project.push({ "a.yaml": undefined, "b.yaml": undefined, "README.md": "nothing" });
  assert.equal((await project.readyIs("False")).reason, "SourceEmpty");
  await project.push({ "b.yaml": repository("b") }, async (folder) => symlink("b.yaml", join(folder, "a.yaml")));
  await eventually(async () => assert.match((await project.ready()).message, /a\.yaml.*(symbolic link|symlink)/s));
  await rm(join(project.folder, "a.yaml"));
  await project.push({ "a.yaml": "a: [" });
  await eventually(async () => assert.match((await project.ready()).message, /^a\.yaml:\d+:\d+/));
  await project.push({ "a.yaml": undefined, "b.yaml": undefined }, undefined, true);
  await pause(2_000);
  assert.deepEqual(await project.names("gitrepositories"), ["a", "b", "main"]);
  await project.push({ "a.yaml": repository("a") });
  await project.readyIs("True");
  await eventually(async () => assert.deepEqual(await project.names("gitrepositories"), ["a", "main"]));
});

test("two Syncs that describe one object: the first keeps it, the second says whose it is", async () => {
  const project = await newProject(
    { "a/x.yaml": repository("x"), "b/x.yaml": repository("x").replace("git.example.org/a", "git.example.org/b") },
    { path: "a" },
  );
  await project.readyIs("True");
  await project.sync("second", { path: "b" });
  const ready = await project.readyIs("False", "second");
  assert.equal(ready.reason, "Refused");
  assert.match(ready.message, /b\/x\.yaml:\d+:\d+ .*slipway-sync\/p\d+\/main/s);
  const { spec, metadata } = await get(`${SLIPWAY}/namespaces/${project.name}/gitrepositories/x`);
  assert.equal(spec.url, "https://git.example.org/a.git");
  // Force takes it over, once: they do not write by turns.
  await call("PATCH", `${SLIPWAY}/namespaces/${project.name}/syncs/second`, { spec: { force: true } });
  await eventually(async () =>
    assert.equal((await get(`${SLIPWAY}/namespaces/${project.name}/gitrepositories/x`)).spec.url, "https://git.example.org/b.git"),
  );
  await pause(1_500);
  const later = await get(`${SLIPWAY}/namespaces/${project.name}/gitrepositories/x`);
  assert.ok(later.metadata.generation - metadata.generation <= 2, `written ${later.metadata.generation - metadata.generation} times`);
});

test("Syncs that apply one another come to rest", async () => {
  const sync = (name: string, path: string): string =>
    `apiVersion: slipway.dev/v1alpha1\nkind: Sync\nmetadata: {name: ${name}}\nspec: {path: ${path}, source: {repository: main}, serviceAccountName: delivery}\n`;
  const project = await newProject(
    { "a/b.yaml": sync("b", "b"), "a/x.yaml": repository("x"), "b/main.yaml": sync("main", "a"), "b/y.yaml": repository("y") },
    { path: "a" },
  );
  await project.readyIs("True");
  await project.readyIs("True", "b");
  await eventually(async () => assert.deepEqual(await project.names("gitrepositories"), ["main", "x", "y"]));
  await pause(1_500);
  const versions = async (): Promise<string> =>
    JSON.stringify((await get(`${SLIPWAY}/namespaces/${project.name}/syncs`)).items.map((item: Json) => item.metadata.resourceVersion));
  const before = await versions();
  await pause(2_000);
  assert.equal(await versions(), before, "nothing is written any more");
});

test("nobody makes a Sync of another project prune or fail by forged marks", async () => {
  const project = await newProject({ "a.yaml": repository("a") });
  await project.readyIs("True");
  const applied = await get(`${SLIPWAY}/namespaces/${project.name}/gitrepositories/a`);
  const marks = {
    labels: { "applyset.kubernetes.io/part-of": applied.metadata.labels["applyset.kubernetes.io/part-of"] },
    annotations: { "slipway.dev/applied-by": `${project.name}/main` },
  };
  const path = `${SLIPWAY}/namespaces/victim/gitrepositories`;
  const object = {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "GitRepository",
    metadata: { name: "mine" },
    spec: { url: "https://git.example.org/a.git", suspend: true },
  };
  const token = await editorOf("victim");
  const made = await call("POST", path, { ...object, metadata: { name: "marked", ...marks } }, {}, token);
  assert.equal(made.code, 403, JSON.stringify(made.body));
  assert.match(
    made.body.message,
    /cannot give this GitRepository to the Sync "p\d+\/main", which would count it as its own: that takes the verb "patch" on that Sync/,
  );
  assert.equal((await call("POST", path, object, {}, token)).code, 201);
  const patched = await call("PATCH", `${path}/mine`, { metadata: marks }, {}, token);
  assert.equal(patched.code, 403, JSON.stringify(patched.body));
  // Even where an administrator marks it, the rights of the Sync's account decide, and what it says names the object.
  assert.equal((await call("PATCH", `${path}/mine`, { metadata: marks })).code, 200);
  await call("PATCH", `${SLIPWAY}/namespaces/${project.name}/syncs/main`, { metadata: { annotations: { touched: "1" } } });
  await eventually(async () =>
    assert.match((await project.ready()).message, /GitRepository victim\/mine.*could not be deleted.*cannot delete/s),
  );
  assert.equal((await call("GET", `${path}/mine`)).code, 200);
  await call("DELETE", `${path}/mine`);
});

test("a repository of another project is not read through the mirror of it in the data directory", async () => {
  const project = await newProject({ "a.yaml": repository("a") });
  await project.readyIs("True");
  const mirrors = join(server.data, "git");
  const found = (await readdir(mirrors, { recursive: true })).filter((name) => /\/m\.\d+$/.test(name)).map((name) => join(mirrors, name));
  assert.ok(found.length > 0);
  await symlink(found[0] ?? "", join(server.folder, "innocent"));
  for (const [name, url] of [
    ["direct", found[0]],
    ["by-url", `file://${found[0] ?? ""}`],
    ["link", join(server.folder, "innocent")],
  ] as const) {
    await make(`${SLIPWAY}/namespaces/${project.name}/gitrepositories`, {
      apiVersion: "slipway.dev/v1alpha1",
      kind: "GitRepository",
      metadata: { name },
      spec: { url, ref: { branch: "main" } },
    });
    await eventually(async () => {
      const { status } = await get(`${SLIPWAY}/namespaces/${project.name}/gitrepositories/${name}`);
      const ready = status?.conditions?.find(({ type }: Json) => type === "Ready");
      assert.equal(ready?.status, "False");
      assert.match(ready.message, /inside Slipway's own data directory/);
    });
  }
});

test("a flood of webhook calls with wrong signatures changes nothing, and the right one still counts", async () => {
  const project = await newProject({ "a.yaml": repository("a") });
  await make(`/api/v1/namespaces/${project.name}/secrets`, { metadata: { name: "hook" }, stringData: { token: "right" } });
  await call("PATCH", `${SLIPWAY}/namespaces/${project.name}/gitrepositories/main`, { spec: { webhook: { secretRef: { name: "hook" } } } });
  const hook = `/hooks/git/${project.name}/main`;
  const bodies = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_none, at) =>
        sending.send({
          method: "POST",
          path: at % 2 === 0 ? hook : `/hooks/git/none/${at}`,
          headers: [["x-hub-signature-256", `sha256=${at}`]],
          who: "nobody",
          token: `wrong${at}`,
          body: Buffer.from("{}"),
        }),
      ),
    );
    for (const { code, text } of answers) bodies.add(`${code} ${text}`);
  }
  assert.equal(bodies.size, 1, [...bodies].join("\n"));
  assert.match([...bodies][0] ?? "", /^401 refused: there is no such webhook, or the call is not signed/);
  assert.equal(
    (await sending.send({ method: "POST", path: hook, headers: [], who: "nobody", token: "right", body: Buffer.from("{}") })).code,
    202,
  );
  await project.readyIs("True");
});

const MANY = isFull ? 100_000 : 25_000;
test(`a repository of ${MANY} files is applied or refused as a whole, with its number, and the server goes on`, async () => {
  const project = await newProject({ "a.yaml": repository("a") });
  await project.readyIs("True");
  await manyFiles(project.folder, MANY);
  await eventually(async () => {
    const ready = await project.ready();
    assert.equal(ready.status, "False", ready.message);
    assert.match(ready.message, /files|objects|more than/);
    console.log(`  ${MANY} files: ${ready.reason}: ${ready.message.slice(0, 200)}`);
  }, 60_000);
  assert.deepEqual(await project.names("gitrepositories"), ["a", "main"]);
  assert.equal((await call("GET", "/readyz")).code, 200);
});

interface Project {
  readonly name: string;
  readonly folder: string;
  /** Commits files (absent: removed); `empty` commits although nothing may have changed. */
  push(files: Readonly<Record<string, string | undefined>>, also?: (folder: string) => Promise<void>, empty?: boolean): Promise<void>;
  sync(name: string, spec: object): Promise<void>;
  ready(sync?: string): Promise<{ readonly status: string; readonly reason: string; readonly message: string }>;
  readyIs(status: "True" | "False", sync?: string): Promise<{ readonly reason: string; readonly message: string }>;
  names(resource: string): Promise<readonly string[]>;
}

/** A project with a repository "main" that a Sync "main" applies as "delivery"; "strong" is an account that may do everything in it. */
async function newProject(
  files: Files,
  { role = "slipway:sync", path = ".", spec = {} }: { readonly role?: string; readonly path?: string; readonly spec?: object } = {},
): Promise<Project> {
  const name = `p${++projects}`;
  const folder = join(server.folder, name);
  await mkdir(folder);
  await git(folder, "init", "-q", "-b", "main");
  await make("/api/v1/namespaces", { metadata: { name } });
  for (const [account, of] of [
    ["delivery", role],
    ["strong", "cluster-admin"],
  ] as const) {
    await make(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: account } });
    await make(`${RBAC}/namespaces/${name}/rolebindings`, {
      metadata: { name: account },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: of },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: name }],
    });
  }
  await make(`/api/v1/namespaces/${name}/secrets`, { metadata: { name: "login" }, stringData: { password: "p" } });
  const project: Project = {
    name,
    folder,
    async push(changed, also, empty = false) {
      for (const [file, text] of Object.entries(changed)) {
        if (text === undefined) await rm(join(folder, file), { force: true });
        else {
          await mkdir(dirname(join(folder, file)), { recursive: true });
          await writeFile(join(folder, file), text);
        }
      }
      await also?.(folder);
      await git(folder, "add", "-A");
      await git(folder, "commit", "-q", "-m", "change", ...(empty ? ["--allow-empty"] : []));
    },
    async sync(called, spec) {
      await make(`${SLIPWAY}/namespaces/${name}/syncs`, {
        apiVersion: "slipway.dev/v1alpha1",
        kind: "Sync",
        metadata: { name: called },
        spec: { source: { repository: "main" }, serviceAccountName: "delivery", ...spec },
      });
    },
    async ready(sync = "main") {
      const { status } = await get(`${SLIPWAY}/namespaces/${name}/syncs/${sync}`);
      return status?.conditions?.find(({ type }: Json) => type === "Ready") ?? { status: "", reason: "", message: "" };
    },
    async readyIs(status, sync) {
      await eventually(async () => {
        const ready = await project.ready(sync);
        assert.equal(ready.status, status, `${ready.reason}: ${ready.message}`);
      });
      return project.ready(sync);
    },
    names: async (resource) => (await get(`${SLIPWAY}/namespaces/${name}/${resource}`)).items.map((item: Json) => item.metadata.name),
  };
  await project.push(files);
  await make(`${SLIPWAY}/namespaces/${name}/gitrepositories`, {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "GitRepository",
    metadata: { name: "main" },
    spec: { url: folder, interval: "200ms" },
  });
  await project.sync("main", { path, ...spec });
  return project;
}

async function git(folder: string, ...words: readonly string[]): Promise<void> {
  await run("git", ["-C", folder, "-c", "user.name=Jane", "-c", "user.email=jane@example.org", "-c", "commit.gpgsign=false", ...words]);
}

/** Through fast-import: no work tree, one pack. */
async function manyFiles(folder: string, count: number): Promise<void> {
  const text = repository("x");
  const lines = [
    `blob\nmark :1\ndata ${Buffer.byteLength(text)}\n${text}\n`,
    "commit refs/heads/main\ncommitter Jane <jane@example.org> 1700000000 +0000\ndata 4\nmany\nfrom refs/heads/main^0\n",
  ];
  for (let at = 0; at < count; at++) lines.push(`M 100644 :1 many/${Math.floor(at / 1000)}/f${at}.yaml\n`);
  const child = spawn("git", ["-C", folder, "fast-import", "--quiet"], { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(lines.join(""));
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
}

async function editorOf(namespace: string): Promise<string> {
  await make(`${SLIPWAY}/users`, { apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name: "eve" }, spec: {} });
  await make(`${RBAC}/namespaces/${namespace}/rolebindings`, {
    metadata: { name: "eve" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "User", name: "eve" }],
  });
  return (await make(`${SLIPWAY}/users/eve/token`, { apiVersion: "slipway.dev/v1alpha1", kind: "AccessTokenRequest", spec: {} })).status
    .token;
}

async function eventually(holds: () => Promise<void>, longestMs = 20_000): Promise<void> {
  const deadline = performance.now() + longestMs;
  for (;;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(60);
    }
  }
}

async function call(
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
  token = admin,
): Promise<{ readonly code: number; readonly body: Json }> {
  const typed =
    body === undefined ? headers : { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json", ...headers };
  const { code, text } = await sending.send({
    method,
    path,
    headers: Object.entries(typed),
    who: "admin",
    token,
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
  return { code, body: text.startsWith("{") ? JSON.parse(text) : text };
}

async function make(path: string, body: object): Promise<Json> {
  const { code, body: answer } = await call("POST", path, body);
  assert.ok(code < 300, `${path}: ${code} ${JSON.stringify(answer)}`);
  return answer;
}

async function get(path: string): Promise<Json> {
  const { code, body } = await call("GET", path);
  assert.equal(code, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}
