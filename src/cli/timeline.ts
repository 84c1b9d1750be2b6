import { isJsonObject } from "../api/client/json.ts";
import { sinceOf } from "./duration-flag.ts";
import type { Exit } from "./exit-codes.ts";
import { outputOf } from "./output.ts";
import { tableLines } from "./print-table.ts";
import { valueText } from "./print-value.ts";
import type { CommonFlags, Session } from "./session.ts";
import { objectOf, requireKind, targetNamed } from "./targets.ts";
import { entriesOfObject, entryOfEvent, timelineOf, type TimelineEntry } from "./timeline-entries.ts";

export interface TimelineFlags extends CommonFlags {
  readonly since?: string;
}

/** What happened in a project, or to one object, oldest first: what, who, why. */
export async function timeline(session: Session, flags: TimelineFlags, text: string | undefined): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const since = flags.since === undefined ? undefined : sinceOf(flags.since, session.now());
  const entries = timelineOf(await entriesFor(session, flags, text), since);
  const { terminal } = session;
  if (format !== undefined)
    terminal.outStyled(
      await valueText(
        entries.map((entry) => ({ ...entry })),
        format,
      ),
    );
  else if (entries.length === 0)
    terminal.note(`nothing is known to have happened${flags.since === undefined ? "" : ` since ${flags.since}`}`);
  else {
    const lines = tableLines([
      ["TIME", "ABOUT", "WHAT", "WHO", "WHY"],
      ...entries.map(({ time, about, what, who, why }) => [time, about, what, who, why]),
    ]);
    terminal.outStyled(
      lines.map((line, index) => `${index > 0 && entries[index - 1]?.isWarning === true ? terminal.style("bad", line) : line}\n`).join(""),
    );
  }
  return "ok";
}

async function entriesFor(session: Session, flags: TimelineFlags, text: string | undefined): Promise<readonly TimelineEntry[]> {
  const events = await requireKind(session, "events", "");
  if (text === undefined) {
    const { items } = await session.client.list(events, { namespace: flags.allNamespaces === true ? "" : session.namespace });
    return items.filter(isJsonObject).map(entryOfEvent);
  }
  const object = await objectOf(session, await targetNamed(session, text));
  // by name and kind, not by uid: what happened to an earlier object of this name is part of the story
  const fields = `involvedObject.kind=${object.kind},involvedObject.name=${object.metadata.name ?? ""}`;
  const { items } = await session.client.list(events, { namespace: object.metadata.namespace ?? "default", fields });
  return [...entriesOfObject(object), ...items.filter(isJsonObject).map(entryOfEvent)];
}
