import { httpsTransport } from "../api/client/https-transport.ts";
import { ConnectError } from "../api/client/transport.ts";
import { CliError, EXIT_CODES } from "../cli/exit-codes.ts";
import { findKubeconfig } from "../cli/find-kubeconfig.ts";
import { readKubeconfig } from "../cli/read-kubeconfig.ts";
import { PortError } from "../ports/port-error.ts";
import { backup, fileSink, streamSink, type Taken } from "./backup.ts";
import { countsText } from "./backup-text.ts";
import { ownDataDirectory } from "./data-directory.ts";
import { slipwayVersion } from "./version.ts";

export interface BackupFlags {
  readonly to?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Returns the exit code, as in cli/exit-codes.ts. What it says goes to standard error, so that `--to -` can be piped. */
export async function backupVerb({ to, kubeconfig, context }: BackupFlags): Promise<number> {
  try {
    const target = to ?? `slipway-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")}.backup`;
    if (target === "-" && process.stdout.isTTY)
      throw new CliError("misused", "a backup is not for a terminal; name a file with --to FILE, or pipe it on");
    const places = { flag: kubeconfig, environment: process.env, workingDirectory: process.cwd(), dataDirectory: ownDataDirectory() };
    const access = await readKubeconfig((await findKubeconfig(places)).path, context);
    const transport = httpsTransport(access);
    const sink = () => (target === "-" ? Promise.resolve(streamSink(process.stdout)) : fileSink(target));
    const taken = await backup(transport, sink, slipwayVersion()).finally(() => {
      transport.close();
    });
    console.error(doneText(taken, target));
    return EXIT_CODES.ok.code;
  } catch (error) {
    console.error(`slipway backup: ${messageOf(error)}`);
    return codeOf(error);
  }
}

function doneText({ header, counts }: Taken, target: string): string {
  return (
    `backed up ${countsText(counts)} at resourceVersion ${header.resourceVersion}${target === "-" ? "" : ` to ${target}`}\n` +
    `keep master.key of the server's data directory apart from it (fingerprint ${header.masterKeyFingerprint}): it is not in the backup, and without it nothing can be restored`
  );
}

function messageOf(error: unknown): string {
  if (error instanceof ConnectError) return `${error.message}; nothing was kept. Is the server running (\`slipway serve\`)? Then try again`;
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): number {
  if (error instanceof CliError) return EXIT_CODES[error.exit].code;
  if (error instanceof PortError && error.reason === "BackupRefused") return EXIT_CODES.forbidden.code;
  return EXIT_CODES.failed.code;
}
