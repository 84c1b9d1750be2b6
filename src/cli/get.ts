import type { Selection } from "../api/client/client.ts";
import type { ServedKind } from "../api/client/discovery.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../api/client/json.ts";
import { StatusError } from "../api/client/status-error.ts";
import { at, listAt, textAt } from "../api/columns.ts";
import { CliError, type Exit } from "./exit-codes.ts";
import { type Format, outputOf } from "./output.ts";
import { tableLines } from "./print-table.ts";
import { jsonLine, valueText } from "./print-value.ts";
import type { CommonFlags, Session } from "./session.ts";
import { kindsNamed, notFound } from "./targets.ts";

export interface GetFlags extends CommonFlags {
  readonly watch?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
}

/** One kind, and the names asked for; none = all. */
interface Asked {
  readonly kind: ServedKind;
  readonly names: readonly string[];
}

interface Printing {
  readonly format: Format | undefined;
  /** Several kinds: each name says its kind. */
  readonly kindInName: boolean;
  readonly withNamespace: boolean;
}

/** Prints objects: as the server's Table for people, whole for programs. */
export async function get(session: Session, flags: GetFlags, words: readonly string[]): Promise<Exit> {
  const format = outputOf(flags.output, ["json", "yaml", "wide", "name"]);
  const asked = askedFor(words, await session.client.kinds());
  const printing = {
    format,
    kindInName: asked.length > 1 || words.some((word) => word.includes("/")),
    withNamespace: flags.allNamespaces === true,
  };
  checkSelection(flags, asked);
  if (flags.watch === true) return watchOne(session, flags, asked, printing);
  return format === "json" || format === "yaml" ? printWhole(session, flags, asked, format) : printTables(session, flags, asked, printing);
}

/** Pure. `KIND[,KIND]… [NAME…]`, a category, or `KIND/NAME…`. Throws CliError. */
export function askedFor(words: readonly string[], kinds: readonly ServedKind[]): readonly Asked[] {
  const [first = "", ...names] = words;
  if (words.some((word) => word.includes("/"))) return slashed(words, kinds);
  const found = first.split(",").flatMap((word) => kindsNamed(word, kinds).kinds);
  const unique = [...new Set(found)];
  if (names.length > 0 && unique.length > 1)
    throw new CliError(
      "misused",
      `a name is of one kind; write ${unique.map(({ singular }) => `${singular}/${names[0] ?? ""}`).join(" ")}`,
    );
  return unique.map((kind) => ({ kind, names: [...new Set(names)] }));
}

function slashed(words: readonly string[], kinds: readonly ServedKind[]): readonly Asked[] {
  const asked = new Map<ServedKind, string[]>();
  for (const word of words) {
    const [kindWord = "", name = "", ...more] = word.split("/");
    if (kindWord === "" || name === "" || more.length > 0)
      throw new CliError("misused", `"${word}" is no KIND/NAME, and the two ways cannot be mixed`);
    const [kind, ...others] = kindsNamed(kindWord, kinds).kinds;
    if (kind === undefined || others.length > 0) throw new CliError("misused", `"${kindWord}" means several kinds; name one`);
    asked.set(kind, [...(asked.get(kind) ?? []), name]);
  }
  return [...asked].map(([kind, names]) => ({ kind, names: [...new Set(names)] }));
}

function checkSelection(flags: GetFlags, asked: readonly Asked[]): void {
  const named = asked.some(({ names }) => names.length > 0);
  if (named && (flags.selector !== undefined || flags.fieldSelector !== undefined))
    throw new CliError("misused", "a name and a selector cannot be combined");
  if (named && flags.allNamespaces === true) throw new CliError("misused", "a name is in one namespace; leave out -A, or the name");
  for (const { kind } of asked)
    if (!kind.verbs.includes("list")) throw new CliError("misused", `a ${kind.kind} is only asked, never kept, so there is nothing to get`);
}

const selectionOf = (session: Session, flags: GetFlags, kind: ServedKind): Selection => ({
  namespace: !kind.namespaced || flags.allNamespaces === true ? "" : session.namespace,
  ...(flags.selector === undefined ? {} : { labels: flags.selector }),
  ...(flags.fieldSelector === undefined ? {} : { fields: flags.fieldSelector }),
});

const placeOf = (session: Session, kind: ServedKind, name: string) => ({ namespace: kind.namespaced ? session.namespace : "", name });

async function named(session: Session, kind: ServedKind, name: string, as: "Object" | "Table"): Promise<JsonObject> {
  const place = placeOf(session, kind, name);
  try {
    return await session.client.get(kind, place, as);
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 404) throw await notFound(session.client, { kind, place }, error);
    throw error;
  }
}

async function printWhole(session: Session, flags: GetFlags, asked: readonly Asked[], format: "json" | "yaml"): Promise<Exit> {
  const items: JsonObject[] = [];
  for (const { kind, names } of asked) {
    if (names.length > 0) for (const name of names) items.push(await named(session, kind, name, "Object"));
    else items.push(...(await session.client.list(kind, selectionOf(session, flags, kind))).items);
  }
  const [only] = items;
  const single = asked.length === 1 && asked[0]?.names.length === 1;
  session.terminal.outStyled(
    await valueText(single && only !== undefined ? only : { apiVersion: "v1", kind: "List", metadata: {}, items }, format),
  );
  return "ok";
}

async function printTables(session: Session, flags: GetFlags, asked: readonly Asked[], printing: Printing): Promise<Exit> {
  let printed = 0;
  for (const one of asked) {
    const { columns, rows } = await tableOf(session, flags, one);
    if (rows.length === 0) continue;
    if (printed > 0 && printing.format !== "name") session.terminal.out("\n");
    const lines =
      printing.format === "name" ? rows.map((row) => nameLine(one.kind, row)) : tableLines(cellsOf(one.kind, columns, rows, printing));
    session.terminal.out(lines.map((line) => `${line}\n`).join(""));
    printed += rows.length;
  }
  if (printed === 0) session.terminal.note(nothingText(session, flags, asked));
  return "ok";
}

async function tableOf(
  session: Session,
  flags: GetFlags,
  { kind, names }: Asked,
): Promise<{ columns: readonly JsonObject[]; rows: readonly JsonObject[] }> {
  if (names.length === 0) {
    const { columns, items } = await session.client.list(kind, selectionOf(session, flags, kind), "Table");
    return { columns, rows: items };
  }
  const tables: JsonObject[] = [];
  for (const name of names) tables.push(await named(session, kind, name, "Table"));
  return { columns: objectsAt(tables[0], "columnDefinitions"), rows: tables.flatMap((table) => objectsAt(table, "rows")) };
}

/** Pure. Heading and rows; columns of a lower priority only with -o wide. */
export function cellsOf(
  kind: ServedKind,
  columns: readonly JsonObject[],
  rows: readonly JsonObject[],
  printing: Printing,
  heading = true,
): readonly (readonly string[])[] {
  const shown = columns.flatMap((column, index) =>
    printing.format === "wide" || (at(column, "priority") ?? 0) === 0 ? [{ column, index }] : [],
  );
  const withNamespace = printing.withNamespace && kind.namespaced;
  const head = [...(withNamespace ? ["NAMESPACE"] : []), ...shown.map(({ column }) => textAt(column, "name").toUpperCase())];
  const body = rows.map((row) => {
    const cells = listAt(row, "cells");
    const texts = shown.map(({ column, index }) => {
      const text = cellText(cells[index]);
      return printing.kindInName && textAt(column, "format") === "name" ? `${prefixOf(kind)}/${text}` : text;
    });
    return [...(withNamespace ? [textAt(row, "object", "metadata", "namespace")] : []), ...texts];
  });
  return heading ? [head, ...body] : body;
}

const prefixOf = (kind: ServedKind): string => (kind.group === "" ? kind.singular : `${kind.singular}.${kind.group}`);

function cellText(cell: JsonValue | undefined): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

const nameLine = (kind: ServedKind, row: JsonObject): string => `${prefixOf(kind)}/${textAt(row, "object", "metadata", "name")}`;

function nothingText(session: Session, flags: GetFlags, asked: readonly Asked[]): string {
  const scoped = asked.some(({ kind }) => kind.namespaced) && flags.allNamespaces !== true;
  const [only] = asked;
  const what = asked.length === 1 && only !== undefined ? only.kind.resource : "objects";
  return `there are no ${what}${scoped ? ` in namespace ${session.namespace}` : ""}`;
}

/** Prints what there is, and a line for each change, until it is interrupted. */
async function watchOne(session: Session, flags: GetFlags, asked: readonly Asked[], printing: Printing): Promise<Exit> {
  const [only, ...others] = asked;
  if (only === undefined || others.length > 0 || only.names.length > 1)
    throw new CliError("misused", "-w watches one kind, or one object of it");
  const [name] = only.names;
  if (name !== undefined) await named(session, only.kind, name, "Table");
  const selection = { ...selectionOf(session, flags, only.kind), ...(name === undefined ? {} : { fields: `metadata.name=${name}` }) };
  const whole = printing.format === "json" || printing.format === "yaml";
  const widths: number[] = [];
  let columns: readonly JsonObject[] = [];
  let headed = false;
  for await (const event of session.client.watch(only.kind, selection, new AbortController().signal, whole ? "Object" : "Table")) {
    const items = event.type === "listed" ? event.items : [event.object];
    if (event.type === "listed" && event.columns.length > 0) columns = event.columns;
    if (whole)
      for (const item of items)
        session.terminal.outStyled(printing.format === "json" ? jsonLine(item) : `---\n${await valueText(item, "yaml")}`);
    else if (printing.format === "name") session.terminal.out(items.map((row) => `${nameLine(only.kind, row)}\n`).join(""));
    else if (items.length > 0) {
      const rows = cellsOf(only.kind, columns, items, printing, !headed);
      headed = true;
      session.terminal.out(
        tableLines(rows, widths)
          .map((line) => `${line}\n`)
          .join(""),
      );
    }
  }
  return "ok";
}

function objectsAt(value: JsonObject | undefined, name: string): readonly JsonObject[] {
  return listAt(value, name).filter(isJsonObject);
}
