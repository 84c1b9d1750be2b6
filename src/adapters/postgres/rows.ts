import { resourceVersion } from "../../domain/object/api-object.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { Row } from "../../ports/decide-commit.ts";
import type { StoredObject } from "../../ports/resources.ts";
import type { Sealer } from "../../ports/sealer.ts";
import { storedObject } from "../../ports/stored-object.ts";

/** The columns that make a StoredObject, as the driver gives them: bigint comes as text. */
export interface ObjectColumns {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resource_version: string;
  readonly json: string;
}

export interface RowColumns extends ObjectColumns {
  readonly api_group: string;
  readonly resource: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;
  readonly links: readonly string[];
}

/** Between the text of an object and what lies in the database. */
export interface Codec {
  seal(json: string, key: ObjectKey): string;
  open(text: string, key: ObjectKey): string;
}

export function codecOf(sealer: Sealer | undefined): Codec {
  const sealing = (key: ObjectKey): Sealer | undefined => (sealer?.seals(key) === true ? sealer : undefined);
  return {
    seal: (json, key) => sealing(key)?.seal(json, key) ?? json,
    open: (text, key) => sealing(key)?.open(text, key) ?? text,
  };
}

/** Throws the sealer's error for a text that does not open. */
export function storedOf(codec: Codec, of: Pick<ObjectKey, "group" | "resource">, row: ObjectColumns): StoredObject {
  const key = { group: of.group, resource: of.resource, namespace: row.namespace, name: row.name };
  return storedObject(key, row.uid, versionOf(row.resource_version), codec.open(row.json, key));
}

/** The same, opened at the first look: where many read one batch of rows, one row that does not open must not fail the others. */
export function unopenedOf(codec: Codec, of: Pick<ObjectKey, "group" | "resource">, row: ObjectColumns): StoredObject {
  const key = { group: of.group, resource: of.resource, namespace: row.namespace, name: row.name };
  return storedObject(key, row.uid, versionOf(row.resource_version), () => codec.open(row.json, key));
}

export function rowOf(codec: Codec, row: RowColumns): Row {
  return {
    stored: unopenedOf(codec, { group: row.api_group, resource: row.resource }, row),
    labels: row.labels,
    fields: row.fields,
    links: row.links,
  };
}

export const versionOf = (text: string) => resourceVersion(Number(text));

/** core/v1 Events live in a table of their own, with a lifetime. */
export const tableOf = ({ group, resource }: Pick<ObjectKey, "group" | "resource">): "objects" | "events" =>
  group === "" && resource === "events" ? "events" : "objects";

/** A PostgreSQL array literal, for arrays within arrays. https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO */
export const arrayLiteral = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
