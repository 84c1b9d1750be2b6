import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PortError } from "../../../ports/port-error.ts";
import { adopt } from "./adopt.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { isServerOf, processState } from "./process-state.ts";
import { identity, plainEnvironment, runAs } from "./run-as.ts";
import { serverArguments, superuser } from "./settings.ts";
import type { Address } from "./settings.ts";
import { ask } from "./site.ts";
import type { Running, Site } from "./site.ts";
import { explainStartFailure } from "./start-failure.ts";
import type { StartFailure } from "./start-failure.ts";
import { endLeftBehind, stop } from "./stop.ts";

const pollMs = 10;
const slowPollMs = 250;

/** How long each thing may take, in milliseconds of the monotonic clock: a jump of the wall clock changes nothing here. */
const limits = { backends: 1000, passing: 20_000, quiet: 5000, start: 600_000 } as const;

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
  await endLeftBehind(site);
  return adopt(site, signal);
}

async function startOnce(site: Site, address: Address, signal: AbortSignal): Promise<Running | Failed> {
  signal.throwIfAborted();
  const from = await site.output.size();
  const { pid, ended, failed } = await launch(site, address);
  const begun = performance.now();
  let told = false;
  let over = false;
  void ended.then(() => (over = true));
  try {
    while (!isOver()) {
      signal.throwIfAborted();
      const file = await readPostmasterFile(site.data);
      if (typeof file !== "string" && file.pid === pid && file.status === "ready") {
        const answer = await ask(site, address);
        // All connections may be taken by pools that waited for it; that it is ours the process id tells.
        if (answer === "ours" || answer === "full") return { pid, address, adopted: false, ended };
        if (answer === "wrong password")
          throw new PortError("refused", `${site.data} does not know the password of its file`, { reason: "WrongPassword" });
        if (answer !== "no answer") throw new PortError("refused", `the PostgreSQL started on ${site.data} answers as another database`);
      }
      const waited = performance.now() - begun;
      if (waited > limits.quiet && !told) {
        told = true;
        site.log.info(
          { folder: site.data, output: site.output.path },
          "PostgreSQL is still starting; after a crash it replays its log first",
        );
      }
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

/** Gives the superuser the password that `site` holds, without a running server: PostgreSQL's single-user mode, which asks for none. */
export async function setPassword(site: Site): Promise<void> {
  const args = ["--single", "-D", site.data, "-c", "exit_on_error=true", "postgres"];
  // The password is base64url: nothing in it needs quoting.
  const input = `ALTER ROLE ${superuser} PASSWORD '${site.password}'\n`;
  const { status, output } = await runAs(site.user, join(site.binaries.bin, "postgres"), args, { input, timeoutSeconds: 300 });
  if (status !== 0) throw startError(site, { failure: explainStartFailure(output), output: output.replaceAll(site.password, "***") });
}
