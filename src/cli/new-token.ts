import { kubeconfig } from "../api/client/kubeconfig.ts";
import type { JsonObject } from "../api/client/json.ts";
import { textAt } from "../api/columns.ts";
import { CliError } from "./exit-codes.ts";
import { writeSecretFile } from "./secret-file.ts";
import type { Session } from "./session.ts";
import { requireKind } from "./targets.ts";

/** Whose token: a user's, or a service account's. */
export type Owner =
  { readonly kind: "User"; readonly name: string } | { readonly kind: "ServiceAccount"; readonly namespace: string; readonly name: string };

export interface TokenWish {
  readonly expirationSeconds?: number;
  readonly scopes?: readonly JsonObject[];
  readonly audiences?: readonly string[];
  readonly description?: string;
}

export interface NewToken {
  readonly token: string;
  readonly expires: string;
  /** The AccessToken, to revoke it; "" for a service account's. */
  readonly name: string;
}

/** Pure. Reads `NAME` and `serviceaccount/NAMESPACE/NAME`. Throws CliError. */
export function ownerOf(text: string): Owner {
  const parts = text.split("/");
  const [first = "", namespace = "", name = ""] = parts;
  if (parts.length === 1 && first !== "") return { kind: "User", name: first };
  if (parts.length === 2 && first === "user" && namespace !== "") return { kind: "User", name: namespace };
  if (parts.length === 3 && ["serviceaccount", "sa"].includes(first) && namespace !== "" && name !== "")
    return { kind: "ServiceAccount", namespace, name };
  throw new CliError("misused", `"${text}" is neither a user (NAME) nor serviceaccount/NAMESPACE/NAME`);
}

/** Asks for a token; the answer holds its secret, which is nowhere else. Throws CliError for what a service account's cannot have. */
export async function newToken(session: Session, owner: Owner, wish: TokenWish): Promise<NewToken> {
  if (owner.kind === "ServiceAccount" && (wish.scopes !== undefined || wish.description !== undefined))
    throw new CliError(
      "misused",
      "a service account's token takes neither --scope nor --description (TokenRequest has no place for them); give the account fewer rights",
    );
  const isUser = owner.kind === "User";
  const kind = await requireKind(session, isUser ? "users" : "serviceaccounts", isUser ? "slipway.dev" : "");
  const place = { namespace: isUser ? "" : owner.namespace, name: owner.name };
  const request = isUser
    ? { apiVersion: "slipway.dev/v1alpha1", kind: "AccessTokenRequest" }
    : { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" };
  const answer = await session.client.post(kind, place, "token", { ...request, spec: { ...wish } });
  const token = textAt(answer, "status", "token");
  if (token === "") throw new CliError("failed", "the server answered without a token; look into its log");
  return { token, expires: textAt(answer, "status", "expirationTimestamp"), name: textAt(answer, "status", "name") };
}

/** A kubeconfig of this server for the owner of a token. Throws CliError. */
export async function writeKubeconfig(
  session: Session,
  owner: Owner,
  { token }: NewToken,
  file: { readonly path: string; readonly force: boolean },
): Promise<void> {
  const { server, authority } = session.access;
  if (authority === undefined)
    throw new CliError(
      "misused",
      `${session.access.path} names no CA, so none can be written into ${file.path}; add certificate-authority-data to it`,
    );
  const namespace = owner.kind === "User" ? session.namespace : owner.namespace;
  await writeSecretFile(file.path, kubeconfig({ server, authority, user: owner.name, token, namespace }), file.force);
}
