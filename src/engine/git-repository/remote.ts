import type { ApiObject } from "../../domain/object/api-object.ts";
import { isJsonObject, type JsonObject } from "../../domain/object/json.ts";
import type { GitCredentials, GitRemote } from "../../ports/git.ts";
import { PortError } from "../../ports/port-error.ts";

/** The remote that a GitRepository names, with the credentials of its Secret. Throws PortError `refused` when the Secret holds no usable ones. */
export function remoteOf(repository: ApiObject, secret: ApiObject | undefined): GitRemote {
  const spec = isJsonObject(repository.spec) ? repository.spec : {};
  const url = typeof spec["url"] === "string" ? spec["url"] : "";
  const reference = isJsonObject(spec["secretRef"]) ? spec["secretRef"]["name"] : undefined;
  if (typeof reference !== "string") return { url };
  if (secret === undefined)
    throw refused(`there is no Secret "${reference}" beside this GitRepository; create it or remove spec.secretRef`);
  const data = isJsonObject(secret["data"]) ? secret["data"] : {};
  const authority = decoded(data, "ca.crt");
  return { url, credentials: credentialsIn(data, reference), ...(authority === undefined ? {} : { certificateAuthority: authority }) };
}

/** The keys are those of Flux: username and password, or identity and known_hosts. https://fluxcd.io/flux/components/source/gitrepositories/#secret-reference */
function credentialsIn(data: JsonObject, name: string): GitCredentials {
  const identity = decoded(data, "identity");
  if (identity !== undefined) {
    const knownHosts = decoded(data, "known_hosts");
    if (knownHosts === undefined)
      throw refused(
        `Secret "${name}" has an SSH identity but no known_hosts; add the lines that ssh-keyscan prints for the server, after checking them`,
      );
    return { kind: "ssh", privateKey: identity, knownHosts };
  }
  const password = decoded(data, "password");
  if (password === undefined) throw refused(`Secret "${name}" holds neither password (with username) nor identity (with known_hosts)`);
  return { kind: "basic", username: decoded(data, "username") ?? "git", password };
}

function decoded(data: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  return typeof value === "string"
    ? new TextDecoder().decode(Uint8Array.from(atob(value), (character) => character.charCodeAt(0)))
    : undefined;
}

const refused = (message: string): PortError => new PortError("refused", message, { reason: "CredentialsNotUsable" });
