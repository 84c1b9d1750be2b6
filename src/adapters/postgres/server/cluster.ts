import { randomBytes, randomUUID } from "node:crypto";
import { chown, mkdir, open, readFile, readdir, rename, rm, rmdir, statfs } from "node:fs/promises";
import { endianness } from "node:os";
import { join } from "node:path";
import { PortError } from "../../../ports/port-error.ts";
import type { Binaries } from "./binaries.ts";
import { runAs } from "./run-as.ts";
import type { SystemUser } from "./run-as.ts";
import { initdbArguments } from "./settings.ts";
import { explainStartFailure, folderError } from "./start-failure.ts";

/** A database that initdb finished, as its files tell. */
export interface Cluster {
  readonly major: number;
  /** Given by initdb once and for all; in decimal. */
  readonly systemIdentifier: string;
}

/** Our mark inside the data folder: written before the folder gets its final name, so a folder with that name and no mark is not ours or damaged. */
const mark = "slipway.json";
const draftPrefix = "data-incomplete-";
const neededBytes = 200 * 1024 * 1024;

/** What is in `data`: nothing, or a database. Throws for anything else; never changes it. */
export async function inspectCluster(data: string): Promise<Cluster | "absent"> {
  const names = await readdir(data).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw unreadable(data, error);
  });
  if (names.length === 0) return "absent";
  const [version, marked, identifier] = await Promise.all([readVersion(data), readMark(data), readSystemIdentifier(data)]);
  const whatIsWrong = [
    version === undefined ? "PG_VERSION is missing or unreadable" : undefined,
    marked === undefined ? `${mark} is missing or unreadable` : undefined,
    identifier === undefined ? "global/pg_control is missing or cut short" : undefined,
    marked !== undefined && identifier !== undefined && marked !== identifier
      ? `${mark} names the database ${marked}, the files are of ${identifier}`
      : undefined,
  ].filter((problem) => problem !== undefined);
  if (version === undefined || identifier === undefined || whatIsWrong.length > 0) throw corrupt(data, whatIsWrong.join("; "));
  return { major: version, systemIdentifier: identifier };
}

function corrupt(data: string, what: string): PortError {
  return new PortError(
    "refused",
    `${data} is not empty and holds no whole database of Slipway: ${what}. If it belongs to something else, choose another data directory; ` +
      "if it was Slipway's, move the folder aside (do not delete it), and `slipway restore` the last backup",
    { reason: "CorruptDatabase" },
  );
}

function unreadable(path: string, cause: unknown): PortError {
  return new PortError(
    "refused",
    `${path} cannot be read: ${String(cause)}; run Slipway as the user that owns it, or choose another data directory`,
    {
      cause,
      reason: "NoPermission",
    },
  );
}

async function readVersion(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, "PG_VERSION"), "utf8").catch(() => "");
  return /^\d{1,3}\n?$/.test(text) ? Number(text) : undefined;
}

async function readMark(data: string): Promise<string | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(data, mark), "utf8"));
    return typeof parsed === "object" && parsed !== null && "systemIdentifier" in parsed ? String(parsed.systemIdentifier) : undefined;
  } catch {
    return undefined;
  }
}

/** The first eight bytes of pg_control, in the machine's byte order (ControlFileData in PostgreSQL's src/include/catalog/pg_control.h). */
async function readSystemIdentifier(data: string): Promise<string | undefined> {
  const bytes = await readFile(join(data, "global", "pg_control")).catch(() => Buffer.alloc(0));
  if (bytes.length < 288) return undefined;
  return (endianness() === "LE" ? bytes.readBigUInt64LE(0) : bytes.readBigUInt64BE(0)).toString();
}

export interface NewCluster {
  readonly directory: string;
  readonly data: string;
  readonly user: SystemUser | undefined;
  readonly binaries: Binaries;
  readonly password: string;
  readonly signal: AbortSignal;
}

/** Makes a database in `data`, which then is whole and on the disk. Killed at any point it leaves only a draft, which `removeDrafts` clears away. */
export async function createCluster(wanted: NewCluster): Promise<Cluster> {
  const draft = join(wanted.directory, `${draftPrefix}${randomUUID()}`);
  const passwordFile = `${draft}.password`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeSecret(passwordFile, wanted.password);
    if (wanted.user !== undefined) for (const path of [draft, passwordFile]) await chown(path, wanted.user.uid, wanted.user.gid);
    await initialise(wanted, draft, passwordFile);
    const systemIdentifier = await readSystemIdentifier(draft);
    if (systemIdentifier === undefined) throw new PortError("notDone", `initdb left no pg_control in ${draft}; start again`);
    await writeSecret(join(draft, mark), `${JSON.stringify({ format: 1, systemIdentifier })}\n`);
    if (wanted.user !== undefined) await chown(join(draft, mark), wanted.user.uid, wanted.user.gid);
    await syncFolder(draft);
    await rmdir(wanted.data).catch(() => undefined); // an empty folder, as inspectCluster saw
    await rename(draft, wanted.data);
    await syncFolder(wanted.directory);
    return { major: wanted.binaries.major, systemIdentifier };
  } catch (cause) {
    await rm(draft, { recursive: true, force: true, maxRetries: 5 });
    wanted.signal.throwIfAborted();
    throw folderError("making the database", wanted.directory, cause);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Clears away what a killed `createCluster` left. An initdb that lost its parent may still write there for a second: tried again. */
export async function removeDrafts(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(draftPrefix) || name.startsWith("bin-incomplete-"));
  for (const name of names) await rm(join(directory, name), { recursive: true, force: true, maxRetries: 8, retryDelay: 100 });
}

/** Free bytes for an unprivileged user on the file system that holds `path`. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Throws when there is less room than a new database, its log and the programs take: better now than half-way. */
export function assertRoom(directory: string, free: number): void {
  if (free >= neededBytes) return;
  throw new PortError(
    "notDone",
    `the disk that holds ${directory} has ${Math.floor(free / 1024 / 1024)} MB free, a new database needs 200 MB; free some, or choose another data directory`,
    { reason: "DiskFull" },
  );
}

async function initialise(wanted: NewCluster, draft: string, passwordFile: string): Promise<void> {
  const args = initdbArguments(draft, passwordFile, wanted.binaries.major);
  const { status, output } = await runAs(wanted.user, join(wanted.binaries.bin, "initdb"), args, {
    signal: wanted.signal,
    timeoutSeconds: 300,
  });
  if (status === 0) return;
  const failure = explainStartFailure(output);
  throw new PortError(
    "notDone",
    `initdb could not make a database in ${wanted.directory}: ${failure.advice}\n${output.slice(-2000)}\n(${status})`,
    {
      reason: failure.reason,
    },
  );
}

/** The superuser's password: 256 random bits in a file that only we read. Made anew when the file is gone or damaged. */
export async function readPassword(directory: string): Promise<string> {
  const path = join(directory, "password");
  const text = (await readFile(path, "utf8").catch(() => "")).trim();
  if (/^[\w-]{43}$/.test(text)) return text;
  const password = randomBytes(32).toString("base64url");
  const draft = join(directory, `${draftPrefix}${randomUUID()}.password`);
  await writeSecret(draft, `${password}\n`);
  await rename(draft, path);
  await syncFolder(directory);
  return password;
}

async function writeSecret(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
