import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";
import type { LoadTarget } from "./load.ts";
import type { Server } from "./run-load.ts";

const root = join(import.meta.dirname, "../..");
let bundled: Promise<string> | undefined;

/** dist/bin.js as it is published, built once from the sources as they are. */
export function bundle(): Promise<string> {
  bundled ??= promisify(execFile)(process.execPath, [join(root, "scripts/bundle.ts")]).then(() => join(root, "dist/bin.js"));
  return bundled;
}

/** A fresh server of a bundle, with what a load needs to know of it. */
export interface BenchedServer extends Server {
  readonly running: RunningServer;
}

/** Starts a fresh server of the bundle `bin` in a directory of its own. */
export async function slipway(name: string, bin: string): Promise<BenchedServer> {
  const running = await runningServer({ program: [process.execPath, ...nodeOptions(), bin] });
  const { token, authority } = await readKubeconfig(running.kubeconfig);
  return { name, url: running.url, token, authority, running, pids: () => [running.pid()], close: () => running.close() };
}

/** For a profile of one run, such as `--cpu-prof --cpu-prof-dir=/tmp/profile`; separated by blanks. */
const nodeOptions = (): readonly string[] => (process.env["SLIPWAY_BENCH_NODE_OPTIONS"] ?? "").split(" ").filter((option) => option !== "");

/** Where a kubeconfig points, with its first cluster and its first user's token. */
export async function readKubeconfig(file: string): Promise<LoadTarget> {
  const { clusters, users } = parse(await readFile(file, "utf8")) as Kubeconfig; // written by the server or by this bench a moment ago
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (cluster === undefined || user === undefined) throw new Error(`${file} names no cluster or no user`);
  const authority = Buffer.from(cluster["certificate-authority-data"], "base64").toString("utf8");
  return { url: cluster.server, token: user.token, authority };
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } }[];
  readonly users: readonly { readonly user: { readonly token: string } }[];
}
