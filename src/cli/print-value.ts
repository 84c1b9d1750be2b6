import type { JsonValue } from "../api/client/json.ts";
import { isPrintable, printableJson } from "./printable.ts";

/** For programs: the value as JSON or YAML, the same after parsing, and safe on a terminal. Ends with a line break. */
export async function valueText(value: JsonValue, format: "json" | "yaml"): Promise<string> {
  return format === "json" ? `${printableJson(JSON.stringify(value, undefined, 2))}\n` : yamlText(value);
}

/** One line of JSON, for streams. */
export const jsonLine = (value: JsonValue): string => `${printableJson(JSON.stringify(value))}\n`;

/** Block style, keys as they come; texts that hold control characters are double-quoted. */
export async function yamlText(value: JsonValue): Promise<string> {
  const { Document, visit, Scalar, isScalar } = await import("yaml");
  const document = new Document(value, { aliasDuplicateObjects: false, version: "1.2" });
  visit(document, {
    Scalar(_key, node) {
      if (isScalar(node) && typeof node.value === "string" && needsQuotes(node.value)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return printableJson(document.toString({ lineWidth: 0 }));
}

/** A line break alone is fine: it becomes a block scalar. */
const needsQuotes = (text: string): boolean => !isPrintable(text.replaceAll("\n", ""));
