import {
  Type,
  type Static,
  type TArray,
  type TBoolean,
  type TInteger,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TString,
  type TUnsafe,
} from "typebox";
import { DURATION } from "./patterns.ts";

/** The words of JSON Schema that the kinds use; every field has a description, which `kubectl explain` shows. */
type Options = Readonly<Record<string, unknown>>;

export const text = (description: string, options: Options = {}): TString => Type.String({ description, ...options });
export const integer = (description: string, options: Options = {}): TInteger => Type.Integer({ description, ...options });
export const flag = (description: string, options: Options = {}): TBoolean => Type.Boolean({ description, ...options });

/** One of a few words. */
export const choice = <const Word extends string>(words: readonly Word[], description: string, options: Options = {}): TUnsafe<Word> =>
  Type.Unsafe<Word>({ type: "string", enum: [...words], description, ...options });

/** A list that is one value: who applies it owns all of it. */
export const list = <Item extends TSchema>(item: Item, description: string, options: Options = {}): TArray<Item> =>
  Type.Array(item, { description, "x-kubernetes-list-type": "atomic", ...options });

/** A list whose entries are told apart by the fields named, so that several managers can own an entry each. */
export const listMap = <Item extends TSchema>(
  item: Item,
  keys: readonly string[],
  description: string,
  options: Options = {},
): TArray<Item> => Type.Array(item, { description, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [...keys], ...options });

/** Names that the user chooses, each with a text. */
export const stringMap = (description: string, value: Options = {}, options: Options = {}): TUnsafe<Record<string, string>> =>
  Type.Unsafe<Record<string, string>>({ type: "object", additionalProperties: { type: "string", ...value }, description, ...options });

/** Anything: stored as it comes, fields unknown to us included. */
export const anything = (description: string): TUnsafe =>
  Type.Unsafe<unknown>({ type: "object", "x-kubernetes-preserve-unknown-fields": true, description });

type Optionals<Fields extends TProperties> = { [Name in keyof Fields]: TOptional<Fields[Name]> };

/** An object of the fields given; fields it does not know are dropped, or refused where the client asked for strictness. */
export function object<Required extends TProperties, Optional extends TProperties>(
  description: string,
  required: Required,
  optional: Optional,
  options: Options = {},
): TObject<Required & Optionals<Optional>> {
  const optionals = Object.fromEntries(Object.entries(optional).map(([name, schema]) => [name, Type.Optional(schema)]));
  // Object.fromEntries forgets which name had which schema; the two are the same by construction
  return Type.Object({ ...required, ...optionals } as Required & Optionals<Optional>, { description, ...options });
}

/** A time in RFC 3339, whole seconds, UTC: `2026-01-31T12:00:00Z`. */
export const time = (description: string): TString => text(description, { format: "date-time" });

export const duration = (description: string, options: Options = {}): TString =>
  text(`${description} Written like 30s, 5m or 1h30m (units ms, s, m, h).`, { pattern: DURATION, ...options });

/** The plain view of a schema, for walking along it. Everything TypeBox makes is a JSON Schema; boolean schemas are not used. */
export interface SchemaNode {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode;
  readonly enum?: readonly string[];
  readonly nullable?: boolean;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
}

/** The schema as data: TSchema says nothing of itself, its shape is what the functions above make. */
export const nodeOf = (schema: TSchema): SchemaNode => schema;

export type { Static };
