import { Compile, type Validator } from "typebox/compile";
import { Settings } from "typebox/system";
import type { ApiObject } from "../domain/object/api-object.ts";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import { isJsonObject, type JsonValue } from "../domain/object/json.ts";
import { metadataProblems } from "./check-metadata.ts";
import { apiVersionOf, type Kind } from "./kind.ts";
import { plainSchema } from "./plain-schema.ts";
import { problemOf } from "./schema-problem.ts";
import { listProblems } from "./check-lists.ts";
import { nodeOf } from "./schema.ts";

/** At most so many problems of one object are listed; one more then says how many were left out, or that there are more. */
export const MOST_PROBLEMS = 50;

/**
 * Everything wrong with an object, all at once; empty = it can be stored. `previous` is there on update.
 * Looks at the schema, metadata, uniqueness in lists that are sets or maps, and the kind's own rules (those only where the schema holds).
 * Takes any JSON at all, in time proportional to its size, and does not throw. Run it on what `pruned` and `withDefaults` return.
 */
export function checkObject(kind: Kind, object: JsonValue, previous?: ApiObject): readonly FieldProblem[] {
  if (!isJsonObject(object))
    return [
      { path: "", code: "typeInvalid", message: "this is no object", hint: "send apiVersion, kind, metadata and the fields of the kind" },
    ];
  const formal = [...typeProblems(kind, object), ...metadataProblems(kind, object, previous), ...schemaProblems(kind, object)];
  if (formal.length > 0) return capped(formal);
  // with the three checks above passed, this is an object of the kind
  const sound = object as ApiObject;
  return capped([...listProblems(nodeOf(kind.schema), sound), ...(kind.validate?.(sound, previous) ?? [])]);
}

/** Everything wrong with the body of an action (TokenRequest …), by its schema. */
export function checkBody(schema: Kind["schema"], body: JsonValue): readonly FieldProblem[] {
  const found = errorsOf(validatorOf(schema), body);
  return capped([...found, ...(found.length === 0 ? listProblems(nodeOf(schema), body) : [])]);
}

function typeProblems(kind: Kind, object: JsonValue): readonly FieldProblem[] {
  if (!isJsonObject(object)) return [];
  const wanted: readonly (readonly [string, string])[] = [
    ["apiVersion", apiVersionOf(kind)],
    ["kind", kind.kind],
  ];
  return wanted
    .filter(([field, value]) => object[field] !== value)
    .map(([field, value]) => ({
      path: field,
      code: object[field] === undefined ? "required" : "invalid",
      message: `must be ${value} here`,
      hint: `write ${field}: ${value}`,
    }));
}

const schemaProblems = (kind: Kind, object: JsonValue): readonly FieldProblem[] =>
  errorsOf(validatorOf(kind.schema), object, kind.secretFields);

const validators = new WeakMap<object, Validator>();

/** Compiled on first use: a process that never sees a kind does not pay for it. */
function validatorOf(schema: Kind["schema"]): Validator {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made: Validator = Compile(plainSchema(schema));
  validators.set(schema, made);
  return made;
}

function errorsOf(validator: Validator, value: JsonValue, secrets: readonly string[] = []): readonly FieldProblem[] {
  if (validator.Check(value)) return [];
  return withMaxErrors(() => validator.Errors(value)).flatMap((error) => problemOf(error, value, secrets));
}

/** TypeBox has one setting for the process; 8 by default is too few for "all at once". */
function withMaxErrors<T>(run: () => T): T {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: 2 * MOST_PROBLEMS });
  try {
    return run();
  } finally {
    Settings.Set({ maxErrors });
  }
}

/** At most MOST_PROBLEMS, each place named once for each code. */
export function capped(problems: readonly FieldProblem[]): readonly FieldProblem[] {
  const unique = [...new Map(problems.map((problem) => [`${problem.code} ${problem.path} ${problem.message}`, problem])).values()];
  if (unique.length <= MOST_PROBLEMS) return unique;
  const more = unique.length - MOST_PROBLEMS;
  return [
    ...unique.slice(0, MOST_PROBLEMS),
    { path: "", code: "invalid", message: `and at least ${String(more)} more`, hint: "put these right and try again" },
  ];
}
