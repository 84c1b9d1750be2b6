import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { isLoopbackHost } from "../../domain/git/remote-url.ts";
import type { RemoteAddress } from "../../domain/git/remote-url.ts";
import { PortError } from "../../ports/port-error.ts";
import type { GitRemote } from "../../ports/git.ts";

/** What a network command needs beside its arguments: variables that name files (0600) which are gone after the command. */
export interface HandedSecrets {
  readonly env: Readonly<Record<string, string>>;
  /** Texts that must never be shown. */
  readonly hidden: readonly string[];
  dispose(): Promise<void>;
}

/** Helper texts are fixed; the file is named by a variable, so that no secret and no path is ever interpolated. */
export const credentialHelper = '!f() { test "$1" = get && cat "$SLIPWAY_GIT_SECRETS/credential"; }; f';
const sshCommand =
  'ssh -F none -i "$SLIPWAY_GIT_SECRETS/key" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=yes ' +
  '-o "UserKnownHostsFile=\\"$SLIPWAY_GIT_SECRETS/known_hosts\\"" -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no -o ProxyCommand=none -o PermitLocalCommand=no ' +
  "-o ForwardAgent=no -o ClearAllForwardings=yes -o ControlMaster=no -o ControlPath=none -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4";

/** Writes the secrets of one command. Throws PortError `refused` (`InvalidCredentials`) for ones that cannot be used safely. */
export async function handSecrets(root: string, remote: GitRemote, address: RemoteAddress): Promise<HandedSecrets> {
  const credentials = remote.credentials ?? { kind: "none" };
  const files = secretFiles(credentials, address, remote.certificateAuthority);
  if (files.size === 0) return { env: {}, hidden: [], dispose: () => Promise.resolve() };
  const directory = join(root, "secrets", `${process.pid}-${randomUUID()}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of files) await writeFile(join(directory, name), text, { mode: 0o600, flag: "wx" });
  const env = {
    SLIPWAY_GIT_SECRETS: directory,
    ...(files.has("key") ? { GIT_SSH_COMMAND: sshCommand, GIT_SSH_VARIANT: "ssh" } : {}),
    ...(files.has("authority.pem") ? { GIT_SSL_CAINFO: join(directory, "authority.pem") } : {}),
  };
  return { env, hidden: hiddenTexts(credentials), dispose: () => rm(directory, { recursive: true, force: true }) };
}

function secretFiles(
  credentials: NonNullable<GitRemote["credentials"]>,
  address: RemoteAddress,
  authority: string | undefined,
): Map<string, string> {
  const files = new Map<string, string>();
  if (authority !== undefined && address.kind === "https") files.set("authority.pem", authority);
  switch (credentials.kind) {
    case "none":
      if (address.kind === "ssh")
        throw unusable("an ssh address needs a private key and known hosts", "give a Secret with identity and known_hosts");
      return files;
    case "basic":
      if (address.kind === "path") return files;
      if (address.kind === "ssh")
        throw unusable("a user name and password do not fit an ssh address", "use https, or a Secret with identity and known_hosts");
      if (address.kind === "http" && !isLoopbackHost(address.host))
        throw unusable("a password over plain http could be read on the way", "use https");
      if (/[\r\n\0]/.test(credentials.username + credentials.password))
        throw unusable("the user name or password holds a line end", "write the Secret without it (echo -n)");
      return files.set("credential", `username=${credentials.username}\npassword=${credentials.password}\n`);
    case "ssh":
      if (address.kind === "path") return files;
      if (address.kind !== "ssh")
        throw unusable(
          `an ssh key does not fit an ${address.kind} address`,
          "use ssh://user@host/path, or a Secret with username and password",
        );
      if (credentials.knownHosts.trim() === "")
        throw unusable(
          "known_hosts is empty, so the server cannot be told from an impostor",
          "add the output of ssh-keyscan after checking it",
        );
      return files
        .set("key", `${credentials.privateKey.replace(/\r\n/g, "\n").trimEnd()}\n`)
        .set("known_hosts", `${credentials.knownHosts.trimEnd()}\n`);
  }
}

const unusable = (what: string, way: string) =>
  new PortError("refused", `the Git credentials cannot be used: ${what}; ${way}`, { reason: "InvalidCredentials" });

function hiddenTexts(credentials: NonNullable<GitRemote["credentials"]>): readonly string[] {
  if (credentials.kind === "none") return [];
  if (credentials.kind === "ssh")
    return credentials.privateKey.split(/\r?\n/).filter((line) => line.length > 16 && !line.startsWith("-----"));
  const { username, password } = credentials;
  const pair = Buffer.from(`${username}:${password}`).toString("base64");
  return [password, encodeURIComponent(password), Buffer.from(password).toString("base64"), pair, pair.replace(/=+$/, "")].filter(
    (text) => text !== "",
  );
}

/** Removes what a process that was killed left behind. */
export async function sweepSecrets(root: string): Promise<void> {
  const directory = join(root, "secrets");
  for (const name of await readdir(directory).catch(() => [])) {
    if (!isAlive(Number(name.split("-")[0]))) await rm(join(directory, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

/** Text of a server or of Git, fit to be shown: secrets and control characters out, at most 600 characters. */
export function withoutSecrets(text: string, hidden: readonly string[]): string {
  const clean = hidden.toSorted((a, b) => b.length - a.length).reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
  const oneLine = clean
    .replace(/([a-z+]+:\/\/)[^/\s@]*@/gi, "$1***@")
    .replace(/(authorization:\s*\w+\s+)\S+/gi, "$1***")
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/gu, " ")
    .trim();
  return oneLine.length > 600 ? `${oneLine.slice(0, 600)} …` : oneLine;
}
