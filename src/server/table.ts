import type { Column, Kind } from "../api/kind.ts";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { Instant } from "../domain/units.ts";
import { listMetadata, partialOf, type Page } from "./partial.ts";

/** `?includeObject=`: what of the object each row carries; kubectl needs the metadata for -A, -l and -w. */
export type IncludeObject = "None" | "Metadata" | "Object";

/** undefined = no such word: a 400 for the caller. */
export function includeObjectOf(parameter: string | undefined): IncludeObject | undefined {
  if (parameter === undefined || parameter === "") return "Metadata";
  return parameter === "None" || parameter === "Metadata" || parameter === "Object" ? parameter : undefined;
}

export interface TableOptions {
  readonly now: Instant;
  readonly includeObject: IncludeObject;
  /** False in a watch after the first event: clients keep the columns they have. */
  readonly withColumns?: boolean;
}

/**
 * A page of objects, or one, as kubectl prints it: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 * The first column is the name, unless the kind has one of its own (Events). A column that cannot be told of an object is empty; no stored object makes a table fail.
 */
export function tableOf(kind: Kind, page: Page, options: TableOptions) {
  const columns = columnsOf(kind);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMetadata(page),
    columnDefinitions: options.withColumns === false ? [] : columns.map(definitionOf),
    rows: page.items.map((object) => ({
      cells: columns.map((column) => cellOf(column, object, options.now)),
      ...included(object, options.includeObject),
    })),
  };
}

const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "The name of the object, unique in its namespace.",
  priority: 0,
  cell: (object) => object.metadata.name ?? "",
};

const columnsOf = (kind: Kind): readonly Column[] =>
  kind.columns.some(({ name }) => name === "Name") ? kind.columns : [nameColumn, ...kind.columns];

function definitionOf({ name, type, format, description, priority }: Column) {
  return { name, type, format: format ?? (name === "Name" ? "name" : ""), description, priority };
}

function cellOf(column: Column, object: ApiObject, now: Instant) {
  try {
    return column.cell(object, now);
  } catch {
    // a row that an older version stored: the others are printed all the same
    return null;
  }
}

function included(object: ApiObject, include: IncludeObject) {
  switch (include) {
    case "None":
      return {};
    case "Metadata":
      return { object: partialOf(object) };
    case "Object":
      return { object };
  }
}
