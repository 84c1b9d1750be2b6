import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isJsonObject, type JsonObject, type JsonValue, nearestName } from "../api/client/json.ts";
import { CliError } from "./exit-codes.ts";

/** What a context of a kubeconfig says; files it names are still to be read. https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
export interface KubeconfigContext {
  readonly context: string;
  readonly server: string;
  readonly authority: { readonly pem: string } | { readonly file: string } | undefined;
  readonly serverName?: string;
  readonly user: string;
  readonly token: { readonly text: string } | { readonly file: string };
  readonly namespace: string;
}

export interface Access {
  readonly path: string;
  readonly context: string;
  readonly server: string;
  readonly authority?: string;
  readonly serverName?: string;
  readonly user: string;
  readonly token: string;
  readonly namespace: string;
}

const LARGEST_FILE = 4 * 1024 * 1024;

/** Reads the chosen (else the current) context of a kubeconfig. Throws CliError that names the file and what to mend. */
export async function readKubeconfig(path: string, context: string | undefined): Promise<Access> {
  const chosen = contextOf(path, await parse(path, await textOf(path)), context);
  const { authority, token, ...rest } = chosen;
  const beside = (file: string): Promise<string> => textOf(resolve(dirname(path), file));
  const pem = authority === undefined || "pem" in authority ? authority?.pem : await beside(authority.file);
  return {
    ...rest,
    path,
    token: ("text" in token ? token.text : await beside(token.file)).trim(),
    ...(pem === undefined ? {} : { authority: pem }),
  };
}

async function textOf(path: string): Promise<string> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length <= LARGEST_FILE) return text;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    const why =
      code === "EACCES" ? "this user may not read it; run as its owner, or let one be made for you (`slipway user create`)" : String(error);
    throw new CliError(code === "ENOENT" ? "notFound" : "failed", `${path} cannot be read: ${why}`, { cause: error });
  }
  throw new CliError("misused", `${path} is larger than any kubeconfig; name another file`);
}

/** Ours are JSON; the YAML library is loaded only for others. */
async function parse(path: string, text: string): Promise<JsonValue> {
  try {
    return JSON.parse(text) as JsonValue; // that is what JSON.parse gives
  } catch {
    const { parseDocument } = await import("yaml");
    const document = parseDocument(text, { prettyErrors: true });
    const [error] = document.errors;
    const at = error?.linePos?.[0];
    if (error !== undefined)
      throw new CliError(
        "misused",
        `${path}:${at?.line ?? 1}:${at?.col ?? 1}: it is no YAML: ${error.message.split("\n")[0]?.replace(/ at line.*$/, "") ?? ""}`,
      );
    return document.toJS({ maxAliasCount: 100 }) as JsonValue; // YAML in its core schema gives what JSON can say; anything else is refused below
  }
}

/** Pure. Throws CliError: what is missing, in which file, and the way out. */
export function contextOf(path: string, config: JsonValue, wanted: string | undefined): KubeconfigContext {
  const misfit = (what: string): CliError => new CliError("misused", `${path}: ${what}`);
  if (!isJsonObject(config) || config["kind"] !== "Config") throw misfit("it is no kubeconfig (kind: Config)");
  const name = wanted ?? textIn(config, "current-context");
  if (name === "") throw misfit("it names no current-context; choose one with --context");
  const context = named(config["contexts"], name, "context");
  if (context === undefined) throw misfit(`it has no context "${name}"${suggestion(name, namesIn(config["contexts"]))}`);
  const cluster = named(config["clusters"], textIn(context, "cluster"), "cluster");
  const userName = textIn(context, "user");
  const user = named(config["users"], userName, "user");
  if (cluster === undefined) throw misfit(`context "${name}" names the cluster "${textIn(context, "cluster")}", which is not in it`);
  if (user === undefined) throw misfit(`context "${name}" names the user "${userName}", which is not in it`);
  const serverName = textIn(cluster, "tls-server-name");
  return {
    context: name,
    server: serverOf(cluster, misfit),
    authority: authorityOf(cluster, misfit),
    ...(serverName === "" ? {} : { serverName }),
    user: userName,
    token: tokenOf(user, userName, misfit),
    namespace: textIn(context, "namespace") || "default",
  };
}

type Misfit = (what: string) => CliError;

function serverOf(cluster: JsonObject, misfit: Misfit): string {
  const server = textIn(cluster, "server");
  if (!URL.canParse(server)) throw misfit(`its server "${server}" is no address; it looks like https://127.0.0.1:7447`);
  if (new URL(server).protocol !== "https:") throw misfit(`its server ${server} is not https, and a token is never sent in the clear`);
  return server;
}

function authorityOf(cluster: JsonObject, misfit: Misfit): KubeconfigContext["authority"] {
  if (cluster["insecure-skip-tls-verify"] === true)
    throw misfit(
      "insecure-skip-tls-verify would give the token to whoever answers; put the CA of the server into certificate-authority-data",
    );
  const data = textIn(cluster, "certificate-authority-data");
  if (data !== "") return { pem: Buffer.from(data, "base64").toString("utf8") };
  const file = textIn(cluster, "certificate-authority");
  return file === "" ? undefined : { file };
}

function tokenOf(user: JsonObject, name: string, misfit: Misfit): KubeconfigContext["token"] {
  const [text, file] = [textIn(user, "token"), textIn(user, "tokenFile")];
  if (text !== "") return { text };
  if (file !== "") return { file };
  throw misfit(
    `user "${name}" has no token (Slipway knows no client certificates and runs no programs for one); make it with \`slipway token create ${name}\``,
  );
}

function named(list: JsonValue | undefined, name: string, member: string): JsonObject | undefined {
  const found = objectsIn(list).find((item) => item["name"] === name)?.[member];
  return isJsonObject(found) ? found : undefined;
}

const namesIn = (list: JsonValue | undefined): readonly string[] => objectsIn(list).map((item) => textIn(item, "name"));

function suggestion(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `; did you mean "${nearest}"?`;
  return names.length === 0 ? "" : `; there are ${names.slice(0, 10).join(", ")}`;
}

const objectsIn = (list: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(list) ? (list as readonly JsonValue[]).filter(isJsonObject) : []; // Array.isArray makes `any[]` of it

const textIn = (object: JsonObject, name: string): string => (typeof object[name] === "string" ? object[name] : "");
