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

// Sources of entries, one function each: records of the audit are a further one.

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

/** What the object itself tells: when it was created, when each manager wrote last, since when each condition is as it is. */
export function entriesOfObject(object: ApiObject): readonly TimelineEntry[] {
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
    entry(creationTimestamp, "Created", "", ""),
    ...writes,
    ...conditions,
    ...(deletionTimestamp === "" ? [] : [entry(deletionTimestamp, "Deleting", "", "deletion was asked for")]),
  ];
}

/** Oldest first, from `since` (milliseconds since the Unix epoch) on; what has no time is left out. */
export function timelineOf(entries: readonly TimelineEntry[], since: number | undefined): readonly TimelineEntry[] {
  const timed = entries.flatMap((entry) => {
    const epoch = Date.parse(entry.time);
    return Number.isNaN(epoch) || (since !== undefined && epoch < since) ? [] : [{ epoch, entry }];
  });
  return timed.sort((a, b) => a.epoch - b.epoch).map(({ entry }) => entry);
}
