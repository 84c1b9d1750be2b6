import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { accessSync, constants, closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { releaseBindingKind } from "../../src/api/kinds/release-binding.ts";
import { structuralSchema } from "./structural-schema.ts";
import type { Server } from "./run-load.ts";

const READY_WITHIN_MS = 60_000;

/** A Kubernetes API server on an etcd, fresh, with the ReleaseBinding as a custom resource; undefined where the two programs are not on PATH. */
export async function kubernetes(): Promise<Server | undefined> {
  const [apiserver, etcd] = [onPath("kube-apiserver"), onPath("etcd")];
  if (apiserver === undefined || etcd === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "slipway-peer-"));
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    for (const child of children.splice(0).reverse()) await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return await started(folder, { apiserver, etcd }, children, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function started(
  folder: string,
  programs: { readonly apiserver: string; readonly etcd: string },
  children: ChildProcess[],
  close: () => Promise<void>,
): Promise<Server> {
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString("hex");
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  await writeFile(join(folder, "tokens.csv"), `${token},admin,admin-uid,"system:masters"\n`, { mode: 0o600 });
  await writeFile(join(folder, "sa.key"), keys.privateKey, { mode: 0o600 });
  await writeFile(join(folder, "sa.pub"), keys.publicKey);
  const [clients, peers] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  children.push(
    start(folder, programs.etcd, [
      "--name=default",
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=default=${peers}`,
      "--log-level=warn",
    ]),
    start(folder, programs.apiserver, [
      `--etcd-servers=${clients}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${secure}`,
      `--cert-dir=${join(folder, "certs")}`,
      `--token-auth-file=${join(folder, "tokens.csv")}`,
      "--authorization-mode=RBAC",
      "--anonymous-auth=false",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${join(folder, "sa.pub")}`,
      `--service-account-signing-key-file=${join(folder, "sa.key")}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      "--endpoint-reconciler-type=none",
    ]),
  );
  const url = `https://127.0.0.1:${secure}`;
  const authority = await untilReady(folder, children, url, token);
  const pids = children.map(({ pid }) => pid ?? 0);
  const server: Server = { name: "kube-apiserver + etcd", url, token, authority, pids: () => pids, close };
  await defineReleaseBinding(server);
  return server;
}

function start(folder: string, program: string, options: readonly string[]): ChildProcess {
  const log = openSync(join(folder, "log"), "a");
  try {
    return spawn(program, options, { cwd: folder, stdio: ["ignore", log, log] });
  } finally {
    closeSync(log);
  }
}

async function untilReady(folder: string, children: readonly ChildProcess[], url: string, token: string): Promise<string> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline && children.every(({ exitCode }) => exitCode === null)) {
    const authority = await readFile(join(folder, "certs/apiserver.crt"), "utf8").catch(() => "");
    if (authority !== "" && (await statusOf({ url, token, authority }, "GET", "/readyz")) === 200) return authority;
    await pause(250);
  }
  throw new Error(`the peer did not become ready:\n${(await readFile(join(folder, "log"), "utf8")).slice(-3000)}`);
}

async function defineReleaseBinding(server: Server): Promise<void> {
  const { kind, resource, singular, shortNames, schema } = releaseBindingKind;
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${resource}.slipway.dev` },
    spec: {
      group: "slipway.dev",
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural: resource, singular, shortNames },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: structuralSchema(schema) },
        },
      ],
    },
  };
  const code = await statusOf(server, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  if (code !== 201) throw new Error(`the peer answered ${code} to the definition of ReleaseBinding`);
  const deadline = performance.now() + READY_WITHIN_MS;
  while ((await statusOf(server, "GET", "/apis/slipway.dev/v1alpha1/releasebindings")) !== 200) {
    if (performance.now() > deadline) throw new Error("the peer does not serve ReleaseBindings");
    await pause(100);
  }
}

/** The code of the answer; 0 where none came. */
export async function statusOf(
  { url, token, authority }: Pick<Server, "url" | "token" | "authority">,
  method: string,
  path: string,
  body?: object,
): Promise<number> {
  const agent = new Agent({ ca: authority });
  const asked = request(new URL(path, url), {
    agent,
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
  });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  try {
    const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream & { readonly statusCode: number }]; // what the event carries
    response.resume();
    await once(response, "end");
    return response.statusCode;
  } catch {
    return 0;
  } finally {
    agent.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  server.close();
  await once(server, "close");
  return port;
}

function onPath(program: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exit;
  clearTimeout(hard);
}
