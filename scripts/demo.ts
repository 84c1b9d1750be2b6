// npm run demo: a server on a throw-away directory, a real Git repository, and what kubectl sees of it. `--keep` leaves it running.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const keep = process.argv.includes("--keep");

const place = await mkdtemp(join(tmpdir(), "slipway-demo-"));
// PostgreSQL never runs as root: its user passes through this folder.
await chmod(place, 0o711);
const [data, repository] = [join(place, "data"), join(place, "shop.git")];
const kubeconfig = join(data, "kubeconfig");
const kubectl = findKubectl();

let server: ChildProcess | undefined;
try {
  await demo();
} finally {
  if (keep && server !== undefined) leaveRunning();
  else await clear();
}

async function demo(): Promise<void> {
  say("A delivery repository, as anybody would have it");
  await cp(join(root, "examples/shop"), repository, { recursive: true });
  await git("init", "--quiet", "--initial-branch=main");
  await commit("The shop runs its first release everywhere");
  show(await git("log", "--oneline"));

  say("A Slipway server on an empty directory, with a PostgreSQL of its own");
  const [url, started] = await timed(startServer);
  show(`serving at ${url}, ready after ${seconds(started)}`);

  say("An administrator applies the project once");
  const setup = (await readFile(join(root, "examples/shop-setup.yaml"), "utf8")).replace(
    "https://git.example.org/shop/delivery.git",
    repository,
  );
  await writeFile(join(place, "setup.yaml"), setup);
  const [applied, first] = await timed(async () => {
    const said = await look("apply", "-f", join(place, "setup.yaml"));
    await until(async () => (await release("production")) === "shop-1f3a5c7e9b0d");
    return said;
  });
  show(applied);
  show(`the repository was applied ${seconds(first)} after that`);
  show(await look("get", "gitrepositories,syncs,releasebindings", "-n", "shop"));

  say("Somebody pushes: staging gets a newer release");
  await edit("staging", "1f3a5c7e9b0d", "77aa88bb99cc");
  const [, pushed] = await timed(async () => {
    await commit("shop 77aa88bb99cc to staging");
    await until(async () => (await release("staging")) === "shop-77aa88bb99cc");
  });
  show(`git push → applied: ${seconds(pushed)}`);

  say("Somebody changes production by hand; Git says otherwise, so it is put right");
  const [, healed] = await timed(async () => {
    await look(
      "patch",
      "releasebinding",
      "shop.production",
      "-n",
      "shop",
      "--type=merge",
      "-p",
      '{"spec":{"release":"shop-000000000000"}}',
    );
    await until(async () => (await release("production")) === "shop-1f3a5c7e9b0d");
  });
  show(`changed by hand → put right: ${seconds(healed)}`);

  say("Somebody pushes a file that is broken: nothing of that commit is applied, and the message says where");
  await edit("production", "  environment: production", "  enviroment: production");
  await edit("staging", "77aa88bb99cc", "ddeeff001122");
  await commit("oops");
  await until(async () => (await syncSays("status")) === "False");
  show(await syncSays("message"));
  show(`staging still runs ${await release("staging")}`);

  say("Repaired, everything goes on");
  await edit("production", "  enviroment: production", "  environment: production");
  const [, repaired] = await timed(async () => {
    await commit("repair");
    await until(async () => (await release("staging")) === "shop-ddeeff001122");
  });
  show(`repaired → applied: ${seconds(repaired)}`);
  show(await look("get", "syncs,releasebindings", "-n", "shop"));
  show(await look("get", "events", "-n", "shop", "--sort-by=.lastTimestamp"));
}

async function startServer(): Promise<string> {
  const child = spawn(join(root, "bin/slipway"), ["serve", "--data", data, "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: keep,
  });
  server = child;
  let [said, log] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr.on("data", (text: Buffer) => (log += text.toString()));
  await until(() => Promise.resolve(said.includes("serving at") || child.exitCode !== null), 60_000);
  const url = /serving at (\S+)/.exec(said)?.[1];
  if (url === undefined) throw new Error(`the server did not start:\n${log}`);
  return url;
}

async function release(environment: string): Promise<string> {
  return (
    await look("get", "releasebinding", `shop.${environment}`, "-n", "shop", "-o", "jsonpath={.spec.release}").catch(() => "")
  ).trim();
}

async function syncSays(what: "status" | "message"): Promise<string> {
  return (await look("get", "sync", "bindings", "-n", "shop", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].${what}}`)).trim();
}

async function look(...words: readonly string[]): Promise<string> {
  return (await run(kubectl, ["--kubeconfig", kubeconfig, ...words])).stdout;
}

async function git(...words: readonly string[]): Promise<string> {
  return (
    await run("git", [
      "-C",
      repository,
      "-c",
      "user.name=Jane Doe",
      "-c",
      "user.email=jane@example.org",
      "-c",
      "commit.gpgsign=false",
      ...words,
    ])
  ).stdout;
}

async function commit(message: string): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", message);
}

async function edit(environment: string, from: string, to: string): Promise<void> {
  const file = join(repository, "bindings", `shop.${environment}.yaml`);
  await writeFile(file, (await readFile(file, "utf8")).replace(from, to));
}

/** kubectl of this machine, or one that `npm test` has fetched. */
function findKubectl(): string {
  const fetched = ["1.35", "1.33", "1.31"].map((version) =>
    join(root, "node_modules/.cache/slipway-tools", `kubectl-${version}`, "kubectl"),
  );
  const installed = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "kubectl"));
  const found = [...fetched, ...installed].find((file) => existsSync(file));
  if (found === undefined)
    throw new Error("the demo shows what kubectl sees, and there is none: install kubectl, or run `npm run demo:tools` which fetches one");
  return found;
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const began = performance.now();
  const result = await work();
  return [result, performance.now() - began];
}

async function until(holds: () => Promise<boolean>, longest = 30_000): Promise<void> {
  const deadline = performance.now() + longest;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("the demo waited in vain; the last lines above say for what");
    await pause(50);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function say(what: string): void {
  console.log(`\n── ${what}`);
}

function show(text: string): void {
  console.log(text.trimEnd().replaceAll(/^/gm, "   "));
}

function leaveRunning(): void {
  console.log(
    `\nIt goes on running. Look around, and end it with the second line:\n   kubectl --kubeconfig ${kubeconfig} get all,gitrepositories,syncs -A\n   bin/slipway down --data ${data} && rm -r ${place}`,
  );
  server?.stdout?.destroy();
  server?.stderr?.destroy();
  server?.unref();
}

async function clear(): Promise<void> {
  if (server !== undefined) await run(join(root, "bin/slipway"), ["down", "--data", data]).catch(() => undefined);
  await rm(place, { recursive: true, force: true });
}
