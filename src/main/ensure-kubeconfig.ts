import { readFile, rename, writeFile } from "node:fs/promises";
import { ADMINS } from "../domain/access/identity.ts";
import { isJsonObject, type JsonValue } from "../domain/object/json.ts";
import { PortError } from "../ports/port-error.ts";
import { ResourceError, type Resources } from "../ports/resources.ts";
import { serverCaller } from "../server/access/identities.ts";
import type { IssueToken } from "../server/access/issue-token.ts";
import { kubeconfig } from "../api/client/kubeconfig.ts";
import type { TokenAuthenticator } from "../server/access/token-authenticator.ts";

export interface KubeconfigNeeds {
  readonly path: string;
  readonly server: string;
  readonly authority: string;
  /** As the server itself. */
  readonly resources: Resources;
  readonly authenticator: TokenAuthenticator;
  readonly issueToken: IssueToken;
}

const ADMIN = "admin";
const YEAR_SECONDS = 365 * 24 * 3600;

/**
 * DATA/kubeconfig (0600) opens the API as the first administrator. Made at the first start; later starts keep its token while it is good, and write the
 * file anew when the address or the CA is another one. Whoever can read this file can do everything.
 */
export async function ensureKubeconfig(needs: KubeconfigNeeds): Promise<void> {
  await ensureAdmin(needs.resources);
  const token = (await goodToken(needs)) ?? (await newToken(needs.issueToken));
  const wanted = kubeconfig({ server: needs.server, authority: needs.authority, user: ADMIN, token });
  if (wanted === (await readFile(needs.path, "utf8").catch(() => ""))) return;
  // By rename: nobody ever reads half a file.
  const draft = `${needs.path}.new`;
  try {
    await writeFile(draft, wanted, { mode: 0o600 });
    await rename(draft, needs.path);
  } catch (cause) {
    throw new PortError(
      "refused",
      `the kubeconfig ${needs.path} cannot be written (${String(cause)}); remove what stands there, make the folder writable for this user, or free space, then start again`,
      { cause, reason: "Kubeconfig" },
    );
  }
}

async function ensureAdmin(resources: Resources): Promise<void> {
  const key = { group: "slipway.dev", resource: "users", namespace: "", name: ADMIN };
  if ((await resources.get(key)) !== undefined) return;
  const spec = { displayName: "First administrator", groups: [ADMINS] };
  try {
    const object = { apiVersion: "slipway.dev/v1alpha1", kind: "User", metadata: { name: ADMIN }, spec };
    await resources.commit({ writes: [{ verb: "create", key, object, intent: { verb: "create", manager: "slipway-bootstrap" } }] });
  } catch (error) {
    if (!(error instanceof ResourceError && error.reason === "alreadyExists")) throw error;
  }
}

async function goodToken({ path, authenticator }: KubeconfigNeeds): Promise<string | undefined> {
  const token = tokenIn(await readFile(path, "utf8").catch(() => ""));
  if (token === undefined) return undefined;
  return "refused" in (await authenticator.authenticate(token)) ? undefined : token;
}

/** What stands in a kubeconfig that this program wrote; anything else has no token that could be kept. */
function tokenIn(text: string): string | undefined {
  let config: JsonValue;
  try {
    config = JSON.parse(text) as JsonValue; // JSON.parse gives nothing else
  } catch {
    return undefined;
  }
  const users: readonly JsonValue[] = isJsonObject(config) && Array.isArray(config["users"]) ? config["users"] : [];
  const [first] = users;
  const user = isJsonObject(first) ? first["user"] : undefined;
  return isJsonObject(user) && typeof user["token"] === "string" ? user["token"] : undefined;
}

async function newToken(issueToken: IssueToken): Promise<string> {
  const body = { apiVersion: "slipway.dev/v1alpha1", kind: "AccessTokenRequest", spec: { expirationSeconds: YEAR_SECONDS } };
  const answer = await issueToken(serverCaller, { kind: "User", name: ADMIN }, body);
  const status = answer.status;
  const token = isJsonObject(status) ? status["token"] : undefined;
  if (typeof token !== "string") throw new Error("the token issuer answered without a token");
  return token;
}
