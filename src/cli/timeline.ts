import type { Selection } from "../api/client/client.ts";
import type { ServedKind } from "../api/client/discovery.ts";
import { isJsonObject, type JsonObject } from "../api/client/json.ts";
import { StatusError } from "../api/client/status-error.ts";
import { textAt } from "../api/columns.ts";
import { sinceOf } from "./duration-flag.ts";
import type { Exit } from "./exit-codes.ts";
import { outputOf } from "./output.ts";
import { tableLines } from "./print-table.ts";
import { valueText } from "./print-value.ts";
import type { CommonFlags, Session } from "./session.ts";
import { notFound, objectIfThere, requireKind, targetNamed } from "./targets.ts";
import { entriesOfObject, entryOfEvent, entryOfRecord, timelineOf, type TimelineEntry } from "./timeline-entries.ts";

export interface TimelineFlags extends CommonFlags {
  readonly since?: string;
}

/** What happened in a project, or to one object, oldest first: what, who, why. */
export async function timeline(session: Session, flags: TimelineFlags, text: string | undefined): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const since = flags.since === undefined ? undefined : sinceOf(flags.since, session.now());
  const entries = timelineOf(await entriesFor(session, flags, text, since), since);
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
      ...entries.map(({ time, about, what, who, why }) => [secondsOnly(time), about, what, who, why]),
    ]);
    terminal.outStyled(
      lines.map((line, index) => `${index > 0 && entries[index - 1]?.isWarning === true ? terminal.style("bad", line) : line}\n`).join(""),
    );
  }
  return "ok";
}

async function entriesFor(
  session: Session,
  flags: TimelineFlags,
  text: string | undefined,
  since: number | undefined,
): Promise<readonly TimelineEntry[]> {
  const events = await requireKind(session, "events", "");
  if (text === undefined) {
    const namespace = flags.allNamespaces === true ? "" : session.namespace;
    const { items } = await session.client.list(events, { namespace });
    const records = await recordEntries(session, { namespace }, since);
    return [...items.filter(isJsonObject).map(entryOfEvent), ...(records ?? [])];
  }
  const target = await targetNamed(session, text);
  const object = await objectIfThere(session, target);
  const { name, namespace } = target.place;
  // by name and kind, not by uid: what happened to an earlier object of this name is part of the story
  const fields = `involvedObject.kind=${target.kind.kind},involvedObject.name=${name}`;
  const { items } = await session.client.list(events, { namespace: namespace === "" ? "default" : namespace, fields });
  const about = `about.group=${target.kind.group},about.resource=${target.kind.resource},about.name=${name}`;
  const records = await recordEntries(session, { namespace: namespace === "" ? CLUSTER_RECORDS : namespace, fields: about }, since);
  const happened = [...items.filter(isJsonObject).map(entryOfEvent), ...(records ?? [])];
  // of what is gone the story is still there
  if (object === "absent" && happened.length === 0) throw await notFound(session.client, target, undefined);
  return typeof object === "string" ? happened : [...entriesOfObject(object, records === undefined), ...happened];
}

/** Where records of things in no namespace are: api/record-kind.ts. Not imported, for that would load every schema. */
const CLUSTER_RECORDS = "kube-system";
const MOST_RECORDS = 2000;

/** The newest records, at most 2,000 of each kind; undefined where this user may not read the audit. */
async function recordEntries(
  session: Session,
  selection: Selection,
  since: number | undefined,
): Promise<readonly TimelineEntry[] | undefined> {
  const kinds = await session.client.kinds();
  const singular = (group: string, resource: string): string =>
    kinds.find((kind) => kind.group === group && kind.resource === resource)?.singular ?? resource;
  const entries: TimelineEntry[] = [];
  let mayReadAudit = false;
  for (const kind of kinds.filter(({ resource }) => ["auditrecords", "timelinerecords"].includes(resource))) {
    try {
      for (const record of await newestRecords(session, kind, selection, since)) {
        const entry = entryOfRecord(record, singular);
        if (entry !== undefined) entries.push(entry);
      }
      if (kind.resource === "auditrecords") mayReadAudit = true;
    } catch (error) {
      if (!(error instanceof StatusError) || error.status.code !== 403) throw error;
      session.terminal.note(`${session.access.user} may not read ${kind.resource} here; what they tell is left out`);
    }
  }
  return mayReadAudit ? entries : undefined;
}

async function newestRecords(
  session: Session,
  kind: ServedKind,
  selection: Selection,
  since: number | undefined,
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for await (const { items } of session.client.pages(kind, selection)) {
    found.push(...items);
    const oldest = items.at(-1);
    if (found.length >= MOST_RECORDS || (since !== undefined && oldest !== undefined && Date.parse(textAt(oldest, "at")) < since)) break;
  }
  return found.slice(0, MOST_RECORDS);
}

/** Records carry milliseconds, events do not; programs get them as they are. */
const secondsOnly = (time: string): string => time.replace(/\.\d+(?=Z$)/, "");
