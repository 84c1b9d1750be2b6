import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readFile, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { PortError } from "../ports/port-error.ts";
import { lockDirectory } from "./data-directory-lock.ts";
import { slipwayVersion } from "./version.ts";

/** A data directory that is ours alone until `release`, and where everything in it stands. */
export interface DataDirectory {
  /** Absolute, without links. */
  readonly path: string;
  readonly kubeconfig: string;
  /** Handed to the embedded PostgreSQL, which makes and owns it. */
  readonly postgres: string;
  readonly blobs: string;
  readonly git: string;
  /** Gives the lock back. It is also gone when the process ends, however it ends. */
  release(): Promise<void>;
}

/** The version of the layout; a newer one is refused, an older one would be upgraded here. */
const format = 1;
const marker = "slipway.json";
const draftPrefix = ".slipway-draft-";
/** What a file system or a desktop puts into an empty folder. */
const ignored = ["lost+found", ".DS_Store"];
/** PostgreSQL keeps paths in 1024 bytes (MAXPGPATH in its source), and below this one stand names of up to 100. */
const longestPathBytes = 800;

/** Where things stand below a data directory. */
export function layout(path: string): Omit<DataDirectory, "release"> {
  return {
    path,
    kubeconfig: join(path, "kubeconfig"),
    postgres: join(path, "postgres"),
    blobs: join(path, "blobs"),
    git: join(path, "git"),
  };
}

export interface Surroundings {
  readonly root: boolean;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly xdgDataHome: string | undefined;
}

/** Pure. The default: for root /var/lib/slipway; else what the XDG base directory specification (0.8) says; on macOS in the library folder. */
export function defaultDataDirectory({ root, platform, home, xdgDataHome }: Surroundings): string {
  if (root) return "/var/lib/slipway";
  if (platform === "darwin") return join(home, "Library", "Application Support", "slipway");
  // "All paths set in these environment variables must be absolute", others are ignored
  if (xdgDataHome?.startsWith("/") === true) return join(xdgDataHome, "slipway");
  return join(home, ".local", "share", "slipway");
}

/** The default for this process. */
export function ownDataDirectory(): string {
  return defaultDataDirectory({
    root: process.geteuid?.() === 0,
    platform: process.platform,
    home: homedir(),
    xdgDataHome: process.env["XDG_DATA_HOME"],
  });
}

/**
 * Opens a data directory: makes it when it is absent or empty, refuses one that is not Slipway's, and takes its lock. Mode 0711 for root (PostgreSQL's user
 * passes through; secrets have 0600), else 0700. Throws `PortError` (`refused`) with what is wrong and the way out; an existing file is never changed then.
 */
export async function openDataDirectory(wanted: string): Promise<DataDirectory> {
  const path = await make(checkPath(resolve(wanted)));
  await assertOwn(path);
  await mark(path);
  const lock = await chmod(path, process.geteuid?.() === 0 ? 0o711 : 0o700)
    .then(() => lockDirectory(path))
    .catch((error: unknown) => {
      throw failed(path, error);
    });
  try {
    const places = layout(path);
    for (const folder of [places.blobs, places.git]) await mkdir(folder, { recursive: true, mode: 0o700 });
    return { ...places, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw failed(path, error);
  }
}

/** Throws for a path that PostgreSQL's files, or the shell that its initdb uses, would take for something else. Spaces and other letters are fine. */
export function checkPath(path: string): string {
  const shown = JSON.stringify(path);
  const bytes = Buffer.byteLength(path);
  if (bytes > longestPathBytes)
    throw refused(
      "BadPath",
      `the path of the data directory has ${bytes} bytes, PostgreSQL takes ${longestPathBytes}: ${shown.slice(0, 120)}…; choose a shorter one`,
    );
  // \p{Cc}: control characters; postmaster.pid is read line by line. U+FFFD: Node found bytes that are no UTF-8.
  const bad = /[\p{Cc}"$`\\\uFFFD]/u.exec(path)?.[0];
  if (bad !== undefined)
    throw refused(
      "BadPath",
      `the path of the data directory ${shown} holds the character ${JSON.stringify(bad)}, which PostgreSQL's tools cannot take; choose another path`,
    );
  return path;
}

async function make(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o711 });
    if (!(await stat(path)).isDirectory()) throw refused("BadPath", `${path} is a file; choose a directory, or move that file away`);
    return checkPath(await realpath(path));
  } catch (error) {
    throw failed(path, error);
  }
}

/** Root must not write secrets into a folder that somebody else can rename under its hands; nor can we change what belongs to another. */
async function assertOwn(path: string): Promise<void> {
  const me = process.geteuid?.();
  const { uid } = await stat(path);
  if (me === undefined || uid === me) return;
  const wayOut = me === 0 ? `give it to root ("chown root '${path}'")` : `run Slipway as that user (for root: with sudo)`;
  throw refused(
    "NoPermission",
    `the data directory ${path} belongs to the user with id ${uid}, and this is user ${me}; ${wayOut}, or choose another data directory`,
  );
}

/** Finds our mark, or puts it into an empty directory, before anything else is put there. */
async function mark(path: string): Promise<void> {
  const text = await readFile(join(path, marker), "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw failed(path, error);
  });
  if (text !== undefined) {
    assertKnown(path, text);
    return;
  }
  const names = await readdir(path).catch((error: unknown) => {
    throw failed(path, error);
  });
  const foreign = names.filter((name) => !ignored.includes(name) && !name.startsWith(draftPrefix));
  if (foreign.length > 0) {
    const some = foreign
      .slice(0, 3)
      .map((name) => JSON.stringify(name))
      .join(", ");
    throw refused(
      "ForeignDirectory",
      `${path} is not empty and not a data directory of Slipway (it has no ${marker}, but ${some}${foreign.length > 3 ? " and more" : ""}); choose an empty or new directory`,
    );
  }
  await writeMarker(path).catch((error: unknown) => {
    throw failed(path, error);
  });
}

function assertKnown(path: string, text: string): void {
  const found = parseMarker(text);
  if (found === undefined)
    throw refused(
      "CorruptDirectory",
      `${join(path, marker)} is damaged, so that the layout of this data directory is unknown; if it is Slipway's, write {"format":${format}} into it, else choose another directory`,
    );
  if (found > format)
    throw refused(
      "NewerFormat",
      `${path} was written by a newer Slipway (layout ${found}, this is ${slipwayVersion()} with layout ${format}); start it with that version, or \`slipway backup\` there and \`slipway restore\` here`,
    );
}

function parseMarker(text: string): number | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const found = typeof parsed === "object" && parsed !== null && "format" in parsed ? parsed.format : undefined;
    return typeof found === "number" && Number.isInteger(found) && found > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}

/** By rename, after a sync: it is there whole or not at all. */
async function writeMarker(path: string): Promise<void> {
  const draft = join(path, `${draftPrefix}${randomUUID()}`);
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ format, madeBy: slipwayVersion() })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(path, marker));
    const folder = await open(path, "r");
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function refused(reason: string, message: string, cause?: unknown): PortError {
  return new PortError("refused", message, { reason, cause });
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);

/** What the system said about the directory, in words that help. */
function failed(path: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const other = "or choose another data directory";
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
      return refused(
        "NoPermission",
        `the data directory ${path} cannot be made or written: no permission; allow this user to write in ${dirname(path)}, ${other}`,
        error,
      );
    case "EROFS":
      return refused(
        "ReadOnly",
        `the data directory ${path} is on a file system that is mounted read-only; mount it writable, ${other}`,
        error,
      );
    case "ENOSPC":
    case "EDQUOT":
      return refused("DiskFull", `the disk that holds the data directory ${path} is full; free at least 200 MB, ${other}`, error);
    case "ENOTDIR":
    case "EEXIST":
      return refused(
        "BadPath",
        `${path} cannot be a data directory: it, or something above it, is a file; move that file away, ${other}`,
        error,
      );
    case "ENAMETOOLONG":
    case "ELOOP":
      return refused(
        "BadPath",
        `${path} cannot be a data directory: a name in it is too long, or its links go in a circle; choose another path`,
        error,
      );
    default:
      return refused("BadDataDirectory", `the data directory ${path} cannot be used: ${String(error)}; mend that, ${other}`, error);
  }
}
