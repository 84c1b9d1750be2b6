import type { JsonValue } from "../../domain/object/json.ts";
import { manifestLimits } from "../../ports/manifests.ts";
import { parseText } from "./file-content.ts";
import { plainValue } from "./plain-value.ts";

/** Reads a text that is one YAML document, as a request body is; with the limits of manifests. Never throws for what it holds. */
export function readYamlDocument(text: string): { readonly value: JsonValue } | { readonly problem: string } {
  const parsed = parseText(text, manifestLimits);
  if ("finding" in parsed) return { problem: atLine(parsed.finding.line, parsed.finding.message) };
  const [document, second] = parsed.documents;
  if (document === undefined) return { problem: "the body is empty" };
  if (second !== undefined) return { problem: "the body holds several YAML documents; send one object in each request" };
  const lineOf = (offset: number): number => parsed.lines.linePos(offset).line;
  const [error] = document.errors;
  if (error !== undefined) return { problem: atLine(lineOf(error.pos[0]), error.message.split("\n")[0] ?? error.message) };
  const { value, faults } = plainValue(document.contents, manifestLimits);
  const fault = faults.find(({ severity }) => severity === "error");
  return fault === undefined ? { value } : { problem: atLine(lineOf(fault.offset), fault.message) };
}

const atLine = (line: number, message: string): string => `line ${line}: ${message}`;
