import type { ApiObject } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { isJsonObject, jsonEqual } from "../../domain/object/json.ts";
import { ageColumn, at, countColumn, namesAt, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { flag, object, stringMap, text } from "../schema.ts";

export const secretKind: Kind = {
  group: "",
  version: "v1",
  kind: "Secret",
  resource: "secrets",
  singular: "secret",
  shortNames: [],
  categories: [],
  namespaced: true,
  description: "Secret holds small pieces of confidential data: keys, passwords, tokens. Stored encrypted, never in audit, logs or diffs.",
  schema: object(
    "Secret holds small pieces of confidential data: keys, passwords, tokens.",
    {},
    {
      type: text("What kind of secret it is, for programs; cannot be changed. Left out: Opaque."),
      data: stringMap("Names and values, each value in base64.", { format: "byte" }),
      stringData: stringMap("Names and values as plain text: write-only, merged into data, and wins over it."),
      immutable: flag("When true, data can never be changed, only the whole Secret deleted."),
    },
  ),
  hasStatus: false,
  secretFields: ["data", "stringData"],
  columns: [
    textColumn("Type", "What kind of secret it is.", (object) => textAt(object, "type")),
    countColumn("Data", "How many values it holds.", (object) => namesAt(object, "data").length),
    ageColumn,
  ],
  fields: { type: (object) => textAt(object, "type") },
  defaults: withSecretDefaults,
  validate: secretProblems,
};

function withSecretDefaults(object: ApiObject): ApiObject {
  const typed: ApiObject = object["type"] === undefined || object["type"] === "" ? { ...object, type: "Opaque" } : object;
  const { stringData, ...rest } = typed;
  const texts = isJsonObject(stringData) ? Object.entries(stringData) : [];
  const encoded = texts.flatMap(([name, text]) => (typeof text === "string" ? [[name, base64(text)] as const] : []));
  // what is no map of texts stays for the schema check to complain about
  if (!isJsonObject(stringData) || encoded.length < texts.length || !(rest["data"] === undefined || isJsonObject(rest["data"])))
    return typed;
  return { ...rest, data: { ...rest["data"], ...Object.fromEntries(encoded) } };
}

/** Of UTF-8; in pieces, because a call takes a limited number of arguments. */
function base64(plain: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(plain)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

function secretProblems(object: ApiObject, previous: ApiObject | undefined): readonly FieldProblem[] {
  return [...dataProblems(object), ...(previous === undefined ? [] : changeProblems(object, previous))];
}

/** Says nothing of the values themselves: a problem is shown to people. */
function dataProblems(object: ApiObject): readonly FieldProblem[] {
  const data = at(object, "data");
  if (!isJsonObject(data)) return [];
  return Object.entries(data).flatMap(([name, value]): FieldProblem[] => {
    const path = `data[${name.slice(0, 64)}]`;
    if (!KEY.test(name) || name === "." || name === "..") {
      return [{ path, code: "invalid", message: 'the name of a value consists of letters, digits, "-", "_" and "."', hint: "rename it" }];
    }
    if (typeof value === "string" && !isBase64(value)) {
      return [{ path, code: "invalid", message: "the value is not base64", hint: "put plain text into stringData instead" }];
    }
    return [];
  });
}

const isBase64 = (value: string): boolean => BASE64.test(value) && value.replaceAll(/[\r\n]/g, "").length % 4 === 0;

function changeProblems(object: ApiObject, previous: ApiObject): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (textAt(object, "type") !== textAt(previous, "type")) {
    problems.push({ path: "type", code: "immutable", message: "field is immutable", hint: "delete the Secret and make it again" });
  }
  if (at(previous, "immutable") !== true) return problems;
  if (at(object, "immutable") !== true) {
    problems.push({
      path: "immutable",
      code: "immutable",
      message: "field is immutable when `immutable` is set",
      hint: "delete the Secret and make it again",
    });
  }
  if (!jsonEqual(at(object, "data") ?? {}, at(previous, "data") ?? {})) {
    problems.push({
      path: "data",
      code: "immutable",
      message: "field is immutable when `immutable` is set",
      hint: "delete the Secret and make it again",
    });
  }
  return problems;
}
