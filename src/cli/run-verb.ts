import { ConnectError } from "../api/client/transport.ts";
import { StatusError } from "../api/client/status-error.ts";
import { isJsonObject } from "../api/client/json.ts";
import { readJson } from "../api/client/read-answer.ts";
import { CliError, EXIT_CODES, type Exit } from "./exit-codes.ts";
import { explainError } from "./explain-error.ts";
import { type CommonFlags, openSession, type Program, type Session } from "./session.ts";
import { releaseIn, skewOf, skewText } from "./version-skew.ts";

/** Runs a verb that speaks to a server, says what went wrong, and returns the exit code. `failed` overrides the code of a plain failure. */
export async function runVerb(
  program: Program,
  flags: CommonFlags,
  verb: (session: Session) => Promise<Exit>,
  failed: Exit = "failed",
): Promise<number> {
  let session: Session | undefined;
  try {
    session = await openSession(program, flags);
    return EXIT_CODES[await verb(session)].code;
  } catch (error) {
    const exit = await tell(program, session, error);
    return EXIT_CODES[exit === "failed" ? failed : exit].code;
  } finally {
    session?.client.close();
  }
}

/** The same for a verb that needs no server. */
export async function runLocal(program: Program, verb: () => Promise<Exit> | Exit): Promise<number> {
  try {
    return EXIT_CODES[await verb()].code;
  } catch (error) {
    return EXIT_CODES[await tell(program, undefined, error)].code;
  }
}

async function tell(program: Program, session: Session | undefined, error: unknown): Promise<Exit> {
  const where =
    session === undefined ? undefined : { server: session.access.server, kubeconfig: session.access.path, user: session.access.user };
  const explained = explainError(error, where);
  if (explained === undefined) {
    program.terminal.note(
      `slipway: a fault of the program, please report it:\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return "failed";
  }
  program.terminal.note(`slipway: ${explained.message}`);
  const skew = session === undefined ? "" : await skewBehind(session, error);
  if (skew !== "") program.terminal.note(`slipway: ${skew}`);
  return explained.exit;
}

/** Where the server does not know what was asked, its version may be why. */
async function skewBehind(session: Session, error: unknown): Promise<string> {
  const unknown = error instanceof StatusError && [400, 404, 405, 406, 415].includes(error.status.code);
  if (!unknown && !(error instanceof CliError && error.exit === "notFound")) return "";
  try {
    const server = await serverRelease(session);
    return skewOf(session.release, server).kind === "same" ? "" : skewText(session.release, server);
  } catch (failure) {
    if (failure instanceof ConnectError || failure instanceof StatusError) return ""; // the first error is the one to tell
    throw failure;
  }
}

/** The release of the server, or its gitVersion where it is no Slipway. */
export async function serverRelease({ client }: Pick<Session, "client">): Promise<string> {
  const document = readJson(await client.document("/version"));
  const version = isJsonObject(document) && typeof document["gitVersion"] === "string" ? document["gitVersion"] : "";
  return releaseIn(version) ?? (version === "" ? "unknown" : version);
}
