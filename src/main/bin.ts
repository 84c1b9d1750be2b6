import { Command } from "commander";
import { addVerbs } from "../cli/verbs.ts";
import { DEFAULT_LISTEN } from "./settings.ts";
import { slipwayVersion } from "./version.ts";

// Only what a verb needs is loaded for it: `slipway --help` must not pay for the server.
const program = new Command("slipway")
  .description("Takes releases from a Git commit to production and back again.")
  .version(slipwayVersion())
  .showHelpAfterError("(slipway --help lists the commands)")
  // A command line that cannot be understood is misuse, code 2, as src/cli/exit-codes.ts says; --help and --version are none.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

program
  .command("serve")
  .description("run a control plane: the API and the controllers, on a PostgreSQL of its own or the one of DATABASE_URL")
  .option(
    "--data <directory>",
    "where everything is kept (default: SLIPWAY_DATA, else the user's data directory; /var/lib/slipway for root)",
  )
  .option("--listen <host:port>", "where the API is served", DEFAULT_LISTEN)
  .option("--roles <roles>", "api, controllers, or both", "api,controllers")
  .option("--name <host...>", "further host names or addresses the server is reached by, for its certificate", [])
  .action(async (flags: { data?: string; listen: string; roles: string; name: string[] }) => {
    const { serve } = await import("./serve.ts");
    await serve(flags);
  });

program
  .command("down")
  .description("stop the control plane of a data directory, and its PostgreSQL")
  .option("--data <directory>", "the data directory (default: as for serve)")
  .option("--timeout <seconds>", "how long to wait for its end", "60")
  .action(async (flags: { data?: string; timeout: string }) => {
    const { downVerb } = await import("./down-verb.ts");
    process.exitCode = await downVerb(flags);
  });

program
  .command("backup")
  .description("take a copy of everything from a running server, while it goes on")
  .option("--to <file>", "where to, - for standard output (default: a file named by the time, here)")
  .option("--kubeconfig <file>", "the server, as an administrator (default: as for the other commands)")
  .option("--context <name>", "the context in it")
  .action(async (flags: { to?: string; kubeconfig?: string; context?: string }) => {
    const { backupVerb } = await import("./backup-verb.ts");
    process.exitCode = await backupVerb(flags);
  });

program
  .command("restore")
  .description("put a backup into an empty data directory, or the empty database of DATABASE_URL")
  .argument("<file>", "what `slipway backup` has written")
  .option("--data <directory>", "the data directory (default: as for serve)")
  .option("--master-key-file <file>", "the master.key of the server that was backed up")
  .action(async (file: string, flags: { data?: string; masterKeyFile?: string }) => {
    const { restoreVerb } = await import("./restore-verb.ts");
    process.exitCode = await restoreVerb(file, flags);
  });

addVerbs(program, {
  release: slipwayVersion(),
  dataDirectory: async () => (await import("./data-directory.ts")).ownDataDirectory(),
});

await program.parseAsync();
