import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { readOperations, type Operation } from "../fixtures/fuzz/operations.ts";
import { requestFor, type FuzzRequest } from "../fixtures/fuzz/requests.ts";
import { seeded } from "../fixtures/fuzz/random.ts";
import { sender, type Received, type Sender } from "../fixtures/fuzz/send.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

// A run is replayed by SLIPWAY_FUZZ_SEED=<seed> [SLIPWAY_FUZZ_ONLY=<number of one request>].
const seed = Number(process.env["SLIPWAY_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const only = process.env["SLIPWAY_FUZZ_ONLY"] === undefined ? undefined : Number(process.env["SLIPWAY_FUZZ_ONLY"]);
const count = Number(process.env["SLIPWAY_FUZZ_COUNT"] ?? (process.env["SLIPWAY_TEST_FULL"] === undefined ? 8_000 : 100_000));
const WIDTH = 12;
const LONGEST_MS = 10_000;
const MOST_GROWTH_MB = 500;

/** JSON of an answer, for looking into. */
type Json = ReturnType<typeof JSON.parse>;

let server: RunningServer;
let send: Sender;
let admin = "";
let member = "";
let operations: readonly Operation[];

before(async () => {
  server = await runningServer();
  const config = JSON.parse(await readFile(server.kubeconfig, "utf8"));
  admin = config.users[0].user.token;
  send = sender(server.url, Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString("utf8"), LONGEST_MS);
  operations = await readOperations((path) => asAdmin("GET", path));
  member = await prepare();
});
after(async () => {
  send.close();
  await server.close();
});

test(`${count} generated requests: no 500, no hang, every error a Status with a message, the process lives within its memory`, async () => {
  console.log(`  fuzz seed ${seed}, ${count} requests over ${operations.length} operations`);
  const began = performance.now();
  const before = await memoryMb();
  const codes = new Map<number, number>();
  const wrong: string[] = [];
  let next = 0;
  let peak = before;
  const worker = async (): Promise<void> => {
    while (next < count && wrong.length < 25) {
      const number = next++;
      if (only !== undefined && number !== only) continue;
      const request = requestFor(operations, seeded(seed * 1_000_003 + number));
      const received = await send.send({ ...request, token: tokenOf(request) });
      codes.set(received.code, (codes.get(received.code) ?? 0) + 1);
      if (process.env["SLIPWAY_FUZZ_TALLY"] !== undefined && received.code >= 400) tally(received);
      const fault = faultOf(request, received);
      if (fault !== undefined) wrong.push(`#${number} ${fault}\n      ${shown(request)}\n      ${received.text.slice(0, 400)}`);
      if (number % 1000 === 999) {
        peak = Math.max(peak, await memoryMb());
        const still = await asAdmin("GET", "/api/v1/namespaces/default");
        if (still["kind"] !== "Namespace")
          wrong.push(`#${number} the administrator cannot read any more: ${JSON.stringify(still).slice(0, 300)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  peak = Math.max(peak, await memoryMb());
  const told = [...codes]
    .sort(([a], [b]) => a - b)
    .map(([code, times]) => `${code}: ${times}`)
    .join(", ");
  console.log(`  ${next} requests in ${((performance.now() - began) / 1000).toFixed(1)} s; ${told}; memory ${before} → ${peak} MB`);
  assert.ok(wrong.length === 0, `seed ${seed}: ${wrong.length} faults\n    ${wrong.join("\n    ")}`);
  const health = await send.send({ method: "GET", path: "/readyz", headers: [], who: "nobody", token: "" });
  assert.equal(health.code, 200, "the server is ready after all that");
  assert.ok(peak - before < MOST_GROWTH_MB, `memory grew from ${before} to ${peak} MB`);
  const log = await server.log();
  assert.ok(
    !/nobody foresaw|unhandled|uncaught/i.test(log),
    `the log tells of an unforeseen error: ${/.*(nobody foresaw|unhandled|uncaught).*/i.exec(log)?.[0].slice(0, 1500) ?? ""}`,
  );
  for (const [message, times] of [...said].sort(([, a], [, b]) => b - a).slice(0, 60)) console.log(`  ${times} × ${message}`);
  if (only === undefined) {
    assert.ok(
      (codes.get(200) ?? 0) + (codes.get(201) ?? 0) > count / 20,
      "enough requests are good ones that the fuzz reaches what lies behind validation",
    );
    assert.ok((codes.get(422) ?? 0) > count / 200 && (codes.get(401) ?? 0) > count / 200 && (codes.get(403) ?? 0) > count / 200);
  }
});

const said = new Map<string, number>();
function tally({ code, text }: Received): void {
  const message = `${code} ${/"message":"((?:[^"\\\\]|\\\\.){0,70})/.exec(text)?.[1] ?? ""}`;
  said.set(message, (said.get(message) ?? 0) + 1);
}

function tokenOf({ who }: FuzzRequest): string {
  switch (who) {
    case "admin":
      return admin;
    case "member":
      return member;
    case "nobody":
      return "";
    case "garbage":
      return "slp_abc_0000000000000000000000000000000000000000000";
  }
}

/** What is wrong with an answer, whatever was asked. */
function faultOf(request: FuzzRequest, { code, text, contentType, problem, isWatch }: Received): string | undefined {
  if (problem !== undefined) return problem;
  if (code >= 500 && !isMeant(request, code, text)) return `answered ${code}`;
  const path = request.path.split("?")[0] ?? "";
  const isOpen = /^\/(healthz|livez|readyz|hooks)(\/|$)/.test(path);
  if (request.who === "nobody" && code < 400 && !isOpen) return `answered ${code} to nobody`;
  if (code < 400 || request.method === "HEAD" || isWatch || isOpen) return undefined;
  if (!contentType.startsWith("application/json")) return `an error ${code} as ${contentType}`;
  try {
    const status = JSON.parse(text);
    const isRight =
      status.kind === "Status" &&
      status.status === "Failure" &&
      status.code === code &&
      typeof status.message === "string" &&
      status.message !== "";
    return isRight ? undefined : `an error ${code} that is no Status with a message`;
  } catch {
    return `an error ${code} that is no JSON`;
  }
}

/** "Too large resource version" is a 504 of Kubernetes; who tries very many unknown tokens is told to wait. */
function isMeant({ method }: FuzzRequest, code: number, text: string): boolean {
  if (method === "HEAD") return code === 503 || code === 504;
  return (code === 504 && text.includes("Too large resource version")) || (code === 503 && text.includes("too many unknown tokens"));
}

const shown = ({ method, path, headers, body, who }: FuzzRequest): string =>
  `${who}: ${method} ${path.slice(0, 600)} ${JSON.stringify(headers).slice(0, 400)} ${body === undefined ? "" : JSON.stringify(body.toString("latin1").slice(0, 1200))}`;

/** Something to meet: projects, a member, and objects of the names that are asked for. */
async function prepare(): Promise<string> {
  for (const name of ["shop", "b"]) await asAdmin("POST", "/api/v1/namespaces", { metadata: { name } });
  await asAdmin("POST", "/apis/slipway.dev/v1alpha1/users", {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "User",
    metadata: { name: "mia" },
    spec: {},
  });
  await asAdmin("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", {
    metadata: { name: "mia" },
    roleRef: { kind: "ClusterRole", name: "admin", apiGroup: "rbac.authorization.k8s.io" },
    subjects: [{ kind: "User", name: "mia", apiGroup: "rbac.authorization.k8s.io" }],
  });
  const made = await asAdmin("POST", "/apis/slipway.dev/v1alpha1/users/mia/token", {
    apiVersion: "slipway.dev/v1alpha1",
    kind: "AccessTokenRequest",
    spec: {},
  });
  const token = made["status"]?.token;
  assert.equal(typeof token, "string", JSON.stringify(made));
  return token;
}

async function asAdmin(method: string, path: string, body?: object): Promise<Record<string, Json>> {
  const headers: [string, string][] = [["content-type", "application/json"]];
  const { text } = await send.send({
    method,
    path,
    headers: body === undefined ? [] : headers,
    who: "admin",
    token: admin,
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
  return JSON.parse(text);
}

async function memoryMb(): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(server.pid())]);
  return Math.round(Number(stdout) / 1024);
}
