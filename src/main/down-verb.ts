import { milliseconds } from "../domain/units.ts";
import type { Log } from "../ports/log.ts";
import { ownDataDirectory } from "./data-directory.ts";
import { type Down, down } from "./down.ts";

/** Returns the exit code: 0 stopped or not running, 1 it could not be done, 2 a flag is wrong, 4 still running after the time. */
export async function downVerb(flags: { readonly data?: string; readonly timeout: string }): Promise<number> {
  const directory = flags.data ?? process.env["SLIPWAY_DATA"] ?? ownDataDirectory();
  if (!/^\d{1,5}$/.test(flags.timeout)) {
    console.error(`slipway down: --timeout "${flags.timeout.slice(0, 40)}" is no number of seconds; write --timeout 60`);
    return 2;
  }
  const told = (fields: object, message: string): void => {
    console.error(`slipway down: ${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { info: () => undefined, warn: told, error: told };
  try {
    return report(await down(directory, milliseconds(Number(flags.timeout) * 1000), log), directory, flags.timeout);
  } catch (error) {
    console.error(`slipway down: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function report(result: Down, directory: string, seconds: string): number {
  switch (result.came) {
    case "stopped":
      console.log(`slipway of ${directory} has stopped`);
      return 0;
    case "stoppedPostgres":
      console.log(`no slipway was running on ${directory}; the PostgreSQL that an earlier one left has been stopped`);
      return 0;
    case "notRunning":
      console.log(`no slipway is running on ${directory}`);
      return 0;
    case "notAllowed":
      console.error(
        `slipway down: the slipway of ${directory} (process ${result.pid}) belongs to another user; run this as that user, or with sudo`,
      );
      return 1;
    case "stillRunning":
      console.error(
        `slipway down: the slipway of ${directory} (process ${result.pid}) has not stopped within ${seconds} s; its log says what it waits for. To end it at once: ` +
          `"kill -9 ${result.pid}", then "slipway down" again, which stops its PostgreSQL. Nothing that was acknowledged is lost by that`,
      );
      return 4;
  }
}
