import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { PortError } from "../../ports/port-error.ts";
import { MASTER_KEY_BYTES, masterKey, type MasterKey } from "./master-key.ts";

/**
 * The master key in a file of exactly 32 bytes, mode 0600, of this user (or root). Throws PortError `refused` with what to do when it is not there,
 * not its owner's alone, not of that length, or no plain file.
 */
export async function readMasterKey(path: string): Promise<MasterKey> {
  const found = await readIfThere(path);
  if (found === undefined)
    throw refusal(
      `there is no master key at ${path}; put the file of ${MASTER_KEY_BYTES} bytes there that this installation was made with`,
    );
  return found;
}

/** As `readMasterKey`, made of randomness where there is none: of several that start at once all get the same, and none ever sees half a key. */
export async function readOrMakeMasterKey(path: string): Promise<MasterKey & { readonly made: boolean }> {
  const found = await readIfThere(path);
  if (found !== undefined) return { ...found, made: false };
  const made = await makeFile(path);
  return { ...(await readMasterKey(path)), made };
}

/** The master key from a setting (an environment variable): 32 bytes as base64 or as 64 hex digits. `where` names the setting for the message, which never holds the value. */
export function masterKeyFromText(text: string, where: string): MasterKey {
  const trimmed = text.trim();
  const bytes = /^[0-9a-fA-F]{64}$/.test(trimmed) ? Buffer.from(trimmed, "hex") : Buffer.from(trimmed, "base64");
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed);
  if (bytes.length !== MASTER_KEY_BYTES || (trimmed.length !== 64 && !isBase64))
    throw refusal(
      `${where} is no master key; it must be ${MASTER_KEY_BYTES} bytes as base64 or as 64 hex digits, such as: openssl rand -base64 32`,
    );
  return masterKey(bytes);
}

async function readIfThere(path: string): Promise<MasterKey | undefined> {
  const file = await opened(path);
  if (file === undefined) return undefined;
  try {
    await checkFile(file, path);
    const bytes = Buffer.alloc(MASTER_KEY_BYTES + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead !== MASTER_KEY_BYTES)
      throw refusal(
        `the master key at ${path} has ${bytesRead > MASTER_KEY_BYTES ? "more" : bytesRead} bytes instead of ${MASTER_KEY_BYTES}: it is damaged or another file; put back a copy of it, without it sealed data cannot be read`,
      );
    return masterKey(bytes.subarray(0, MASTER_KEY_BYTES));
  } finally {
    await file.close();
  }
}

async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    // not through a link that somebody else may turn, and never waiting for a pipe
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw refusal(`the master key at ${path} is a symbolic link; name the file itself`, cause);
    throw refusal(
      `the master key at ${path} cannot be opened (${code}); it must be a file that only the user of this process may read`,
      cause,
    );
  }
}

async function checkFile(file: FileHandle, path: string): Promise<void> {
  const stat = await file.stat();
  if (!stat.isFile()) throw refusal(`the master key at ${path} is no plain file; remove what is there, or name another path`);
  if ((stat.mode & 0o077) !== 0)
    throw refusal(
      `the master key at ${path} may be read by others (mode ${(stat.mode & 0o777).toString(8).padStart(4, "0")}); if it was, replace it; then: chmod 600 ${path}`,
    );
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user && stat.uid !== 0)
    throw refusal(
      `the master key at ${path} belongs to user id ${stat.uid}, this process runs as ${user}; start as that user, or: chown ${user} ${path}`,
    );
}

/** Written aside and then linked to its place, which fails when another process was first: whether this one made it. */
async function makeFile(path: string): Promise<boolean> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeNew(aside, randomBytes(MASTER_KEY_BYTES));
    try {
      await link(aside, path);
    } finally {
      await unlink(aside);
    }
    await syncFolder(dirname(path));
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw refusal(
      `the master key cannot be made at ${path} (${codeOf(cause)}); make the folder writable for this user, free space there, or name another path`,
      cause,
    );
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** So that the key outlives a power cut that what it sealed outlives. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown error";

const refusal = (message: string, cause?: unknown): PortError => new PortError("refused", message, { cause, reason: "MasterKey" });
