import type { ServedKind } from "../api/client/discovery.ts";
import { isApiObject, type JsonObject } from "../api/client/json.ts";
import type { Exit } from "./exit-codes.ts";
import { outputOf } from "./output.ts";
import { printable } from "./printable.ts";
import { jsonLine, valueText } from "./print-value.ts";
import type { CommonFlags, Session } from "./session.ts";
import {
  changeLine,
  fittingLines,
  inOrder,
  isSameState,
  itemJson,
  KINDS,
  pictureLines,
  statusItem,
  type StatusItem,
  summary,
} from "./status-picture.ts";
import { requireKind } from "./targets.ts";

export interface StatusFlags extends CommonFlags {
  readonly watch?: boolean;
}

/** The picture of a project: what is read, what is applied, and what is in the way. With --watch it stays up to date until it is interrupted. */
export async function status(session: Session, flags: StatusFlags): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml"]);
  const kinds: ServedKind[] = [];
  for (const resource of ["gitrepositories", "syncs", "releasebindings"]) kinds.push(await requireKind(session, resource, "slipway.dev"));
  if (flags.watch === true) return watchStatus(session, flags, kinds, format);
  const namespace = flags.allNamespaces === true ? "" : session.namespace;
  const lists = await Promise.all(kinds.map((kind) => session.client.list(kind, { namespace })));
  const items = inOrder(lists.flatMap((list) => list.items.filter(isApiObject).map(statusItem)));
  const { terminal } = session;
  if (format !== undefined) terminal.outStyled(await valueText({ ready: items.every(isReady), items: items.map(itemJson) }, format));
  else if (items.length === 0) terminal.note(nothingText(session, flags));
  else terminal.outStyled([...pictureLines(items, session.now(), terminal.style, frameOf(flags)), "", summary(items), ""].join("\n"));
  return "ok";
}

const isReady = (item: StatusItem): boolean => item.ready === "True";
const frameOf = (flags: StatusFlags): { readonly withNamespace: boolean } => ({ withNamespace: flags.allNamespaces === true });

const nothingText = (session: Session, flags: StatusFlags): string =>
  `there is no ${KINDS.join(", ")} ${flags.allNamespaces === true ? "on this server" : `in namespace ${session.namespace}`}; make one with \`slipway apply -f FILE\``;

/** What was last known of every object, by kind and place. */
type Known = Map<string, StatusItem>;

async function watchStatus(
  session: Session,
  flags: StatusFlags,
  kinds: readonly ServedKind[],
  format: "json" | "yaml" | undefined,
): Promise<Exit> {
  const known: Known = new Map();
  const stop = new AbortController();
  const isPicture = format === undefined && session.terminal.live;
  const listed = new Set<ServedKind>();
  const show = async (changes: readonly StatusItem[]): Promise<void> => {
    if (isPicture && listed.size === kinds.length) redraw(session, flags, known);
    if (isPicture) return;
    for (const item of changes) await printChange(session, item, format);
  };
  const ticking = isPicture ? setInterval(() => redraw(session, flags, known), 1000) : undefined;
  try {
    // The first watch that fails ends them all: half a picture would be a wrong one.
    await Promise.all(
      kinds.map(async (kind) => {
        const namespace = flags.allNamespaces === true ? "" : session.namespace;
        for await (const event of session.client.watch(kind, { namespace }, stop.signal)) {
          listed.add(kind);
          const changes =
            event.type === "listed"
              ? replaceAll(known, kind, event.items)
              : replaceOne(known, kind, event.object, event.type === "deleted");
          await show(changes);
        }
      }),
    );
  } finally {
    clearInterval(ticking);
    stop.abort();
  }
  return "ok";
}

const keyOf = (kind: ServedKind, { namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${kind.resource}/${namespace}/${name}`;

function replaceAll(known: Known, kind: ServedKind, items: readonly JsonObject[]): readonly StatusItem[] {
  const objects = items.filter(isApiObject);
  const there = new Set(objects.map((object) => keyOf(kind, statusItem(object))));
  const gone = [...known].filter(([key]) => key.startsWith(`${kind.resource}/`) && !there.has(key));
  for (const [key] of gone) known.delete(key);
  return [...gone.map(([, item]) => deleted(item)), ...objects.flatMap((object) => replaceOne(known, kind, object, false))];
}

function replaceOne(known: Known, kind: ServedKind, object: JsonObject, isDeleted: boolean): readonly StatusItem[] {
  if (!isApiObject(object)) return [];
  const item = statusItem(object);
  const key = keyOf(kind, item);
  if (isDeleted) return known.delete(key) ? [deleted(item)] : [];
  if (isSameState(known.get(key), item)) return [];
  known.set(key, item);
  return [item];
}

const deleted = (item: StatusItem): StatusItem => ({ ...item, ready: "Unknown", reason: "Deleted", blockedBy: "it was deleted" });

function redraw(session: Session, flags: StatusFlags, known: Known): void {
  const { terminal } = session;
  const items = [...known.values()];
  const frame = { ...frameOf(flags), columns: terminal.columns };
  const lines =
    items.length === 0
      ? [printable(nothingText(session, flags)).slice(0, terminal.columns)]
      : pictureLines(items, session.now(), terminal.style, frame);
  terminal.redraw([...fittingLines(lines, terminal.rows), summary(items)]);
}

async function printChange(session: Session, item: StatusItem, format: "json" | "yaml" | undefined): Promise<void> {
  const { terminal } = session;
  const time = `${new Date(session.now()).toISOString().slice(0, 19)}Z`;
  if (format === "json") terminal.outStyled(jsonLine({ time, ...itemJson(item) }));
  else if (format === "yaml") terminal.outStyled(`---\n${await valueText({ time, ...itemJson(item) }, "yaml")}`);
  else terminal.out(`${changeLine(time, item)}\n`);
}
