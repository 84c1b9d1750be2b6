import { derivationsOf } from "../api/derivations.ts";
import { wakesOf } from "../engine/wakes.ts";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { catalog } from "../api/catalog.ts";
import type { ArchiveCounts } from "../ports/archive.ts";
import type { Log } from "../ports/log.ts";
import { PortError } from "../ports/port-error.ts";
import { readArchive, type ArchiveHeader } from "../server/archive-file.ts";
import { openDataDirectory } from "./data-directory.ts";
import { keepKey, restoreKey } from "./restore-key.ts";
import type { Settings } from "./settings.ts";
import { openStore } from "./store.ts";

export interface RestoreOrder {
  readonly file: string;
  readonly masterKeyFile: string | undefined;
  /** As `serve` would have them there. */
  readonly settings: Settings;
}

export interface Restored {
  readonly header: ArchiveHeader;
  readonly counts: ArchiveCounts;
}

/**
 * Puts a backup into an empty data directory (or the empty database of DATABASE_URL). The file is read to its end and checked before anything is made; then
 * all comes in one transaction, so that a restore that is cut off can simply be run again. Throws PortError that says what is wrong and the way out.
 */
export async function restore({ file, masterKeyFile, settings }: RestoreOrder, log: Log): Promise<Restored> {
  const header = await checked(file);
  const { copyFrom } = await restoreKey(header.masterKeyFingerprint, masterKeyFile, settings.masterKey, settings.dataDirectory);
  const directory = await openDataDirectory(settings.dataDirectory);
  try {
    if (copyFrom !== undefined) await keepKey(copyFrom, directory.path);
    const masterKey = masterKeyFile === undefined ? settings.masterKey : ({ from: "dataDirectory" } as const);
    const opened = await openStore({ ...settings, masterKey }, directory, catalog, derivationsOf(catalog, wakesOf(catalog.kinds)), log);
    try {
      const { entries } = await readArchive(streamOf(file), file);
      return { header, counts: await opened.store.archive.restore(entries) };
    } finally {
      await opened.close();
    }
  } catch (error) {
    throw error instanceof PortError && error.reason === "StoreNotEmpty" ? notEmpty(settings, error) : readable(error, file);
  } finally {
    await directory.release();
  }
}

/** Reads all of it once, before anything is made. */
async function checked(file: string): Promise<ArchiveHeader> {
  try {
    const { header, entries } = await readArchive(streamOf(file), file);
    for await (const _batch of entries);
    return header;
  } catch (error) {
    throw readable(error, file);
  }
}

const streamOf = (file: string): Readable => createReadStream(file, { highWaterMark: 1024 * 1024 });

function notEmpty(settings: Settings, cause: unknown): PortError {
  const what = settings.databaseUrl === undefined ? `the data directory ${settings.dataDirectory}` : "the database of DATABASE_URL";
  return new PortError(
    "refused",
    `${what} already holds a Slipway, and a backup is restored onto an empty one only; choose another (--data, DATABASE_URL), or move that one aside first`,
    { reason: "StoreNotEmpty", cause },
  );
}

/** An error of the system about the file, in words; others pass. */
function readable(error: unknown, file: string): unknown {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const why: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file; correct the path",
    EACCES: "this user may not read it; run as its owner",
    EISDIR: "it is a directory; name the file in it",
  };
  return new PortError("refused", `the backup ${file} cannot be read: ${why[String(error.code)] ?? error.message}`, {
    reason: "UnreadableBackup",
    cause: error,
  });
}
