import { isJsonObject, type ApiObject, type JsonObject } from "../api/client/json.ts";
import { at, listAt, textAt } from "../api/columns.ts";
import { eventTime, nameOf } from "./why-sentence.ts";

/** Something that happened: when, to what, by whom, why. */
export interface TimelineEntry {
  /** RFC 3339. */
  readonly time: string;
  readonly about: string;
  /** One word: the reason of an event, the condition, or the operation. */
  readonly what: string;
  readonly who: string;
  readonly why: string;
  readonly isWarning: boolean;
}

// Sources of entries, one function each.

/** A record of the audit or the timeline; `singular` names the kind it is about. Undefined for what other entries tell better. */
export function entryOfRecord(record: JsonObject, singular: (group: string, resource: string) => string): TimelineEntry | undefined {
  // what a controller found is told by its Event and the condition; that it was written down is no news
  if (textAt(record, "details", "subresource") === "status") return undefined;
  return {
    time: textAt(record, "at"),
    about: `${singular(textAt(record, "about", "group"), textAt(record, "about", "resource"))}/${textAt(record, "about", "name")}`,
    what: textAt(record, "reason"),
    who: textAt(record, "actor"),
    why: textAt(record, "details", "why") || changedText(record) || textAt(record, "message"),
    isWarning: false,
  };
}

/** The fields that an update changed, the first five. */
function changedText(record: JsonObject): string {
  if (textAt(record, "reason") === "Created") return "";
  const paths = listAt(record, "details", "changes").map((change) => textAt(change, "path"));
  return `${paths.slice(0, 5).join(", ")}${paths.length > 5 ? ` and ${paths.length - 5} more` : ""}`;
}

/** What controllers reported. */
export function entryOfEvent(event: JsonObject): TimelineEntry {
  const count = [at(event, "series", "count"), at(event, "count")].find((value) => typeof value === "number") ?? 1;
  return {
    time: eventTime(event),
    about: `${textAt(event, "involvedObject", "kind").toLowerCase()}/${textAt(event, "involvedObject", "name")}`,
    what: textAt(event, "reason"),
    who: textAt(event, "reportingComponent") || textAt(event, "source", "component"),
    why: `${textAt(event, "message").trim()}${typeof count === "number" && count > 1 ? ` (${count} times)` : ""}`,
    isWarning: textAt(event, "type") === "Warning",
  };
}

/**
 * What the object itself tells: since when each condition is as it is; and, where the audit may not be read (`withWrites`), when it was created and
 * when each manager wrote last.
 */
export function entriesOfObject(object: ApiObject, withWrites: boolean): readonly TimelineEntry[] {
  const about = nameOf(object);
  const entry = (time: string, what: string, who: string, why: string, isWarning = false): TimelineEntry => ({
    time,
    about,
    what,
    who,
    why,
    isWarning,
  });
  const writes = (object.metadata.managedFields ?? []).filter(isJsonObject).map((field) => {
    const subresource = textAt(field, "subresource");
    return entry(
      textAt(field, "time"),
      textAt(field, "operation") === "Apply" ? "Applied" : "Updated",
      textAt(field, "manager"),
      subresource === "" ? "the last write by this manager" : `the last write of ${subresource} by this manager`,
    );
  });
  const all = listAt(object, "status", "conditions");
  const readyMessage = textAt(
    all.find((condition) => textAt(condition, "type") === "Ready"),
    "message",
  );
  // Stalled and Reconciling repeat what Ready says, or say nothing
  const telling = all.filter(
    (condition) => textAt(condition, "type") === "Ready" || !["", readyMessage].includes(textAt(condition, "message")),
  );
  const conditions = telling.map((condition) => {
    const [type, state] = [textAt(condition, "type"), textAt(condition, "status")];
    const isBad = (type === "Ready" && state === "False") || (type === "Stalled" && state === "True");
    return entry(
      textAt(condition, "lastTransitionTime"),
      `${type}=${state}`,
      textAt(condition, "reason"),
      textAt(condition, "message"),
      isBad,
    );
  });
  const { creationTimestamp = "", deletionTimestamp = "" } = object.metadata;
  return [
    ...(withWrites ? [entry(creationTimestamp, "Created", "", ""), ...writes] : []),
    ...conditions,
    ...(deletionTimestamp === "" ? [] : [entry(deletionTimestamp, "Deleting", "", "deletion was asked for")]),
  ];
}

/** Oldest first, from `since` (milliseconds since the Unix epoch) on; what has no time is left out. */
export function timelineOf(entries: readonly TimelineEntry[], since: number | undefined): readonly TimelineEntry[] {
  const timed = entries.flatMap((entry) => {
    // a time in whole seconds is the end of that second: an event comes after the write that it tells of
    const epoch = Date.parse(entry.time.replace(/(:\d\d)Z$/, "$1.999Z"));
    return Number.isNaN(epoch) || (since !== undefined && epoch < since) ? [] : [{ epoch, entry }];
  });
  return timed.sort((a, b) => a.epoch - b.epoch).map(({ entry }) => entry);
}
