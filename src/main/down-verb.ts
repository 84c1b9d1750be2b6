import { ownDataDirectory } from "./data-directory.ts";
import { down } from "./down.ts";

/** Returns the exit code: 0 stopped or not running, 4 still running after a minute. */
export async function downVerb(flag: string | undefined): Promise<number> {
  const directory = flag ?? process.env["SLIPWAY_DATA"] ?? ownDataDirectory();
  switch (await down(directory)) {
    case "stopped":
      console.log(`slipway of ${directory} has stopped`);
      return 0;
    case "notRunning":
      console.log(`no slipway is running on ${directory}`);
      return 0;
    case "stillRunning":
      console.error(
        `slipway of ${directory} has not stopped within a minute; its log says what it waits for. Nothing is lost if it is killed (kill -9).`,
      );
      return 4;
  }
}
