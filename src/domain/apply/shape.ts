import { asResourceSchema, objectMetaSchema, type SchemaNode } from "./schema.ts";
import { isJsonList, isJsonObject, type JsonValue } from "../object/json.ts";

/**
 * What a schema node allows, as structured-merge-diff's `schema.Atom` sees it: any of a scalar, a list, a map.
 * A node without a type allows all three; an undeclared field (`nothing`) allows none.
 */
export interface Shape {
  readonly scalar?: ScalarShape;
  readonly list?: ListShape;
  readonly map?: MapShape;
}

export type ScalarShape = "numeric" | "string" | "boolean" | "untyped";

export interface ListShape {
  /** Owned and replaced as one value. */
  readonly isAtomic: boolean;
  /** Names of the fields that identify an item; none in a list that is not atomic means a set of scalars. */
  readonly keys: readonly string[];
  readonly item: Shape;
}

export interface MapShape {
  /** Owned and replaced as one value. */
  readonly isAtomic: boolean;
  /** Whether the schema names this field; keys of free-form maps are not declared. */
  declares(name: string): boolean;
  /** The shape below a field, declared or not; undefined when the schema has no place for it. */
  field(name: string): Shape | undefined;
  /** The default the schema gives this field. */
  defaultOf(name: string): JsonValue | undefined;
  /** No field is declared and anything goes: ownership below is never reconciled with the schema. */
  readonly isFreeForm: boolean;
}

/** Allows no value at all. */
export const nothing: Shape = {};

const wholeMap: MapShape = freeMap(true, () => wholeValue);
const wholeValue: Shape = {
  scalar: "untyped",
  list: { isAtomic: true, keys: [], item: nothing },
  map: wholeMap,
};

/** The shape where the schema says nothing: maps are granular, lists atomic (`__untyped_deduced_` in Kubernetes). */
export const deduced: Shape = {
  scalar: "untyped",
  list: { isAtomic: true, keys: [], item: wholeValue },
  map: { ...freeMap(false, () => deduced), isFreeForm: true },
};

const roots = new WeakMap<SchemaNode, Shape>();

/** The shape of a whole object of this schema, with `metadata` as every object has it. Remembered per schema object. */
export function rootShape(schema: SchemaNode): Shape {
  const known = roots.get(schema);
  if (known !== undefined) return known;
  const shape = shapeOf(asResourceSchema(schema), false);
  roots.set(schema, shape);
  return shape;
}

/** Narrows a shape to the part that fits the value; null and misfits keep every part, as Kubernetes' `deduceAtom`. */
export function deduce(shape: Shape, value: JsonValue | undefined): Shape {
  if (value === undefined || value === null) return shape;
  if (isJsonList(value)) return shape.list === undefined ? shape : { list: shape.list };
  if (isJsonObject(value)) return shape.map === undefined ? shape : { map: shape.map };
  return shape.scalar === undefined ? shape : { scalar: shape.scalar };
}

/** Which part of a deduced shape decides; a map before a scalar before a list, as Kubernetes' `handleAtom`. */
export function partOf(shape: Shape): "map" | "scalar" | "list" | "none" {
  if (shape.map !== undefined) return "map";
  if (shape.scalar !== undefined) return "scalar";
  return shape.list === undefined ? "none" : "list";
}

/** The shape below a field; fields that the schema does not declare are treated as free-form, so old data never blocks. */
export function fieldShape(map: MapShape, name: string): Shape {
  return map.field(name) ?? deduced;
}

function shapeOf(node: SchemaNode, inheritedPreserve: boolean): Shape {
  const preserve = inheritedPreserve || node["x-kubernetes-preserve-unknown-fields"] === true;
  const schema = node["x-kubernetes-embedded-resource"] === true ? asResourceSchema(node) : node;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  switch (types?.find((type) => type !== "null")) {
    case "object":
      return { map: mapShape(schema, preserve) };
    case "array":
      return { list: listShape(schema, preserve) };
    case "integer":
    case "number":
      return { scalar: "numeric" };
    case "boolean":
      return { scalar: "boolean" };
    case "string":
      return { scalar: schema.format === undefined || schema.format === "byte" ? "string" : "untyped" };
    case undefined:
      return { scalar: "untyped", list: listShape(schema, preserve), map: mapShape(schema, preserve) };
    default:
      return { scalar: "untyped" };
  }
}

function listShape(schema: SchemaNode, preserve: boolean): ListShape {
  const type = schema["x-kubernetes-list-type"];
  const { items } = schema;
  let item: Shape | undefined;
  return {
    isAtomic: type !== "set" && type !== "map",
    keys: type === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : [],
    // Worked out when first read: schemas nest deeply, objects rarely visit all of them.
    get item() {
      return (item ??= items === undefined ? wholeValue : shapeOf(items, preserve));
    },
  };
}

function mapShape(schema: SchemaNode, preserve: boolean): MapShape {
  const properties = schema.properties ?? {};
  const known = new Map<string, Shape>();
  let other: { readonly shape: Shape | undefined } | undefined;
  const otherField = (): Shape | undefined => (other ??= { shape: otherShape(schema, preserve) }).shape;
  const declares = (name: string): boolean => Object.hasOwn(properties, name);
  return {
    isAtomic: schema["x-kubernetes-map-type"] === "atomic",
    declares,
    field(name) {
      const node = declares(name) ? properties[name] : undefined;
      if (node === undefined) return otherField();
      const shape = known.get(name) ?? shapeOf(node, preserve && node !== objectMetaSchema);
      known.set(name, shape);
      return shape;
    },
    // A schema is data that came from JSON, so its default is a JSON value.
    defaultOf: (name) => (declares(name) ? (properties[name]?.default as JsonValue | undefined) : undefined),
    get isFreeForm() {
      return Object.keys(properties).length === 0 && otherField() === deduced;
    },
  };
}

function otherShape(schema: SchemaNode, preserve: boolean): Shape | undefined {
  const { additionalProperties } = schema;
  if (typeof additionalProperties === "object") return shapeOf(additionalProperties, preserve);
  if (additionalProperties !== undefined) return additionalProperties ? deduced : undefined;
  return preserve || Object.keys(schema.properties ?? {}).length === 0 ? deduced : undefined;
}

function freeMap(isAtomic: boolean, below: () => Shape): MapShape {
  return { isAtomic, declares: () => false, field: below, defaultOf: () => undefined, isFreeForm: !isAtomic };
}
