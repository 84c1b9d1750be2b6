import { spawn } from "node:child_process";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Log } from "../../../ports/log.ts";
import { PortError } from "../../../ports/port-error.ts";
import type { Binaries } from "./binaries.ts";
import type { Cluster } from "./cluster.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import type { PostmasterFile } from "./postmaster-file.ts";
import { isServerOf, leftBehind, processState } from "./process-state.ts";
import { identity, plainEnvironment, runAs } from "./run-as.ts";
import type { SystemUser } from "./run-as.ts";
import type { ServerLog } from "./server-log.ts";
import { clientConfig, serverArguments, superuser } from "./settings.ts";
import type { Address } from "./settings.ts";
import { explainStartFailure } from "./start-failure.ts";
import type { StartFailure } from "./start-failure.ts";

/** All that is needed to start, adopt or end the server of one data folder. The caller holds the lock of the data directory. */
export interface Site {
  /** As PostgreSQL sees it: without links. */
  readonly data: string;
  readonly cluster: Cluster;
  readonly binaries: Binaries;
  readonly user: SystemUser | undefined;
  readonly password: string;
  readonly output: ServerLog;
  readonly log: Log;
}

/** A server that answered, and was asked who it is. */
export interface Running {
  readonly pid: number;
  readonly address: Address;
  readonly adopted: boolean;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
}

const pollMs = 10;
const slowPollMs = 250;

/** How long each thing may take, in milliseconds of the monotonic clock: a jump of the wall clock changes nothing here. */
const limits = {
  zombie: process.platform === "linux" ? 500 : 3000,
  unclear: 3000,
  backends: 1000,
  passing: 20_000,
  stop: 30_000,
  stopNow: 10_000,
  start: 600_000,
} as const;

/**
 * Finds the server that an earlier control plane left, waiting while it starts or stops; undefined when there is none. A `postmaster.pid` that is proven
 * stale and would keep a new server from starting is moved aside; it is never deleted.
 */
export async function adopt(site: Site, signal: AbortSignal): Promise<Running | undefined> {
  const begun = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const waited = performance.now() - begun;
    const file = await readPostmasterFile(site.data);
    const finding = await look(site, file);
    switch (finding) {
      case "none":
        return undefined;
      case "stale":
        return setAside(site);
      case "zombie":
      case "unreadable":
        if (waited > limits.zombie && (await leftBehind(site.data)).length === 0) return setAside(site);
        break;
      case "unclear":
        if (waited > limits.unclear) throw unclear(site, file);
        break;
      case "busy":
        if (waited > limits.start) throw unclear(site, file);
        break;
      case "ready": {
        const running = await adopted(site, file);
        if (running !== undefined) return running;
        if (waited > limits.unclear) throw unclear(site, file);
      }
    }
    await sleep(waited < 1000 ? pollMs * 2 : slowPollMs, undefined, { signal });
  }
}

type Finding = "none" | "stale" | "zombie" | "unreadable" | "unclear" | "busy" | "ready";

async function look(site: Site, file: PostmasterFile | "absent" | "unreadable"): Promise<Finding> {
  if (file === "absent") return "none";
  if (file === "unreadable") return "unreadable";
  const state = await processState(file.pid);
  switch (state) {
    case "gone":
      return "none"; // PostgreSQL itself sees that and replaces the file
    case "zombie":
      return "zombie";
    case "running": {
      const ours = await isServerOf(file.pid, site.data);
      if (ours === "no") return "stale"; // the process id was given out again, after a reboot most often
      if (ours === "unknown") return "unclear";
      return file.status === "ready" ? "ready" : "busy";
    }
  }
}

async function setAside(site: Site): Promise<undefined> {
  const file = join(site.data, "postmaster.pid");
  site.log.warn({ file }, "postmaster.pid is of a server that has ended; moved aside");
  await rename(file, `${file}.stale`);
  return undefined;
}

function unclear(site: Site, file: PostmasterFile | "absent" | "unreadable"): PortError {
  const who = typeof file === "string" ? "a process" : `process ${file.pid}`;
  return new PortError(
    "refused",
    `${site.data}/postmaster.pid says that ${who} serves this data, but it does not answer as this database; ` +
      `if it is a PostgreSQL that somebody else started on this folder, stop it ("pg_ctl stop -D '${site.data}'"), then start again`,
    { reason: "DatabaseInUse" },
  );
}

async function adopted(site: Site, file: PostmasterFile | "absent" | "unreadable"): Promise<Running | undefined> {
  if (typeof file === "string" || file.address === undefined) return undefined;
  const answer = await ask(site, file.address);
  if (answer === "wrong password") {
    // The file with the password was lost: end it, so that the password can be set anew before the next start.
    await stop(site, { pid: file.pid, ended: endOf(site, file.pid) });
    return undefined;
  }
  if (answer !== "ours") return undefined;
  return { pid: file.pid, address: file.address, adopted: true, ended: endOf(site, file.pid) };
}

/** Whoever listens at `address`: is it the server of this very database? */
async function ask(site: Site, address: Address): Promise<"ours" | "another" | "no answer" | "wrong password"> {
  const client = new pg.Client({ ...clientConfig(address, site.password), connectionTimeoutMillis: 5000, query_timeout: 5000 });
  client.on("error", () => undefined); // a connection that breaks fails its query too
  try {
    await client.connect();
    const { rows } = await client.query<{ id: string; folder: string }>(
      "SELECT system_identifier::text AS id, current_setting('data_directory') AS folder FROM pg_control_system()",
    );
    return rows[0]?.id === site.cluster.systemIdentifier && rows[0].folder === site.data ? "ours" : "another";
  } catch (error) {
    // 28P01 invalid_password; 28000 invalid_authorization_specification (PostgreSQL's errcodes.txt)
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "28P01" || code === "28000" ? "wrong password" : "no answer";
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** An adopted process is not our child: it is looked at. Its id may be given out again while we look away. */
async function endOf(site: Site, pid: number): Promise<void> {
  const pause = process.platform === "linux" ? slowPollMs : 1000; // a look costs a run of ps where there is no /proc
  while ((await processState(pid)) === "running" && (await isServerOf(pid, site.data)) !== "no")
    await sleep(pause, undefined, { ref: false });
}

/** Starts the server and resolves when it answers. What passes by itself (an ending predecessor) is tried again for 20 s. */
export async function start(site: Site, address: Address, signal: AbortSignal): Promise<Running> {
  const begun = performance.now();
  for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
    const tried = await startOnce(site, address, signal);
    if ("pid" in tried) return tried;
    const waited = performance.now() - begun;
    if (!tried.failure.passing || waited > limits.passing) throw startError(site, tried);
    const other = waited > limits.backends ? await clearTheWay(site, signal) : undefined;
    if (other !== undefined) return other;
    await sleep(pause, undefined, { signal });
  }
}

interface Failed {
  readonly failure: StartFailure;
  readonly output: string;
}

function startError(site: Site, { failure, output }: Failed): PortError {
  const message = `PostgreSQL ${site.binaries.version} did not start on ${site.data}: ${failure.advice}\n${output}\n(more in ${site.output.path})`;
  return new PortError(failure.outcome, message, { reason: failure.reason });
}

/** Backends that outlived their postmaster, deep in a query, hold the shared memory; a proven-stale pid file is moved aside. */
async function clearTheWay(site: Site, signal: AbortSignal): Promise<Running | undefined> {
  const file = await readPostmasterFile(site.data);
  if (typeof file !== "string" && (await processState(file.pid)) === "running" && (await isServerOf(file.pid, site.data)) !== "no")
    return adopt(site, signal);
  for (const pid of await leftBehind(site.data)) {
    site.log.warn({ pid }, "ending a PostgreSQL process whose server was killed");
    kill(pid, "SIGQUIT");
  }
  return adopt(site, signal);
}

async function startOnce(site: Site, address: Address, signal: AbortSignal): Promise<Running | Failed> {
  signal.throwIfAborted();
  const from = await site.output.size();
  const { pid, ended, failed } = await launch(site, address);
  const begun = performance.now();
  let over = false;
  void ended.then(() => (over = true));
  try {
    while (!isOver()) {
      signal.throwIfAborted();
      const file = await readPostmasterFile(site.data);
      if (typeof file !== "string" && file.pid === pid && file.status === "ready") {
        const answer = await ask(site, address);
        if (answer === "ours") return { pid, address, adopted: false, ended };
        if (answer === "wrong password")
          throw new PortError("refused", `${site.data} does not know the password of its file`, { reason: "WrongPassword" });
        if (answer !== "no answer") throw new PortError("refused", `the PostgreSQL started on ${site.data} answers as another database`);
      }
      const waited = performance.now() - begun;
      if (waited > limits.start)
        throw new PortError("notDone", `PostgreSQL on ${site.data} was not ready after 10 minutes; look at ${site.output.path}`);
      await Promise.race([ended, sleep(waited < 2000 ? pollMs : slowPollMs)]);
    }
  } catch (error) {
    if (pid !== undefined) await stop(site, { pid, ended });
    throw error;
  }
  const output = `${failed() ?? ""}${await site.output.since(from)}`;
  return { failure: explainStartFailure(output), output };

  function isOver(): boolean {
    return over;
  }
}

/** In a process group of its own, so that a Ctrl-C at the terminal ends the control plane only, which then ends it in order. */
async function launch(
  site: Site,
  address: Address,
): Promise<{ pid: number | undefined; ended: Promise<void>; failed: () => string | undefined }> {
  const output = await site.output.open();
  try {
    const args = serverArguments(site.data, address, site.cluster.major, process.platform);
    const child = spawn(join(site.binaries.bin, "postgres"), args, {
      ...identity(site.user),
      cwd: "/",
      env: plainEnvironment,
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
    });
    let failed: string | undefined;
    const ended = new Promise<void>((done) => {
      child.once("exit", () => done());
      child.once("error", (error) => {
        failed = error.message;
        done();
      });
    });
    child.unref();
    return { pid: child.pid, ended, failed: () => failed };
  } finally {
    await output.close();
  }
}

/**
 * Ends a server: a fast shutdown (open transactions roll back, all is written), after 30 s an immediate one (the next start replays the log), after 10 s more a
 * kill. Resolves when the process has ended. Signals by number: PostgreSQL's "Shutting Down the Server".
 */
export async function stop(site: Site, server: { readonly pid: number; readonly ended: Promise<void> }): Promise<void> {
  const steps = [
    ["SIGINT", limits.stop],
    ["SIGQUIT", limits.stopNow],
    ["SIGKILL", limits.stopNow],
  ] as const;
  for (const [name, milliseconds] of steps) {
    if ((await processState(server.pid)) !== "running" || (await isServerOf(server.pid, site.data)) === "no") return;
    if (name !== "SIGINT") site.log.warn({ pid: server.pid, signal: name }, "PostgreSQL has not ended in time");
    kill(server.pid, name);
    if (await within(milliseconds, server)) return;
  }
  throw new PortError(
    "unknown",
    `PostgreSQL (process ${server.pid}) on ${site.data} cannot be ended; look at what it waits for ("ps -o stat,wchan -p ${server.pid}")`,
  );
}

async function within(milliseconds: number, server: { readonly pid: number; readonly ended: Promise<void> }): Promise<boolean> {
  const until = performance.now() + milliseconds;
  let over = false;
  void server.ended.then(() => (over = true));
  while (performance.now() < until) {
    await Promise.race([server.ended, sleep(pollMs * 2)]);
    if (isOver() || (await processState(server.pid)) !== "running") return true;
  }
  return false;

  function isOver(): boolean {
    return over;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Gives the superuser the password that `site` holds, without a running server: PostgreSQL's single-user mode, which asks for none. */
export async function setPassword(site: Site): Promise<void> {
  const args = ["--single", "-D", site.data, "-c", "exit_on_error=true", "postgres"];
  // The password is base64url: nothing in it needs quoting.
  const input = `ALTER ROLE ${superuser} PASSWORD '${site.password}'\n`;
  const { status, output } = await runAs(site.user, join(site.binaries.bin, "postgres"), args, { input, timeoutSeconds: 300 });
  if (status !== 0) throw startError(site, { failure: explainStartFailure(output), output: output.replaceAll(site.password, "***") });
}
