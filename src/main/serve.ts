import { once } from "node:events";
import { pino } from "pino";
import type { Log } from "../ports/log.ts";
import { PortError } from "../ports/port-error.ts";
import { startControlPlane } from "./control-plane.ts";
import { ownDataDirectory } from "./data-directory.ts";
import { type ServeFlags, settingsOf } from "./settings.ts";
import { slipwayVersion } from "./version.ts";

/** Exit codes of `serve` beside 0: 1 it could not start or go on, 2 it was told something that cannot be. */
const CODES = { failed: 1, misused: 2 } as const;

/** Runs a control plane until SIGINT or SIGTERM; a second signal ends it at once. Says where it serves on standard output, logs on standard error. */
export async function serve(flags: ServeFlags): Promise<void> {
  const log: Log = pino({ base: { program: "slipway" } }, pino.destination({ dest: 2, sync: true }));
  try {
    const settings = settingsOf(flags, process.env, ownDataDirectory());
    const controlPlane = await startControlPlane(settings, log, slipwayVersion());
    const where = controlPlane.url === undefined ? "no API here (--roles has no api)" : `serving at ${controlPlane.url}`;
    console.log(`slipway is ready: ${where}\nkubectl --kubeconfig ${controlPlane.kubeconfig} get all -A`);
    const signal = await stopSignal();
    console.log(`slipway is stopping (${signal})`);
    await Promise.race([controlPlane.stop(), secondSignal()]);
  } catch (error) {
    process.exitCode = error instanceof PortError && error.reason === "BadSetting" ? CODES.misused : CODES.failed;
    console.error(`slipway serve: ${sentence(error)}`);
    if (!(error instanceof PortError))
      log.error({ error: error instanceof Error ? error.stack : String(error) }, "could not start, by a fault of the program");
  }
}

async function stopSignal(): Promise<string> {
  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const first = await Promise.race(signals.map((name) => once(process, name, { signal: stop.signal }).then(() => name)));
  stop.abort();
  return first;
}

async function secondSignal(): Promise<void> {
  const name = await stopSignal();
  throw new PortError("refused", `ended at once by a second ${name}; what was not committed is done again at the next start`, {
    reason: "Interrupted",
  });
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
