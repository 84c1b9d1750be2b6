import { createHash } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";
import { resourceVersion } from "../domain/object/api-object.ts";
import type { ResourceVersion } from "../domain/object/api-object.ts";
import { counted, NOTHING_COUNTED } from "../ports/archive.ts";
import type { ArchiveCounts, ArchiveEntry } from "../ports/archive.ts";
import { PortError } from "../ports/port-error.ts";
import { entryIn, lineOf } from "./archive-line.ts";

/**
 * The file of a backup: gzip'd lines of JSON. The first says what it is, each further one is an object, a record or a key, the last one counts them and
 * carries the SHA-256 of all lines before it, so that a part or a changed file is never taken for a backup.
 */
export interface ArchiveHeader {
  readonly format: typeof FORMAT;
  readonly formatVersion: number;
  readonly slipwayVersion: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Where the store stood: a watch can go on from here. */
  readonly resourceVersion: ResourceVersion;
  readonly lastRecord: number;
  /** Of the master key that the secrets and keys within are sealed with. */
  readonly masterKeyFingerprint: string;
}

const FORMAT = "slipway-backup";
/** Raised when an older program could no longer restore what this one writes. */
const FORMAT_VERSION = 1;
/** An object has at most 256 KiB, escaped and sealed a few times that; a record less. */
const LONGEST_LINE = 16 * 1024 * 1024;

export type NewHeader = Pick<ArchiveHeader, "slipwayVersion" | "createdAt" | "masterKeyFingerprint">;

/** The bytes of a backup file, made as they are read; an error of `batches` ends them with that error. */
export function writeArchive(header: NewHeader, batches: AsyncIterable<readonly ArchiveEntry[]>): Readable {
  const gzip = createGzip({ level: 6 });
  pipeline(Readable.from(textOf(header, batches), { highWaterMark: 1 }), gzip, () => undefined); // an error destroys gzip, whose reader sees it
  return gzip;
}

async function* textOf(header: NewHeader, batches: AsyncIterable<readonly ArchiveEntry[]>): AsyncGenerator<string> {
  const hash = createHash("sha256");
  let counts = NOTHING_COUNTED;
  for await (const batch of batches) {
    const text = batch.map((entry) => (entry.type === "position" ? headerLine(header, entry) : lineOf(entry))).join("");
    hash.update(text);
    counts = counted(counts, batch);
    yield text;
  }
  yield `${JSON.stringify({ end: true, counts, sha256: hash.digest("hex") })}\n`;
}

function headerLine(header: NewHeader, { resourceVersion: version, lastRecord }: Extract<ArchiveEntry, { type: "position" }>): string {
  return `${JSON.stringify({ format: FORMAT, formatVersion: FORMAT_VERSION, ...header, resourceVersion: version, lastRecord })}\n`;
}

export interface ReadArchive {
  readonly header: ArchiveHeader;
  /** To be read once. Its end says that the file was whole and unaltered; else it throws PortError `refused`. */
  readonly entries: AsyncGenerator<readonly ArchiveEntry[], ArchiveCounts>;
}

/** Reads a backup. `name` is the file's, for messages. Throws PortError `refused` for what is none, or a newer one; errors of the system pass. */
export async function readArchive(bytes: Readable, name: string): Promise<ReadArchive> {
  const lines = linesOf(bytes, name);
  const first = await lines.next();
  if (first.done === true) throw refused("NotABackup", `${name} is empty; name a file that \`slipway backup\` has written`);
  const header = await headerIn(first.value, name, lines);
  return { header, entries: entriesOf(header, first.value, lines, name) };
}

const BATCH_CHARACTERS = 2 * 1024 * 1024;
const BATCH_LINES = 1000;

async function* entriesOf(
  { resourceVersion: version, lastRecord }: ArchiveHeader,
  firstLine: string,
  lines: AsyncGenerator<string>,
  name: string,
): AsyncGenerator<readonly ArchiveEntry[], ArchiveCounts> {
  const hash = createHash("sha256").update(firstLine).update("\n");
  let counts = NOTHING_COUNTED;
  let batch: ArchiveEntry[] = [{ type: "position", resourceVersion: version, lastRecord }];
  let size = 0;
  let number = 1;
  for await (const line of lines) {
    number++;
    if (line.startsWith('{"end":')) {
      if (batch.length > 0) yield batch;
      counts = counted(counts, batch);
      const after = await lines.next();
      if (after.done !== true) throw altered(name, "it goes on after its end");
      checkEnd(line, counts, hash.digest("hex"), name);
      return counts;
    }
    hash.update(line).update("\n");
    const entry = entryIn(line);
    if (entry === undefined) throw altered(name, `line ${number} is none of a backup`);
    batch.push(entry);
    size += line.length;
    if (size < BATCH_CHARACTERS && batch.length < BATCH_LINES) continue;
    yield batch;
    counts = counted(counts, batch);
    batch = [];
    size = 0;
  }
  throw truncated(name);
}

function checkEnd(line: string, counts: ArchiveCounts, sha256: string, name: string): void {
  const end = parsed(line);
  const wanted = JSON.stringify({ end: true, counts, sha256 });
  if (JSON.stringify(end) !== wanted) throw altered(name, "its checksum or its counts are not those of its content");
}

async function headerIn(line: string, name: string, rest: AsyncGenerator<string>): Promise<ArchiveHeader> {
  try {
    return headerOf(line, name);
  } catch (error) {
    await rest.return(undefined);
    throw error;
  }
}

function headerOf(line: string, name: string): ArchiveHeader {
  const header = parsed(line);
  const none = () => refused("NotABackup", `${name} is not a backup of Slipway; name a file that \`slipway backup\` has written`);
  if (typeof header !== "object" || header === null || !("format" in header) || header.format !== FORMAT) throw none();
  const found: Partial<Record<keyof ArchiveHeader, unknown>> = header;
  const { formatVersion, slipwayVersion, createdAt, resourceVersion: version, lastRecord, masterKeyFingerprint } = found;
  if (typeof formatVersion !== "number") throw none();
  if (formatVersion > FORMAT_VERSION)
    throw refused(
      "NewerBackup",
      `${name} was written by a newer Slipway (${String(slipwayVersion)}, backup format ${formatVersion}; this program reads up to ${FORMAT_VERSION}); restore it with that version or a newer one`,
    );
  const isSound =
    typeof slipwayVersion === "string" &&
    typeof createdAt === "string" &&
    isPosition(version) &&
    version >= 1 &&
    isPosition(lastRecord) &&
    typeof masterKeyFingerprint === "string";
  if (!isSound) throw altered(name, "its first line is damaged");
  return {
    format: FORMAT,
    formatVersion,
    slipwayVersion,
    createdAt,
    resourceVersion: resourceVersion(version),
    lastRecord,
    masterKeyFingerprint,
  };
}

const isPosition = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

async function* linesOf(bytes: Readable, name: string): AsyncGenerator<string> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  pipeline(bytes, gunzip, () => undefined); // an error destroys gunzip, whose reader sees it
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let isFirst = true;
  try {
    for await (const chunk of gunzip) {
      const [first = "", ...more] = decoder.decode(chunk as Uint8Array, { stream: true }).split("\n"); // zlib gives nothing else
      const lines = [rest + first, ...more]; // only what is new is looked through
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) throw altered(name, "a line is longer than any of a backup");
      for (const line of lines) {
        yield line;
        isFirst = false;
      }
    }
  } catch (error) {
    throw unreadable(error, name, isFirst);
  }
  if (rest !== "")
    throw isFirst
      ? refused("NotABackup", `${name} is not a backup of Slipway; name a file that \`slipway backup\` has written`)
      : truncated(name);
}

/** What zlib and the decoder say, in words: https://nodejs.org/api/zlib.html and ERR_ENCODING_INVALID_ENCODED_DATA of TextDecoder. */
function unreadable(error: unknown, name: string, isFirst: boolean): unknown {
  if (error instanceof PortError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "Z_BUF_ERROR") return truncated(name);
  if (code === "Z_DATA_ERROR" && isFirst && /header/.test(String(error)))
    return refused(
      "NotABackup",
      `${name} is not a backup of Slipway (it is not gzip); name a file that \`slipway backup\` has written`,
      error,
    );
  if (code.startsWith("Z_") || code === "ERR_ENCODING_INVALID_ENCODED_DATA") return altered(name, "its bytes are damaged", error);
  return error;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const refused = (reason: string, message: string, cause?: unknown): PortError => new PortError("refused", message, { reason, cause });
const altered = (name: string, what: string, cause?: unknown): PortError =>
  refused("AlteredBackup", `${name} was altered or damaged after it was written: ${what}; use another copy or an earlier backup`, cause);
const truncated = (name: string): PortError =>
  refused("TruncatedBackup", `${name} ends too early: a part of the backup is missing; copy it again, or use an earlier backup`);
