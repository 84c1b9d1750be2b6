import { describeElement, fieldElement, indexElement } from "./path-element.ts";
import { identify, lacksIdentity } from "./list-item.ts";
import { deduce, deduced, partOf, type ListShape, type MapShape, type ScalarShape, type Shape } from "./shape.ts";
import { isJsonList, isJsonObject, type JsonObject, type JsonValue } from "../object/json.ts";

/** One thing that is wrong with a value; `code` is a Kubernetes cause type, `path` looks like `.spec.ports[port=80]`. */
export interface Cause {
  readonly path: string;
  readonly code: "FieldValueTypeInvalid" | "FieldValueDuplicate" | "FieldValueRequired" | "FieldValueForbidden" | "FieldValueInvalid";
  readonly message: string;
  readonly hint?: string;
}

export interface Leniency {
  /** Sets and map lists may hold the same item twice, as objects written by update may. */
  readonly allowsDuplicates: boolean;
  /** Fields the schema does not declare are passed over, as objects from before a schema change have them. */
  readonly allowsUndeclared: boolean;
}

/** What people apply must fit exactly. */
export const strict: Leniency = { allowsDuplicates: false, allowsUndeclared: false };

/** What is stored or was written by update may be odd, but list items need an identity and types must fit. */
export const lenient: Leniency = { allowsDuplicates: true, allowsUndeclared: true };

/** Everything that keeps the value from having this shape, all at once; the value must not be nested too deep. */
export function validate(shape: Shape, value: JsonValue, leniency: Leniency): readonly Cause[] {
  return validateAt(shape, value, leniency, () => "");
}

/** A path that is written only when something is wrong there: most of a big object is right. */
type Where = () => string;

function validateAt(shape: Shape, value: JsonValue, leniency: Leniency, path: Where): readonly Cause[] {
  const fitting = deduce(shape, value);
  switch (partOf(fitting)) {
    case "map":
      return validateMap(fitting.map, value, leniency, path);
    case "scalar":
      return validateScalar(fitting.scalar, value, path);
    case "list":
      return validateList(fitting.list, value, leniency, path);
    case "none":
      return [];
  }
}

function validateMap(map: MapShape | undefined, value: JsonValue, leniency: Leniency, path: Where): readonly Cause[] {
  if (value === null || map === undefined) return [];
  if (!isJsonObject(value)) return [wrongType(path(), "map", value)];
  return Object.keys(value).flatMap((name) => validateField(map, value, name, leniency, path));
}

function validateField(map: MapShape, object: JsonObject, name: string, leniency: Leniency, path: Where): readonly Cause[] {
  const shape = map.field(name);
  const below: Where = () => path() + describeElement(fieldElement(name));
  if (shape === undefined && !leniency.allowsUndeclared) return [undeclared(below())];
  return validateAt(shape ?? deduced, object[name] ?? null, leniency, below);
}

function validateList(list: ListShape | undefined, value: JsonValue, leniency: Leniency, path: Where): readonly Cause[] {
  if (value === null || list === undefined) return [];
  if (!isJsonList(value)) return [wrongType(path(), "list", value)];
  const seen = new Set<string>();
  return value.flatMap((item, index): readonly Cause[] => {
    const element = list.isAtomic ? indexElement(index) : identify(list, item);
    if (lacksIdentity(element)) return [anonymous(path(), index, element.problem, list)];
    const below = validateAt(list.item, item, leniency, () => path() + describeElement(element));
    const isDuplicate = seen.has(element.text) && !leniency.allowsDuplicates;
    seen.add(element.text);
    return isDuplicate ? [duplicate(path(), describeElement(element)), ...below] : below;
  });
}

function validateScalar(scalar: ScalarShape | undefined, value: JsonValue, path: Where): readonly Cause[] {
  if (value === null || scalar === undefined || fitsScalar(scalar, value)) return [];
  return [wrongType(path(), expectations[scalar], value)];
}

const expectations: Readonly<Record<ScalarShape, string>> = {
  numeric: "numeric (int or float)",
  string: "string",
  boolean: "boolean",
  untyped: "any scalar",
};

function fitsScalar(scalar: ScalarShape, value: JsonValue): boolean {
  switch (scalar) {
    case "numeric":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "untyped":
      return typeof value !== "object";
  }
}

function wrongType(path: string, expected: string, value: JsonValue): Cause {
  const found = isJsonList(value) ? "list" : isJsonObject(value) ? "map" : typeof value;
  return {
    path,
    code: "FieldValueTypeInvalid",
    message: `expected ${expected}, got ${found}`,
    hint: `write a value of type ${expected} here`,
  };
}

function undeclared(path: string): Cause {
  return {
    path,
    code: "FieldValueForbidden",
    message: "field not declared in schema",
    hint: "remove the field, or check its spelling and place",
  };
}

function duplicate(path: string, key: string): Cause {
  return {
    path,
    code: "FieldValueDuplicate",
    message: `duplicate entries for key ${key}`,
    hint: "keep one item with this key",
  };
}

function anonymous(path: string, index: number, problem: string, list: ListShape): Cause {
  return {
    path,
    code: list.keys.length > 0 ? "FieldValueRequired" : "FieldValueInvalid",
    message: `element ${String(index)}: ${problem}`,
    hint:
      list.keys.length > 0
        ? `give every item at least one of its key fields: ${list.keys.join(", ")}`
        : "a set holds texts, numbers and booleans only",
  };
}
