import { explainError } from "./explain-error.ts";
import type { Exit } from "./exit-codes.ts";
import { outputOf } from "./output.ts";
import { valueText } from "./print-value.ts";
import { serverRelease } from "./run-verb.ts";
import { type CommonFlags, openSession, type Program } from "./session.ts";
import { skewOf, skewText } from "./version-skew.ts";

/** The versions of client and server, and whether they go together. Without a server: the client's, and code 3. */
export async function version(program: Program, flags: CommonFlags & { readonly client?: boolean }): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const { terminal, release } = program;
  const server = flags.client === true ? undefined : await askServer(program, flags);
  if (format !== undefined) {
    const answer = server?.release === undefined ? {} : { server: server.release, skew: skewOf(release, server.release).kind };
    terminal.outStyled(await valueText({ client: release, ...answer }, format));
  } else {
    terminal.out(`client ${release}\n${server?.release === undefined ? "" : `server ${server.release}\n`}`);
  }
  if (server?.release !== undefined && skewText(release, server.release) !== "") terminal.note(skewText(release, server.release));
  if (server?.problem !== undefined) terminal.note(`slipway: ${server.problem}`);
  return server?.exit ?? "ok";
}

async function askServer(
  program: Program,
  flags: CommonFlags,
): Promise<{ readonly exit: Exit; readonly release?: string; readonly problem?: string }> {
  let session: Awaited<ReturnType<typeof openSession>> | undefined;
  try {
    session = await openSession(program, flags);
    return { exit: "ok", release: await serverRelease(session) };
  } catch (error) {
    const where = session && { server: session.access.server, kubeconfig: session.access.path, user: session.access.user };
    const explained = explainError(error, where);
    if (explained === undefined) throw error;
    return { exit: explained.exit, problem: explained.message };
  } finally {
    session?.client.close();
  }
}
