import type { JsonObject } from "../api/client/json.ts";
import { secondsOf } from "./duration-flag.ts";
import { CliError, type Exit } from "./exit-codes.ts";
import { get } from "./get.ts";
import { newToken, type Owner, ownerOf, type TokenWish, writeKubeconfig } from "./new-token.ts";
import { outputOf } from "./output.ts";
import { valueText } from "./print-value.ts";
import { checkFree } from "./secret-file.ts";
import type { CommonFlags, Session } from "./session.ts";
import { requireKind } from "./targets.ts";

export interface TokenFlags extends CommonFlags {
  readonly expires?: string;
  readonly scope?: readonly string[];
  readonly audience?: readonly string[];
  readonly description?: string;
  readonly kubeconfigOut?: string;
  readonly force?: boolean;
}

/** Makes a token and prints its secret, this once, or writes a kubeconfig with it. */
export async function createToken(session: Session, flags: TokenFlags, text: string): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const owner = ownerOf(text);
  const wish = wishOf(flags);
  const path = flags.kubeconfigOut;
  const force = flags.force === true;
  if (path !== undefined) await checkFree(path, force);
  const made = await newToken(session, owner, wish);
  if (path !== undefined) await writeKubeconfig(session, owner, made, { path, force });
  const { terminal } = session;
  if (format !== undefined)
    terminal.outStyled(await valueText({ ...made, ...(path === undefined ? {} : { kubeconfig: path, token: "" }) }, format));
  else if (path === undefined) terminal.out(`${made.token}\n`);
  terminal.note(
    `${path === undefined ? "" : `wrote ${path}; `}the token of ${ownerText(owner)} is good until ${made.expires}${made.name === "" ? "" : `; end it with \`slipway token revoke ${made.name}\``}`,
  );
  return "ok";
}

/** Pure. Throws CliError. */
export function wishOf(flags: Pick<TokenFlags, "expires" | "scope" | "audience" | "description">): TokenWish {
  return {
    ...(flags.expires === undefined ? {} : { expirationSeconds: secondsOf("--expires", flags.expires) }),
    ...(flags.scope === undefined ? {} : { scopes: flags.scope.map(scopeOf) }),
    ...(flags.audience === undefined ? {} : { audiences: flags.audience }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  };
}

/**
 * Pure. Reads `VERBS:GROUPS/RESOURCES[@NAMESPACES]`, lists joined by commas, the core group empty: `get,list:slipway.dev/syncs@shop`, `get:/secrets`, all of it: stars in each part.
 * A resource may have a subresource (`slipway.dev/users/token`): the first slash divides. Throws CliError.
 */
export function scopeOf(text: string): JsonObject {
  const [, verbs = "", groups = "", resources = "", namespaces] = /^([^:/@]+):([^/@]*)\/([^@]+)(?:@(.+))?$/.exec(text) ?? [];
  if (verbs === "")
    throw new CliError(
      "misused",
      `--scope "${text.slice(0, 100)}" is no VERBS:GROUPS/RESOURCES[@NAMESPACES]; write for example get,list:slipway.dev/syncs@shop, or get:/secrets for the core group`,
    );
  const list = (joined: string): readonly string[] => joined.split(",").map((word) => word.trim());
  return {
    verbs: list(verbs),
    apiGroups: list(groups),
    resources: list(resources),
    ...(namespaces === undefined ? {} : { namespaces: list(namespaces) }),
  };
}

const ownerText = (owner: Owner): string =>
  owner.kind === "User" ? `user ${owner.name}` : `service account ${owner.namespace}/${owner.name}`;

/** The tokens that were given out, never their secrets. */
export async function listTokens(session: Session, flags: CommonFlags, owner: string | undefined): Promise<Exit> {
  await requireKind(session, "accesstokens", "slipway.dev");
  const whose = owner === undefined ? undefined : ownerOf(owner);
  const fields =
    whose === undefined
      ? {}
      : {
          fieldSelector: `spec.subject.kind=${whose.kind},spec.subject.name=${whose.name}${whose.kind === "User" ? "" : `,spec.subject.namespace=${whose.namespace}`}`,
        };
  return get(session, { ...flags, ...fields }, ["accesstokens.slipway.dev"]);
}

/** Ends tokens, at once on this control plane and within its watch on the others. */
export async function revokeTokens(session: Session, flags: CommonFlags, names: readonly string[]): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const kind = await requireKind(session, "accesstokens", "slipway.dev");
  const revoked: string[] = [];
  for (const given of names) {
    // somebody may paste the token itself: its middle part is the name
    const name = /^slp_([^_]+)_/.exec(given)?.[1] ?? given;
    await session.client.delete(kind, { namespace: "", name });
    revoked.push(name);
    if (format === undefined) session.terminal.out(`accesstoken/${name} revoked\n`);
  }
  if (format !== undefined) session.terminal.outStyled(await valueText({ revoked }, format));
  return "ok";
}
