import type { Command } from "commander";
import type { ApplyFlags } from "./apply.ts";
import type { DiffFlags } from "./diff.ts";
import type { GetFlags } from "./get.ts";
import type { StatusFlags } from "./status.ts";
import type { TimelineFlags } from "./timeline.ts";
import type { TokenFlags } from "./token.ts";
import type { UserFlags } from "./user.ts";
import { type Exit, exitCodesText } from "./exit-codes.ts";
import type { CommonFlags, Program, Session } from "./session.ts";
import { terminalOf } from "./terminal.ts";

/** What only the composition root knows. */
export interface ProgramParts {
  readonly release: string;
  /** The default data directory of this user. */
  dataDirectory(): Promise<string>;
}

/** Adds every verb that speaks to a server. Each loads what it needs when it runs, so that `--help` stays quick. */
export function addVerbs(program: Command, parts: ProgramParts): void {
  const own: Program = {
    ...parts,
    dataDirectory: () => parts.dataDirectory(),
    terminal: terminalOf(process.stdout, process.stderr, process.env),
    environment: process.env,
    workingDirectory: process.cwd(),
    now: () => Date.now(),
  };
  // Who reads our output may stop at any line (`slipway get sync | head -1`): that is no failure.
  process.stdout.on("error", (error: Error & { readonly code?: string }) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  const on = async (flags: CommonFlags, verb: (session: Session) => Promise<Exit>, failed?: Exit): Promise<void> => {
    const { runVerb } = await import("./run-verb.ts");
    process.exitCode = await runVerb(own, flags, verb, failed);
  };
  objectVerbs(program, on);
  questionVerbs(program, on);
  accessVerbs(program, on);
  localVerbs(program, own);
}

type On = (flags: CommonFlags, verb: (session: Session) => Promise<Exit>, failed?: Exit) => Promise<void>;

function objectVerbs(program: Command, on: On): void {
  namespaced(verb(program, "apply", "make objects as files say (server-side apply); what else is there stays", "json, yaml, name"))
    .requiredOption("-f, --filename <path>", "a file, a folder, or - for standard input; may be given several times", collected)
    .option("-R, --recursive", "look into the folders of a folder too")
    .option("--dry-run", "only say what would be done")
    .option("--force-conflicts", "take over fields that somebody else owns")
    .option("--why <reason>", "kept in the audit record")
    .action((flags: ApplyFlags) => on(flags, async (session) => (await import("./apply.ts")).apply(session, flags)));

  namespaced(verb(program, "diff", "show what apply would change; exits 1 when there are differences", "json, yaml"))
    .argument("[sync/name]", "show instead what is not as this Sync's source says")
    .option("-f, --filename <path>", "a file, a folder, or - for standard input; may be given several times", collected)
    .option("-R, --recursive", "look into the folders of a folder too")
    .option("--force-conflicts", "as if fields that somebody else owns were taken over")
    .action((target: string | undefined, flags: DiffFlags) =>
      // 1 says that something differs, so a failure is told by another code
      on(flags, async (session) => (await import("./diff.ts")).diff(session, flags, target), "misused"),
    );

  namespaced(
    verb(program, "get", "print objects: of a kind, of several (sync,gitrepo), of a category (all)", "json, yaml, wide, name"),
    true,
  )
    .argument("<kind>", "a kind, or KIND/NAME")
    .argument("[names...]", "names; none: all of them")
    .option("-w, --watch", "go on with a line for each change")
    .option("-l, --selector <labels>", "only with these labels: app=shop,tier!=test")
    .option("--field-selector <fields>", "only with these fields: metadata.name=shop")
    .action((kind: string, names: readonly string[], flags: GetFlags) =>
      on(flags, async (session) => (await import("./get.ts")).get(session, flags, [kind, ...names])),
    );
}

function questionVerbs(program: Command, on: On): void {
  namespaced(verb(program, "status", "the picture of a project: what is read and applied, and what is in the way", "json, yaml"), true)
    .option("-w, --watch", "keep the picture up to date; a line for each change where there is no terminal")
    .action((flags: StatusFlags) => on(flags, async (session) => (await import("./status.ts")).status(session, flags)));

  namespaced(verb(program, "why", "one sentence: what is in the way of an object; exits 5 when something is", "json, yaml"))
    .argument("<kind/name>", "the object, such as sync/shop")
    .action((target: string, flags: CommonFlags) => on(flags, async (session) => (await import("./why.ts")).why(session, flags, target)));

  namespaced(verb(program, "timeline", "what happened in a project or to one object: what, who, why", "json, yaml"), true)
    .argument("[kind/name]", "only of this object")
    .option("--since <when>", "only what is younger: 2h, 7d, or an RFC 3339 time")
    .action((target: string | undefined, flags: TimelineFlags) =>
      on(flags, async (session) => (await import("./timeline.ts")).timeline(session, flags, target)),
    );
}

function accessVerbs(program: Command, on: On): void {
  const user = program.command("user").description("people who may call this server");
  tokenFlags(namespaced(verb(user, "create", "make a user and its first token", "json, yaml")))
    .argument("<name>", "the name of the new user")
    .option("--group <group>", "a group, which role bindings can name; may be given several times", collected)
    .option("--email <address>", "the address for notifications")
    .option("--git-author <address>", "an address that commits of this user carry; may be given several times", collected)
    .option("--display-name <name>", "the name for people")
    .action((name: string, flags: UserFlags) => on(flags, async (session) => (await import("./user.ts")).createUser(session, flags, name)));
  verb(user, "list", "the users", "json, yaml, wide, name").action((flags: CommonFlags) =>
    on(flags, async (session) => (await import("./user.ts")).listUsers(session, flags)),
  );
  verb(user, "disable", "make no token of a user good any more", "json, yaml")
    .argument("<user>", "the user")
    .option("--undo", "enable the user again")
    .action((name: string, flags: CommonFlags & { undo?: boolean }) =>
      on(flags, async (session) => (await import("./user.ts")).disableUser(session, flags, name)),
    );
  verb(user, "delete", "delete a user and all its tokens", "json, yaml")
    .argument("<user>", "the user")
    .action((name: string, flags: CommonFlags) =>
      on(flags, async (session) => (await import("./user.ts")).deleteUser(session, flags, name)),
    );

  const token = program.command("token").description("tokens of users and service accounts");
  tokenFlags(namespaced(verb(token, "create", "make a token; its secret is shown this once", "json, yaml")))
    .argument("<user>", "a user, or serviceaccount/NAMESPACE/NAME")
    .option(
      "--scope <scope>",
      "VERBS:GROUPS/RESOURCES[@NAMESPACES], such as get,list:slipway.dev/syncs@shop; may be given several times",
      collected,
    )
    .option("--audience <audience>", "who the token is for; left out: this server; may be given several times", collected)
    .option("--description <text>", "what it is for")
    .action((owner: string, flags: TokenFlags) =>
      on(flags, async (session) => (await import("./token.ts")).createToken(session, flags, owner)),
    );
  verb(token, "list", "the tokens that are good, never their secrets", "json, yaml, wide, name")
    .argument("[user]", "only of this one")
    .action((owner: string | undefined, flags: CommonFlags) =>
      on(flags, async (session) => (await import("./token.ts")).listTokens(session, flags, owner)),
    );
  verb(token, "revoke", "end tokens at once", "json, yaml")
    .argument("<tokens...>", "their names, or the tokens themselves")
    .action((names: readonly string[], flags: CommonFlags) =>
      on(flags, async (session) => (await import("./token.ts")).revokeTokens(session, flags, names)),
    );
}

function localVerbs(program: Command, own: Program): void {
  const local = async (verbOf: () => Promise<Exit> | Exit): Promise<void> => {
    const { runLocal } = await import("./run-verb.ts");
    process.exitCode = await runLocal(own, verbOf);
  };
  verb(program, "version", "the versions of client and server, and whether they go together", "json, yaml")
    .option("--client", "only the client's; asks no server")
    .action((flags: CommonFlags & { client?: boolean }) => local(async () => (await import("./version.ts")).version(own, flags)));

  program
    .command("completion")
    .description("print a script that completes verbs, flags, kinds and names")
    .argument("<shell>", "bash, zsh or fish")
    .action((shell: string) =>
      local(async (): Promise<Exit> => {
        own.terminal.out((await import("./completion.ts")).completionScript(shell));
        return "ok";
      }),
    );

  program
    .command("exit-codes", { hidden: true })
    .configureHelp({ formatHelp: exitCodesText })
    .action(() => own.terminal.out(exitCodesText()));
  program.addHelpText("after", "\nslipway help VERB says more of one; slipway help exit-codes lists what it ends with.");

  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .action((words: readonly string[]) => local(async () => (await import("./complete.ts")).complete(own, program, words)));
}

function verb(parent: Command, name: string, description: string, formats: string): Command {
  return parent
    .command(name)
    .description(description)
    .showHelpAfterError(`(slipway ${parent.parent === null ? "" : `${parent.name()} `}${name} --help says more)`)
    .option("-o, --output <format>", formats)
    .option(
      "--kubeconfig <file>",
      "the server's kubeconfig (default: SLIPWAY_KUBECONFIG, the nearest .slipway/kubeconfig upward, the data directory's)",
    )
    .option("--context <name>", "another context of the kubeconfig than its current one");
}

function namespaced(command: Command, all = false): Command {
  command.option("-n, --namespace <project>", "the project (default: the context's)");
  return all ? command.option("-A, --all-namespaces", "in all projects") : command;
}

const tokenFlags = (command: Command): Command =>
  command
    .option("--expires <length>", "how long the token is good: 12h, 90d")
    .option("--kubeconfig-out <file>", "write a kubeconfig (0600) with the token in place of printing it")
    .option("--force", "replace that file when it is there");

const collected = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];
