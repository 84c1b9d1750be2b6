import { Command } from "commander";
import { DEFAULT_LISTEN } from "./settings.ts";
import { slipwayVersion } from "./version.ts";

// Only what a verb needs is loaded for it: `slipway --help` must not pay for the server.
const program = new Command("slipway")
  .description("Takes releases from a Git commit to production and back again.")
  .version(slipwayVersion())
  .showHelpAfterError();

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
  .action(async (flags: { data?: string }) => {
    const { downVerb } = await import("./down-verb.ts");
    process.exitCode = await downVerb(flags.data);
  });

await program.parseAsync();
