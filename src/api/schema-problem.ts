import type { TLocalizedValidationError } from "typebox/error";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import { isJsonList, isJsonObject, type JsonValue } from "../domain/object/json.ts";
import { fieldPath, indexPath, quoted } from "./paths.ts";
import { patternHint } from "./patterns.ts";

/**
 * An error of the schema library in our words: what is there and what should be. Errors that only repeat others give nothing.
 * A value below one of the paths in `secrets` is never quoted.
 */
export function problemOf(error: TLocalizedValidationError, root: JsonValue, secrets: readonly string[] = []): readonly FieldProblem[] {
  const { path, value } = locate(error.instancePath, root);
  const isSecret = secrets.some((secret) => path === secret || path.startsWith(`${secret}.`) || path.startsWith(`${secret}[`));
  const found = isSecret ? "the value" : quoted(value);
  const problem = (code: FieldProblem["code"], message: string, hint?: string): FieldProblem[] => [
    { path, code, message, ...(hint === undefined ? {} : { hint }) },
  ];
  switch (error.keyword) {
    case "required":
      return error.params.requiredProperties.map((name) => ({
        path: fieldPath(path, name),
        code: "required",
        message: "is missing",
        hint: `write ${name}`,
      }));
    case "type":
      return problem(
        "typeInvalid",
        `${found} is not ${typeWords(error.params.type)}`,
        value === null ? "leave the field out, or give it a value" : undefined,
      );
    case "enum":
      return problem("notSupported", `${found}: supported values: ${error.params.allowedValues.map(quoted).join(", ")}`);
    case "pattern":
      return problem("invalid", `${found} does not look as it should`, patternHint(String(error.params.pattern)));
    case "format":
      return problem(
        "invalid",
        `${found} is no ${error.params.format}`,
        error.params.format === "date-time" ? "write 2026-01-31T12:00:00Z" : undefined,
      );
    case "minLength":
      return value === ""
        ? problem("required", "is empty")
        : problem("invalid", `${found} has fewer than ${limit(error.params)} characters`);
    case "maxLength":
      return problem("tooLong", `may not have more than ${limit(error.params)} characters`);
    case "minItems":
      return problem("required", `has fewer than ${limit(error.params)} entries`);
    case "maxItems":
      return problem("tooLong", `may not have more than ${limit(error.params)} entries`);
    case "minimum":
      return problem("invalid", `${found} is less than ${limit(error.params)}`);
    case "maximum":
      return problem("invalid", `${found} is more than ${limit(error.params)}`);
    // says of the map what was said of its entry
    case "additionalProperties":
      return [];
    // words that no schema of ours uses
    case "~refine":
    case "anyOf":
    case "boolean":
    case "const":
    case "contains":
    case "dependencies":
    case "dependentRequired":
    case "exclusiveMaximum":
    case "exclusiveMinimum":
    case "if":
    case "maxProperties":
    case "minProperties":
    case "multipleOf":
    case "not":
    case "oneOf":
    case "propertyNames":
    case "unevaluatedItems":
    case "unevaluatedProperties":
    case "uniqueItems":
      return problem("invalid", `${found} ${error.message}`);
  }
}

const limit = ({ limit: bound }: { readonly limit: number | bigint }): string => String(bound);

function typeWords(type: string | readonly string[]): string {
  const words: Readonly<Record<string, string>> = {
    string: "a text",
    integer: "a whole number",
    number: "a number",
    boolean: "true or false",
    array: "a list",
    object: "an object",
  };
  return (typeof type === "string" ? [type] : type).map((name) => words[name] ?? name).join(" or ");
}

/** What a JSON pointer (RFC 6901) points to, with the path as a person would write it. */
function locate(pointer: string, root: JsonValue): { readonly path: string; readonly value: JsonValue | undefined } {
  let path = "";
  let value: JsonValue | undefined = root;
  for (const escaped of pointer.split("/").slice(1)) {
    const step = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    if (isJsonList(value)) {
      path = indexPath(path, Number(step));
      value = value[Number(step)];
    } else {
      path = /^[A-Za-z0-9_-]+$/.test(step) ? fieldPath(path, step) : `${path}[${step.slice(0, 64)}]`;
      value = isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    }
  }
  return { path, value };
}
