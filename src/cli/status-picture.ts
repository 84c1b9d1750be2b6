import type { ApiObject, JsonObject } from "../api/client/json.ts";
import { at, conditionOf, textAt } from "../api/columns.ts";
import { ageOfTime } from "./age.ts";
import { fitting, tableLines } from "./print-table.ts";
import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

/** One object in the picture of a project. */
export interface StatusItem {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly ready: "True" | "False" | "Unknown" | "Suspended";
  readonly reason: string;
  /** What is in force: a commit, a release. */
  readonly applied: string;
  readonly created: string;
  /** What is in the way; "" when it is ready. */
  readonly blockedBy: string;
}

/** Pure. What the picture says of one object. */
export function statusItem(object: ApiObject): StatusItem {
  const ready = conditionOf(object, "Ready");
  const suspended = at(object, "spec", "suspend") === true;
  const state = suspended ? "Suspended" : (ready?.status ?? "Unknown");
  const fact = textAt(object, "status", "blockedBy") || (ready === undefined ? "nobody has looked at it yet" : (ready.message ?? ""));
  return {
    kind: object.kind,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name ?? "",
    ready: state,
    reason: ready?.reason ?? "",
    applied: appliedText(object),
    created: object.metadata.creationTimestamp ?? "",
    blockedBy: state === "True" ? "" : suspended ? "somebody set spec.suspend" : fact,
  };
}

function appliedText(object: ApiObject): string {
  switch (object.kind) {
    case "GitRepository":
      return textAt(object, "status", "artifact", "commit").slice(0, 12);
    case "Sync": {
      const objects = at(object, "status", "counts", "objects");
      const commit = textAt(object, "status", "commit").slice(0, 12);
      return commit === "" || typeof objects !== "number" ? commit : `${commit} (${objects} ${objects === 1 ? "object" : "objects"})`;
    }
    case "ReleaseBinding":
      return textAt(object, "spec", "release");
    default:
      return "";
  }
}

/** Sources before what is made of them, then by name. */
export const KINDS = ["GitRepository", "Sync", "ReleaseBinding"];

export function inOrder(items: readonly StatusItem[]): readonly StatusItem[] {
  const rank = ({ kind, namespace, name }: StatusItem): string => `${namespace}\0${KINDS.indexOf(kind)}\0${name}`;
  return [...items].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

export interface Frame {
  readonly withNamespace: boolean;
  /** Lines are cut, and sentences wrapped, at this width; absent: as long as they are. */
  readonly columns?: number;
}

/** Pure. The picture as lines: a row for each object, and below what is not ready the one fact in its way. The lines are safe to print. */
export function pictureLines(items: readonly StatusItem[], now: number, style: Terminal["style"], frame: Frame): readonly string[] {
  const { withNamespace, columns = Infinity } = frame;
  const head = [...(withNamespace ? ["NAMESPACE"] : []), "KIND", "NAME", "READY", "APPLIED", "AGE"];
  const ordered = inOrder(items);
  const rows = ordered.map(({ namespace, kind, name, ready, applied, created }) => [
    ...(withNamespace ? [namespace] : []),
    kind,
    name,
    ready,
    applied === "" ? "-" : applied,
    ageOfTime(created, now),
  ]);
  const [heading = "", ...lines] = tableLines([head, ...rows]).map((line) => fitting(line, columns));
  return [
    style("bold", heading),
    ...lines.flatMap((line, index) => {
      const item = ordered[index];
      if (item === undefined || item.ready === "True") return [line];
      return [
        style(item.ready === "False" ? "bad" : "dim", line),
        ...wrapped(`because: ${printable(item.blockedBy)}`, columns - 2).map((part) => `  ${part}`),
      ];
    }),
  ];
}

/** Breaks a printable text at blanks, and in a word that is longer than a line. */
function wrapped(text: string, columns: number): readonly string[] {
  if (text.length <= Math.max(columns, 20)) return [text];
  const width = Math.max(columns, 20);
  const blank = text.lastIndexOf(" ", width);
  const end = blank > width / 2 ? blank : width;
  return [text.slice(0, end), ...wrapped(text.slice(end).trimStart(), columns)];
}

/** Pure. One line a change, for logs: only what a person would call a change. */
export function changeLine(time: string, item: StatusItem): string {
  const applied = item.applied === "" ? "" : ` applied=${item.applied}`;
  const because = item.blockedBy === "" ? "" : `: ${item.blockedBy}`;
  return printable(
    `${time} ${item.kind.toLowerCase()}/${item.name} ready=${item.ready}${item.reason === "" ? "" : ` reason=${item.reason}`}${applied}${because}`,
  );
}

/** Whether two states look the same in the picture, ages aside. */
export const isSameState = (a: StatusItem | undefined, b: StatusItem): boolean =>
  a !== undefined && JSON.stringify(a) === JSON.stringify(b);

/** Cuts the picture to the height of a terminal, so that a redraw never scrolls; one line is kept free for a summary. */
export function fittingLines(lines: readonly string[], rows: number): readonly string[] {
  const most = Math.max(1, rows - 3);
  return lines.length > most ? [...lines.slice(0, most), `… ${lines.length - most} more lines`] : lines;
}

/** `3 ready, 1 not ready`. */
export function summary(items: readonly StatusItem[]): string {
  const ready = items.filter((item) => item.ready === "True").length;
  return `${ready} ready, ${items.length - ready} not ready`;
}

export const itemJson = (item: StatusItem): JsonObject => ({ ...item });
