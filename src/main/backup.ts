import { randomBytes } from "node:crypto";
import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { once } from "node:events";
import { readJson, readText } from "../api/client/read-answer.ts";
import { statusIn } from "../api/client/status-error.ts";
import type { ApiAnswer, Transport } from "../api/client/transport.ts";
import type { ArchiveCounts } from "../ports/archive.ts";
import { PortError } from "../ports/port-error.ts";
import { readArchive, type ArchiveHeader } from "../server/archive-file.ts";
import { BACKUP_PATH } from "../server/archive-route.ts";

export interface Taken {
  readonly header: ArchiveHeader;
  readonly counts: ArchiveCounts;
}

/** Where the bytes of a backup go. `write` resolves when it may be called again. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** It is whole: make it last. */
  finish(): Promise<void>;
  /** It is not: leave nothing behind. */
  discard(): Promise<void>;
}

/** How long the server may send nothing, in milliseconds. */
const IDLE_MS = 120_000;

/**
 * Takes a backup from a running server and reads along, so that what is kept is known to be whole. Throws PortError (the server refuses, the disk is
 * full, the connection broke); then nothing is left at the sink.
 */
export async function backup(transport: Transport, sink: () => Promise<Sink>, release: string): Promise<Taken> {
  const headers = { accept: "application/gzip", "user-agent": `slipway-backup/${release}` };
  const answer = await transport.send({ method: "GET", path: BACKUP_PATH, headers, idleMs: IDLE_MS });
  if (answer.status !== 200) throw await refusal(answer);
  const into = await sink();
  try {
    const copy = new PassThrough();
    copy.on("error", () => undefined); // told by whoever reads or writes next
    const [read, copied] = await Promise.allSettled([readAlong(copy), copyTo(answer, into, copy)]);
    if (copied.status === "rejected") throw copied.reason;
    if (read.status === "rejected") throw read.reason;
    await into.finish();
    return read.value;
  } catch (error) {
    await into.discard();
    throw error;
  }
}

async function readAlong(copy: PassThrough): Promise<Taken> {
  try {
    const { header, entries } = await readArchive(copy, "what the server sent");
    for (;;) {
      const next = await entries.next();
      if (next.done === true) return { header, counts: next.value };
    }
  } catch (error) {
    copy.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function copyTo(answer: ApiAnswer, into: Sink, copy: PassThrough): Promise<void> {
  try {
    for await (const chunk of answer.body) {
      if (copy.destroyed) throw copy.errored ?? new Error("the copy was closed");
      await into.write(chunk);
      if (!copy.write(chunk)) await once(copy, "drain");
    }
    copy.end();
  } catch (error) {
    copy.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function refusal(answer: ApiAnswer): Promise<PortError> {
  const text = await readText(answer);
  const { code, message } = statusIn(answer.status, readJson(text), text);
  const wayOut: Readonly<Record<number, string>> = {
    401: "the token is not good any more; use the kubeconfig of the data directory, or a new token",
    403: `a backup holds everything, so only administrators may take one; use their kubeconfig, or grant "get" on the nonResourceURL ${BACKUP_PATH}`,
    404: "this server is too old to be backed up that way, or something else answers at this address",
  };
  return new PortError("refused", `the server gives no backup: ${message}${wayOut[code] === undefined ? "" : `; ${wayOut[code]}`}`, {
    reason: "BackupRefused",
  });
}

/** A file of its own beside the wanted one, 0600, that takes its name when it is whole. */
export async function fileSink(wanted: string): Promise<Sink> {
  const path = resolve(wanted);
  await assertReplaceable(path, wanted);
  const aside = `${path}.incomplete-${randomBytes(4).toString("hex")}`;
  const said = (error: unknown): unknown => writeProblem(error, wanted);
  const file = await open(aside, "wx", 0o600).catch((error: unknown) => {
    throw said(error);
  });
  return {
    write: async (bytes) => {
      await file.writeFile(bytes).catch((error: unknown) => {
        throw said(error);
      });
    },
    finish: async () => {
      try {
        await file.sync();
        await file.close();
        await rename(aside, path);
        const folder = await open(dirname(path), "r");
        await folder.sync().finally(() => folder.close());
      } catch (error) {
        throw said(error);
      }
    },
    discard: async () => {
      await file.close().catch(() => undefined);
      await rm(aside, { force: true });
    },
  };
}

/** Taking the name of a device or a pipe would remove it: as root, for the whole machine. A link is replaced, not what it points to. */
async function assertReplaceable(path: string, wanted: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isFile() || found.isSymbolicLink()) return;
  const what = found.isDirectory()
    ? "is a directory; name a file in it"
    : "is a device, a pipe or a socket; to write into it use --to - and redirect";
  throw new PortError("refused", `${wanted} ${what}`, { reason: "BadTarget" });
}

/** Standard output: what has gone out cannot be taken back, but its reader sees that the end is missing. */
export function streamSink(stream: Writable): Sink {
  let broken: Error | undefined;
  stream.on("error", (error) => {
    broken = error;
  });
  const write = async (bytes: Uint8Array): Promise<void> => {
    try {
      if (broken !== undefined) throw broken;
      if (!stream.write(bytes)) await once(stream, "drain");
    } catch (error) {
      throw writeProblem(error, "standard output");
    }
  };
  return {
    write,
    finish: () => write(new Uint8Array()),
    discard: () => Promise.resolve(),
  };
}

function writeProblem(error: unknown, wanted: string): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  const why: Readonly<Record<string, string>> = {
    ENOSPC: "the disk is full; free room there or name a file on another one",
    EDQUOT: "the quota of this user is used up; free room there or name a file on another disk",
    ENOENT: "the folder does not exist; make it first",
    EACCES: "this user may not write there; choose another folder",
    EROFS: "the file system is read-only; choose another folder",
    EPIPE: "its reader has gone",
    EFBIG: "the file system takes no file of this size; name a file on another one",
  };
  const text = why[String(error.code)] ?? error.message;
  return new PortError("notDone", `the backup cannot be written to ${wanted}: ${text}. Nothing is left there`, {
    reason: "BackupNotWritten",
    cause: error,
  });
}
