import type { Log } from "../ports/log.ts";
import { PortError } from "../ports/port-error.ts";
import { countsText } from "./backup-text.ts";
import { ownDataDirectory } from "./data-directory.ts";
import { restore } from "./restore.ts";
import { DEFAULT_LISTEN, settingsOf } from "./settings.ts";

export interface RestoreFlags {
  readonly data?: string;
  readonly masterKeyFile?: string;
}

/** Returns the exit code: 0 restored, 1 not restored (nothing is changed then), 2 a setting is wrong. */
export async function restoreVerb(file: string, { data, masterKeyFile }: RestoreFlags): Promise<number> {
  const told = (fields: object, message: string): void => {
    console.error(`slipway restore: ${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { info: () => undefined, warn: told, error: told };
  try {
    const serving = { ...(data === undefined ? {} : { data }), listen: DEFAULT_LISTEN, roles: "api", name: [] };
    const settings = settingsOf(serving, process.env, ownDataDirectory());
    const { header, counts } = await restore({ file, masterKeyFile, settings }, log);
    const { createdAt, slipwayVersion, resourceVersion } = header;
    console.log(
      `restored ${countsText(counts)} into ${settings.databaseUrl === undefined ? settings.dataDirectory : "the database of DATABASE_URL"}, as they were at ${createdAt} ` +
        `(Slipway ${slipwayVersion}, resourceVersion ${resourceVersion})\nnext: slipway serve --data ${settings.dataDirectory}`,
    );
    return 0;
  } catch (error) {
    console.error(`slipway restore: ${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof PortError) && error instanceof Error) console.error(error.stack);
    return error instanceof PortError && error.reason === "BadSetting" ? 2 : 1;
  }
}
