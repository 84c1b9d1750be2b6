import { secondsOf } from "./duration-flag.ts";
import type { Exit } from "./exit-codes.ts";
import { get } from "./get.ts";
import { newToken, type Owner, writeKubeconfig } from "./new-token.ts";
import { outputOf } from "./output.ts";
import { valueText } from "./print-value.ts";
import { checkFree } from "./secret-file.ts";
import { type CommonFlags, MANAGER, type Session } from "./session.ts";
import { requireKind } from "./targets.ts";

export interface UserFlags extends CommonFlags {
  readonly group?: readonly string[];
  readonly email?: string;
  readonly gitAuthor?: readonly string[];
  readonly displayName?: string;
  readonly expires?: string;
  readonly kubeconfigOut?: string;
  readonly force?: boolean;
}

/** Makes a user and a first token: prints the secret, this once, or writes a kubeconfig with it. */
export async function createUser(session: Session, flags: UserFlags, name: string): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const [path, force] = [flags.kubeconfigOut, flags.force === true];
  const wish = flags.expires === undefined ? {} : { expirationSeconds: secondsOf("--expires", flags.expires) };
  if (path !== undefined) await checkFree(path, force);
  const kind = await requireKind(session, "users", "slipway.dev");
  const spec = {
    ...(flags.displayName === undefined ? {} : { displayName: flags.displayName }),
    ...(flags.email === undefined ? {} : { email: flags.email }),
    ...(flags.group === undefined ? {} : { groups: flags.group }),
    ...(flags.gitAuthor === undefined ? {} : { gitAuthors: flags.gitAuthor }),
  };
  await session.client.create(
    kind,
    "",
    { apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name }, spec },
    { manager: MANAGER },
  );
  const { terminal } = session;
  if (format === undefined) terminal.note(`user/${name} created`);
  const owner: Owner = { kind: "User", name };
  try {
    const made = await newToken(session, owner, wish);
    if (path !== undefined) await writeKubeconfig(session, owner, made, { path, force });
    const shown = { user: name, ...made, ...(path === undefined ? {} : { kubeconfig: path, token: "" }) };
    if (format !== undefined) terminal.outStyled(await valueText(shown, format));
    else if (path === undefined) terminal.out(`${made.token}\n`);
    terminal.note(
      `${path === undefined ? "this is the token, shown this once" : `wrote ${path}`}; it is good until ${made.expires}. Rights come from role bindings to ${[name, ...(flags.group ?? [])].join(", ")}.`,
    );
  } catch (error) {
    terminal.note(`the user was made, but has no token yet; make one with \`slipway token create ${name}\``);
    throw error;
  }
  return "ok";
}

export const listUsers = (session: Session, flags: CommonFlags): Promise<Exit> => get(session, flags, ["users.slipway.dev"]);

/** No token of a disabled user is good; nothing is lost, and `--undo` turns it back. */
export async function disableUser(session: Session, flags: CommonFlags & { readonly undo?: boolean }, name: string): Promise<Exit> {
  const disabled = flags.undo !== true;
  const kind = await requireKind(session, "users", "slipway.dev");
  const user = await session.client.patch(kind, { namespace: "", name }, { spec: { disabled } }, { manager: MANAGER });
  const format = outputOf(flags.output, ["json", "yaml"]);
  if (format === undefined) session.terminal.out(`user/${name} ${disabled ? "disabled" : "enabled"}\n`);
  else session.terminal.outStyled(await valueText(user, format));
  return "ok";
}

/** Deletes a user and with it its tokens. */
export async function deleteUser(session: Session, flags: CommonFlags, name: string): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const kind = await requireKind(session, "users", "slipway.dev");
  const answer = await session.client.delete(kind, { namespace: "", name });
  if (format === undefined) session.terminal.out(`user/${name} deleted\n`);
  else session.terminal.outStyled(await valueText(answer, format));
  return "ok";
}
