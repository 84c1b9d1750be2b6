import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { clientConfig, socketIn } from "../../src/adapters/postgres/server/settings.ts";
import { catalog } from "../../src/api/catalog.ts";
import { sender, type Received, type Sender } from "../fixtures/fuzz/send.ts";
import { testDatabase } from "../fixtures/postgres.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

const run = promisify(execFile);
const SLIPWAY = "/apis/slipway.dev/v1alpha1";
const SECRETS = "/api/v1/namespaces/shop/secrets";
const YAML = "application/apply-patch+yaml";

let server: RunningServer;
let sending: Sender;
let silent: Server;
let admin = "";
/** What was planted, by where it was planted. Each is found in no other text. */
const planted = new Map<string, string>();
/** Every answer that was not asked for a secret. */
const answers: string[] = [];
const commandLines = new Set<string>();
const sockets = new Set<Socket>();

before(async () => {
  server = await runningServer();
  const config = JSON.parse(await readFile(server.kubeconfig, "utf8"));
  admin = config.users[0].user.token;
  planted.set("the administrator's token", admin.split("_")[2] ?? "");
  sending = sender(server.url, Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString("utf8"), 10_000);
  silent = createServer((socket) => void sockets.add(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
  await plantAll();
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  sending.close();
  await server.close();
});

/** A text of letters and digits that says what it is, so that it survives every encoding of URLs, JSON and YAML. */
function plant(where: string): string {
  const value = `PLANTED${planted.size}x${Array.from({ length: 24 }, () => Math.floor(Math.random() * 36).toString(36)).join("")}`;
  planted.set(where, value);
  return value;
}

async function plantAll(): Promise<void> {
  await call("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  await plantInSecrets();
  await plantInErrors();
  await plantInTokens();
  await plantInRepositories();
}

async function plantInSecrets(): Promise<void> {
  const encoded = (where: string): string => Buffer.from(plant(where)).toString("base64");
  await call("POST", SECRETS, {
    metadata: { name: "a" },
    data: { a: encoded("data of a create") },
    stringData: { b: plant("stringData of a create") },
  });
  await call("PATCH", `${SECRETS}/a`, { data: { c: encoded("a merge patch") } }, "application/merge-patch+json");
  await call("PATCH", `${SECRETS}/a`, { stringData: { d: plant("a strategic merge patch") } }, "application/strategic-merge-patch+json");
  await call("PATCH", `${SECRETS}/a`, [{ op: "add", path: "/data/e", value: encoded("a JSON patch") }], "application/json-patch+json");
  await call(
    "PATCH",
    `${SECRETS}/a?fieldManager=one&force=true`,
    `apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {f: ${plant("an apply")}}\n`,
    YAML,
  );
  const copy = plant("the annotation of kubectl apply");
  await call("POST", SECRETS, {
    metadata: {
      name: "copied",
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify({ stringData: { a: copy } }) },
    },
    stringData: { a: copy },
  });
  await call("DELETE", `${SECRETS}/copied`);
  await call("POST", SECRETS, { metadata: { name: "fixed" }, immutable: true, stringData: { a: plant("an immutable Secret") } });
  // large enough to be kept apart and compressed by PostgreSQL
  await call("POST", SECRETS, { metadata: { name: "large" }, stringData: { a: `${plant("a large Secret")} ${"abc ".repeat(20_000)}` } });
}

/** Requests that are refused for something beside, at or in the secret. */
async function plantInErrors(): Promise<void> {
  const refused: readonly (readonly [string, string, string, unknown, string?])[] = [
    ["POST", SECRETS, "no base64", { metadata: { name: "x" }, data: { a: `${plant("data that is no base64")}!` } }],
    ["POST", SECRETS, "a number", { metadata: { name: "x" }, data: { a: [plant("data that is a list")] } }],
    ["POST", SECRETS, "a map", { metadata: { name: "x" }, stringData: { a: { b: plant("stringData that is a map") } } }],
    ["POST", SECRETS, "a text", { metadata: { name: "x" }, stringData: plant("stringData that is a text") }],
    ["POST", `${SECRETS}?fieldValidation=Strict`, "unknown", { metadata: { name: "x" }, stringdata: { a: plant("an unknown field") } }],
    [
      "POST",
      `${SECRETS}?fieldValidation=Strict`,
      "twice",
      `{"metadata":{"name":"x"},"stringData":{"a":"1","a":"${plant("a field that is there twice")}"}}`,
    ],
    ["POST", SECRETS, "no JSON", `{"stringData": {"a": ${plant("broken JSON")}}}`],
    ["POST", SECRETS, "cut", `{"stringData": {"a": "${plant("JSON that ends early")}`],
    ["POST", SECRETS, "no YAML", `stringData:\n  a: "${plant("broken YAML")}\n b: ][`, "application/yaml"],
    ["POST", SECRETS, "YAML list", `stringData: {a: ${plant("broken flow YAML")}, b: [}`, "application/yaml"],
    ["POST", SECRETS, "no name", { stringData: { a: plant("a Secret without a name") } }],
    ["POST", SECRETS, "bad name", { metadata: { name: "A B" }, stringData: { a: plant("a Secret with a bad name") } }],
    ["POST", SECRETS, "there already", { metadata: { name: "a" }, stringData: { a: plant("a Secret that is there already") } }],
    [
      "PATCH",
      `${SECRETS}/fixed`,
      "immutable",
      { stringData: { a: plant("a change of an immutable Secret") } },
      "application/merge-patch+json",
    ],
    [
      "PATCH",
      `${SECRETS}/a`,
      "test fails",
      [{ op: "test", path: "/data/a", value: plant("the test of a JSON patch") }],
      "application/json-patch+json",
    ],
    [
      "PATCH",
      `${SECRETS}/a?fieldManager=two`,
      "conflict",
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "a" },
        data: { a: Buffer.from(plant("an apply that conflicts")).toString("base64") },
      },
      YAML,
    ],
    [
      "POST",
      "/api/v1/namespaces/gone/secrets",
      "no namespace",
      { metadata: { name: "x" }, stringData: { a: plant("a Secret for a project that is not there") } },
    ],
    [
      "POST",
      SECRETS,
      "too large",
      { metadata: { name: "x" }, stringData: { a: plant("a Secret that is too large"), b: "y".repeat(300_000) } },
    ],
    [
      "POST",
      SECRETS,
      "protobuf",
      Buffer.from(`k8s\0\n${plant("what is no protobuf")}`).toString("latin1"),
      "application/vnd.kubernetes.protobuf",
    ],
    [
      "POST",
      `${SLIPWAY}/namespaces/shop/gitrepositories`,
      "URL",
      own("GitRepository", { metadata: { name: "u" }, spec: { url: `https://u:${plant("a URL with a password")}@git.example/a.git` } }),
    ],
    [
      "POST",
      `${SLIPWAY}/namespaces/shop/gitrepositories`,
      "ssh",
      own("GitRepository", { metadata: { name: "u" }, spec: { url: `ssh://u:${plant("an ssh URL with a password")}@git.example/a.git` } }),
    ],
    [
      "POST",
      `${SLIPWAY}/namespaces/shop/gitrepositories`,
      "bad URL",
      own("GitRepository", { metadata: { name: "u" }, spec: { url: `ftp://u:${plant("a URL of another kind")}@git.example/a.git` } }),
    ],
    ["GET", `/apis/x?token=${plant("a token in a query")}`, "query", undefined],
  ];
  for (const [method, path, name, body, type] of refused) {
    const { code } = await call(method, path, body, type ?? "application/json", admin, [400, 422]);
    assert.ok(code >= 400, `${name} is refused: ${code} ${answers.at(-1) ?? ""} ${JSON.stringify(body)}`);
  }
}

async function plantInTokens(): Promise<void> {
  for (const token of [`slp_abc_${plant("an unknown token")}`, plant("a token of another form"), `${admin}${plant("a token with a tail")}`])
    await call("GET", "/api/v1/namespaces", undefined, "", token, [400]);
  await call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    spec: { token: plant("the token of a TokenReview") },
  });
  await call("POST", "/api/v1/namespaces/shop/serviceaccounts", { metadata: { name: "delivery" } });
  const issued = await send("POST", "/api/v1/namespaces/shop/serviceaccounts/delivery/token", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {},
  });
  const token = String(JSON.parse(issued.text).status.token);
  planted.set("a token that was issued", token.split("_")[2] ?? "");
  await call("GET", "/version", undefined, "", token);
}

async function plantInRepositories(): Promise<void> {
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await call("POST", SECRETS, {
    metadata: { name: "login" },
    stringData: { username: plant("a git user name"), password: plant("a git password") },
  });
  await call("POST", SECRETS, { metadata: { name: "hook" }, stringData: { token: plant("a webhook token") } });
  await call("POST", SECRETS, {
    metadata: { name: "key" },
    stringData: {
      identity: `-----BEGIN OPENSSH PRIVATE KEY-----\n${plant("an ssh key")}\n-----END OPENSSH PRIVATE KEY-----\n`,
      known_hosts: "git.example ssh-ed25519 AAAA",
    },
  });
  // One that answers nothing, so that Git can be watched while it tries, one that refuses, and one by ssh.
  for (const [name, spec] of [
    ["silent", { url: `https://127.0.0.1:${port}/a.git`, secretRef: { name: "login" }, webhook: { secretRef: { name: "hook" } } }],
    ["closed", { url: "https://127.0.0.1:1/a.git", secretRef: { name: "login" } }],
    ["shell", { url: "ssh://git@127.0.0.1:1/a.git", secretRef: { name: "key" } }],
  ] as const)
    await call("POST", `${SLIPWAY}/namespaces/shop/gitrepositories`, own("GitRepository", { metadata: { name }, spec }));
  for (let at = 0; at < 60; at++) {
    await noteCommandLines();
    await pause(25);
  }
  for (const token of [planted.get("a webhook token") ?? "", plant("a wrong webhook token")])
    await call("POST", "/hooks/git/shop/silent", {}, "application/json", token);
  await plantInGit();
}

/** Files that hold secrets, and are broken beside or in them. */
async function plantInGit(): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    "good/a.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: from-git}\nstringData: {a: ${plant("a Secret in Git")}}\n`,
    "base64/a.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: b}\ndata: {a: "${plant("a Secret in Git that is no base64")}!"}\n`,
    "yaml/a.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: c}\nstringData:\n  a: "${plant("a Secret in Git in broken YAML")}\n b: ][\n`,
    "unknown/a.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: d}\nstringdata: {a: ${plant("a Secret in Git with an unknown field")}}\n`,
    "list/a.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: e}\nstringData: {a: [${plant("a Secret in Git that is a list")}]}\n`,
    "json/a.json": `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"f"},"stringData":{"a":${plant("a Secret in Git in broken JSON")}}}`,
  };
  const repository = join(server.folder, "repository");
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(repository, name, ".."), { recursive: true });
    await writeFile(join(repository, name), text);
  }
  const git = (...words: string[]) =>
    run("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false", ...words]);
  await git("init", "-q", "-b", "main");
  await git("add", "-A");
  await git("commit", "-q", "-m", "secrets");
  await call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", {
    metadata: { name: "delivery" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "ServiceAccount", name: "delivery", namespace: "shop" }],
  });
  await call(
    "POST",
    `${SLIPWAY}/namespaces/shop/gitrepositories`,
    own("GitRepository", { metadata: { name: "git" }, spec: { url: repository } }),
  );
  const folders = Object.keys(files).map((file) => file.split("/")[0] ?? "");
  for (const path of folders)
    await call(
      "POST",
      `${SLIPWAY}/namespaces/shop/syncs`,
      own("Sync", { metadata: { name: path }, spec: { path, source: { repository: "git" }, serviceAccountName: "delivery" } }),
    );
  for (const path of folders) await settled(path);
}

async function settled(name: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { text } = await call("GET", `${SLIPWAY}/namespaces/shop/syncs/${name}`);
    const conditions: readonly { type: string; status: string }[] = JSON.parse(text).status?.conditions ?? [];
    if (conditions.some(({ type, status }) => (type === "Ready" && status === "True") || (type === "Stalled" && status === "True"))) return;
    await pause(50);
  }
  throw new Error(`the Sync ${name} did not come to an end`);
}

test("no answer that was not asked for a secret holds one: errors, lists, tables, metadata, events, metrics, audit", async () => {
  for (const kind of catalog.kinds) {
    if (kind.verbs?.includes("list") === false) continue;
    const path = `${kind.group === "" ? "/api" : `/apis/${kind.group}`}/${kind.version}/${kind.resource}`;
    // The values of a Secret are what is asked for when it is read; everything else of it may be shown.
    if (kind.resource !== "secrets") await call("GET", path);
    for (const as of ["Table", "PartialObjectMetadataList"]) {
      const { code, text } = await send("GET", `${path}?includeObject=${as === "Table" ? "None" : "Metadata"}`, undefined, "", admin, [
        ["accept", `application/json;as=${as};v=v1;g=meta.k8s.io`],
      ]);
      assert.equal(code, 200, `${path} ${text}`);
      answers.push(`${path} as ${as}: ${text}`);
    }
  }
  for (const path of ["/metrics", "/openapi/v3", "/readyz?verbose"]) await call("GET", path);
  assert.ok(answers.length > 60);
  assertNowhere("an answer", answers);
});

test("no log, no event, no table of the database holds a secret that is not sealed", async () => {
  assertNowhere("the log", [await server.log()]);
  const postgres = join(server.data, "postgres");
  const address = socketIn(join(postgres, "run"));
  assert.ok(address);
  const client = new pg.Client(clientConfig(address, (await readFile(join(postgres, "password"), "utf8")).trim()));
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ schema: string; name: string }>(
      "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    );
    assert.ok(tables.some(({ name }) => name === "records"));
    let rows = 0;
    for (const { schema, name } of tables) {
      const found = await client.query<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM "${schema}"."${name}" t`);
      rows += found.rows.length;
      assertNowhere(
        `the table ${name}`,
        found.rows.map(({ row }) => row),
      );
    }
    assert.ok(rows > 200, `${rows} rows were looked through`);
    await client.query("CHECKPOINT");
  } finally {
    await client.end();
  }
});

test("no file on disk holds a secret in the clear, write-ahead log and Git mirrors included", async () => {
  // While Git logs in, its password lies in a file of its own (0600), which goes when Git has ended.
  for (const name of ["silent", "closed", "shell"])
    await call("PATCH", `${SLIPWAY}/namespaces/shop/gitrepositories/${name}`, { spec: { suspend: true } }, "application/merge-patch+json");
  silent.close();
  for (const socket of sockets) socket.destroy();
  for (let tries = 0; (await filesIn(join(server.data, "git/secrets"))).length > 0; tries++) {
    assert.ok(tries < 200, "the files with passwords are gone when Git has ended");
    await pause(100);
  }
  const files = await filesIn(server.data);
  assert.ok(files.some((file) => file.includes("pg_wal")) && files.some((file) => file.includes("/git/")));
  const own = new Set(["kubeconfig", "master.key", "postgres/password"]);
  for (const file of files) {
    if (own.has(relative(server.data, file))) continue;
    const bytes = await readFile(file).catch(() => Buffer.alloc(0)); // gone meanwhile: PostgreSQL's own
    // A mirror holds what the repository holds, as Git objects; its configuration must hold nothing.
    assertNowhere(relative(server.data, file), [bytes.toString("latin1")]);
  }
  const key = await readFile(join(server.data, "master.key"));
  for (const form of [key.toString("latin1"), key.toString("hex"), key.toString("base64"), key.toString("base64url")])
    for (const file of files)
      if (!file.endsWith("master.key"))
        assert.ok(
          !(await readFile(file).catch(() => Buffer.alloc(0))).includes(Buffer.from(form, "latin1")),
          `the master key is in ${file}`,
        );
});

test(
  "no process shows a secret in its arguments",
  { skip: existsSync("/proc/self/cmdline") ? false : "there is no /proc here" },
  async () => {
    await noteCommandLines();
    assert.ok(
      [...commandLines].some((line) => line.includes("git") && line.includes("127.0.0.1")),
      "Git was seen at work",
    );
    const password = (await readFile(join(server.data, "postgres/password"), "utf8")).trim();
    assert.ok(![...commandLines].some((line) => line.includes(password)), "the password of PostgreSQL");
    assertNowhere("the arguments of a process", [...commandLines]);
  },
);

test(
  "the password of DATABASE_URL is in no log and no argument, whether the database answers or not",
  { skip: existsSync("/proc/self/cmdline") ? false : "there is no /proc here" },
  async () => {
    const password = plant("the password of DATABASE_URL");
    // The server gives a database half a minute to come up.
    if (process.env["SLIPWAY_TEST_FULL"] !== undefined)
      await assert.rejects(runningServer({ environment: { DATABASE_URL: `postgres://u:${password}@127.0.0.1:1/x` } }), (error: Error) => {
        assertNowhere("the error of a start", [String(error), String(error.cause)]);
        return true;
      });
    const database = await testDatabase();
    try {
      const other = await runningServer({
        environment: { DATABASE_URL: database.connectionString.replace("slipway@", `slipway:${password}@`) },
      });
      try {
        await noteCommandLines();
        assertNowhere("the log", [await other.log()]);
        assertNowhere("the arguments of a process", [...commandLines]);
        for (const file of await filesIn(other.data)) assertNowhere(relative(other.data, file), [await readFile(file, "latin1")]);
      } finally {
        await other.close();
      }
    } finally {
      await database.drop();
    }
  },
);

/** Looks for each planted text as it is, in base64 as it stands in the data of a Secret, in hex, and backwards encoded in JSON. */
function assertNowhere(where: string, texts: readonly string[]): void {
  const hits: string[] = [];
  for (const [what, value] of planted) {
    // The last letters of base64 depend on what follows; those before them do not.
    const forms = [value, Buffer.from(value).toString("base64").slice(0, -4), Buffer.from(value).toString("hex")];
    for (const text of texts) {
      const form = forms.find((one) => text.includes(one));
      if (form === undefined) continue;
      const at = text.indexOf(form);
      hits.push(`${what} is in ${where}: …${text.slice(Math.max(0, at - 150), at + 60)}…`);
      break;
    }
  }
  assert.ok(hits.length === 0, hits.join("\n"));
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function noteCommandLines(): Promise<void> {
  if (!existsSync("/proc/self/cmdline")) return;
  for (const pid of await readdir("/proc"))
    if (/^\d+$/.test(pid)) commandLines.add((await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " "));
}

/** Its answer is kept to be looked through, but where it is what was asked for: the Secret itself. */
async function call(
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
  token = admin,
  refusals: readonly number[] = [],
): Promise<Received> {
  const received = await send(method, path, body, type, token);
  assert.ok(received.code < 500, `${method} ${path}: ${received.code} ${received.text}`);
  if (refusals.length === 0 && token === admin) assert.ok(received.code < 300, `${method} ${path}: ${received.code} ${received.text}`);
  if (received.code >= 400 || !path.startsWith(SECRETS)) answers.push(`${method} ${path.split("?")[0] ?? ""}: ${received.text}`);
  return received;
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
  token = admin,
  more: readonly (readonly [string, string])[] = [],
): Promise<Received> {
  const payload =
    body === undefined
      ? undefined
      : Buffer.from(typeof body === "string" ? body : JSON.stringify(body), type.includes("protobuf") ? "latin1" : "utf8");
  const headers = [...more, ...(payload === undefined ? [] : [["content-type", type] as const])];
  return sending.send({ method, path, headers, who: "admin", token, ...(payload === undefined ? {} : { body: payload }) });
}

function own(kind: string, rest: object): object {
  return { apiVersion: "slipway.dev/v1alpha1", kind, ...rest };
}
