import { pino } from "pino";
import type { Log } from "../ports/log.ts";
import { PortError } from "../ports/port-error.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { ownDataDirectory } from "./data-directory.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { type LogLevel, type ServeFlags, settingsOf } from "./settings.ts";
import { onStopSignals } from "./stop-signals.ts";
import { slipwayVersion } from "./version.ts";

/** Exit codes of `serve` beside 0: 1 it could not start or go on, 2 it was told something that cannot be. */
const CODES = { failed: 1, misused: 2 } as const;

/**
 * Runs a control plane until SIGINT or SIGTERM, also while it starts; a second signal ends it at once, and its PostgreSQL with it. Says where it serves on
 * standard output, logs on standard error. Exit codes: 0 asked to stop, 1 it could not start or stop, 2 a setting is wrong.
 */
export async function serve(flags: ServeFlags): Promise<void> {
  let running: ControlPlane | undefined;
  const asked = onStopSignals({
    first: (name) => {
      console.log(`slipway is stopping (${name})`);
    },
    second: (name) => {
      console.error(`slipway serve: ended at once by a second ${name}; what was not committed is done again at the next start`);
      running?.endAtOnce();
      process.exit(CODES.failed);
    },
  });
  let log = logAt("info");
  surviveFaults(() => log);
  try {
    const settings = settingsOf(flags, process.env, ownDataDirectory());
    log = logAt(settings.logLevel);
    running = await startControlPlane(settings, log, slipwayVersion(), asked.signal);
    giveBackMemory();
    const where = running.url === undefined ? "no API here (--roles has no api)" : `serving at ${running.url}`;
    console.log(`slipway is ready: ${where}\nkubectl --kubeconfig ${running.kubeconfig} get all -A`);
    await asked.signalled;
    await running.stop();
  } catch (error) {
    if (asked.signal.aborted && running === undefined) return; // asked to stop while it started: everything is undone
    process.exitCode = error instanceof PortError && error.reason === "BadSetting" ? CODES.misused : CODES.failed;
    console.error(`slipway serve: ${sentence(error)}`);
    if (!(error instanceof PortError)) log.error({ error: stackOf(error) }, "could not start or stop, by a fault of the program");
  } finally {
    asked.release();
  }
}

const logAt = (level: LogLevel): Log => pino({ base: { program: "slipway" }, level }, pino.destination({ dest: 2, sync: true }));

/** A promise that nobody waits for has failed: that is a fault of one piece, and no reason to take the API away from everybody. */
function surviveFaults(log: () => Log): void {
  process.on("unhandledRejection", (error) => {
    log().error({ error: stackOf(error) }, "something failed by a fault of the program, and nobody waited for it");
  });
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
