import { resourceVersion } from "../domain/object/api-object.ts";
import type { ObjectKey } from "../domain/object/api-object.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../domain/object/json.ts";
import { instant } from "../domain/units.ts";
import type { ArchiveEntry } from "../ports/archive.ts";
import type { StoredRecord } from "../ports/records.ts";

type Content = Exclude<ArchiveEntry, { type: "position" }>;

/** One entry of a backup as a line of JSON, newline included. The JSON of an object that is not sealed stands in it as it is. */
export function lineOf(entry: Content): string {
  switch (entry.type) {
    case "object": {
      const { type: _type, text, sealed, ...rest } = entry;
      const head = JSON.stringify(rest).slice(0, -1);
      return `{"object":${head},${sealed ? `"sealed":${JSON.stringify(text)}` : `"json":${text}`}}}\n`;
    }
    case "record":
      return `${JSON.stringify({ record: entry.record })}\n`;
    case "key":
      return `${JSON.stringify({ key: { name: entry.name, wrapped: Buffer.from(entry.value).toString("base64") } })}\n`;
  }
}

/** Undefined for a line that `lineOf` did not make. */
export function entryIn(line: string): Content | undefined {
  let value: JsonValue;
  try {
    value = JSON.parse(line) as JsonValue; // that is what JSON.parse gives
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { object, record, key } = value;
  if (isJsonObject(object)) return objectIn(object);
  if (isJsonObject(record)) return isRecord(record) ? { type: "record", record: recordOf(record) } : undefined;
  return isJsonObject(key) ? keyIn(key) : undefined;
}

function objectIn({ key, uid, resourceVersion: version, lastSeen, sealed, json }: JsonObject): Content | undefined {
  if (!isKey(key) || typeof uid !== "string" || !isPosition(version) || version < 1) return undefined;
  if (lastSeen !== undefined && typeof lastSeen !== "number") return undefined;
  const base = {
    type: "object",
    key,
    uid,
    resourceVersion: resourceVersion(version),
    ...(lastSeen === undefined ? {} : { lastSeen: instant(lastSeen) }),
  } as const;
  if (typeof sealed === "string") return { ...base, text: sealed, sealed: true };
  return isJsonObject(json) ? { ...base, text: JSON.stringify(json), sealed: false } : undefined;
}

function keyIn({ name, wrapped }: JsonObject): Content | undefined {
  if (typeof name !== "string" || typeof wrapped !== "string") return undefined;
  return { type: "key", name, value: new Uint8Array(Buffer.from(wrapped, "base64")) };
}

type RecordLine = StoredRecord & JsonObject;

function isRecord(record: JsonObject): record is RecordLine {
  const { position, at, type, about, uid, details, retention } = record;
  return (
    isPosition(position) &&
    typeof at === "number" &&
    (type === "audit" || type === "timeline") &&
    isKey(about) &&
    (uid === undefined || typeof uid === "string") &&
    [record["actor"], record["reason"], record["message"]].every((text) => typeof text === "string") &&
    isJsonObject(details) &&
    (retention === "short" || retention === "long")
  );
}

/** Only what a record has: a line may hold more. */
function recordOf({ position, at, type, about, uid, actor, reason, message, details, retention }: RecordLine): StoredRecord {
  return { position, at, type, about, ...(uid === undefined ? {} : { uid }), actor, reason, message, details, retention };
}

function isKey(value: JsonValue | undefined): value is ObjectKey & JsonObject {
  return isJsonObject(value) && ["group", "resource", "namespace", "name"].every((part) => typeof value[part] === "string");
}

const isPosition = (value: JsonValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
