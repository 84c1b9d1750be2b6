import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Document, ParsedNode, YAMLError } from "yaml";
import { isJsonObject } from "../../domain/object/json.ts";
import type { JsonObject, JsonValue } from "../../domain/object/json.ts";
import type { ManifestLimits } from "../../ports/manifests.ts";
import { plainValue } from "./plain-value.ts";
import { offsetOf } from "./plain-value.ts";
import { sourceText } from "./source-text.ts";
import type { Finding } from "./source-text.ts";

/** An object of a file: `document` and, for an item of a List, `item` say which part of the text it is. */
export interface FoundObject {
  readonly object: JsonObject;
  readonly line: number;
  readonly column: number;
  readonly document: number;
  readonly item: number | undefined;
}

export interface FileContent {
  readonly objects: readonly FoundObject[];
  readonly findings: readonly Finding[];
}

/** Reads one file. Never throws for its content. */
export function fileContent(bytes: Uint8Array, limits: ManifestLimits): FileContent {
  const source = sourceText(bytes, limits.fileBytes);
  if ("finding" in source) return { objects: [], findings: [source.finding] };
  const { text } = source;
  const parsed = parseText(text, limits);
  if ("finding" in parsed) return { objects: [], findings: [parsed.finding] };
  const objects: FoundObject[] = [];
  const findings: Finding[] = [];
  const report: Report = (offset, finding) => findings.push({ ...place(parsed.lines, offset), ...finding });
  if (parsed.documents.length > limits.documents)
    report(0, {
      code: "tooManyDocuments",
      severity: "error",
      message: `the file has ${parsed.documents.length} documents, the limit is ${limits.documents}`,
      hint: "split it into several files",
    });
  else parsed.documents.forEach((document, at) => objects.push(...readDocument(document, at, text, parsed.lines, limits, report)));
  return { objects, findings };
}

type Report = (offset: number, finding: Omit<Finding, "line" | "column">) => void;

export interface ParsedText {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

/** YAML 1.2 core schema; JSON is a part of it. Names are text whatever they look like; keys are compared in plainValue. */
export function parseText(text: string, limits: ManifestLimits): ParsedText | { readonly finding: Finding } {
  const deep = nestingOffset(text, limits.depth * 4);
  const lines = new LineCounter();
  const tooDeep = (offset: number) => {
    const { line, column } = place(lines, offset);
    return {
      finding: {
        line,
        column,
        code: "tooDeep" as const,
        severity: "error" as const,
        message: `the file is nested more than ${limits.depth} deep`,
        hint: "flatten it",
      },
    };
  };
  if (deep !== undefined) return tooDeep(0);
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
      logLevel: "silent",
    });
    return { documents: Array.isArray(documents) ? documents : [], lines };
  } catch (cause) {
    if (cause instanceof RangeError) return tooDeep(0); // the parser's own recursion ran out of stack
    throw cause;
  }
}

/** Where more brackets or list dashes open in a row than in any sound document; a cheap look before the parser, which recurses and then takes a second to give up. */
function nestingOffset(text: string, most: number): number | undefined {
  const run = new RegExp(String.raw`(?:[\[{][^\[\]{}]*){${most}}|(?:- +){${most}}|(?:\? +){${most}}`).exec(text);
  return run?.index;
}

const place = (lines: LineCounter, offset: number) => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
};

function readDocument(
  document: Document.Parsed,
  at: number,
  text: string,
  lines: LineCounter,
  limits: ManifestLimits,
  report: Report,
): readonly FoundObject[] {
  const [error] = document.errors;
  if (error) {
    report(error.pos[0], syntaxFinding(error, text));
    return [];
  }
  const unknownTag = document.warnings[0];
  if (unknownTag)
    report(unknownTag.pos[0], { code: "unsupportedValue", severity: "error", message: unknownTag.message, hint: "remove the tag" });
  const root = document.contents;
  const { value, faults } = plainValue(root, limits);
  for (const { offset, ...fault } of faults) report(offset, fault);
  if (value === null || unknownTag !== undefined || faults.some(({ severity }) => severity === "error")) return [];
  return objectsIn(value, root, at, lines, report);
}

function syntaxFinding(error: YAMLError, text: string): Omit<Finding, "line" | "column"> {
  if (/\{\{[^}]{0,500}\}\}/.test(text))
    return {
      code: "template",
      severity: "error",
      message: "this looks like a template ({{ … }}), not like YAML",
      hint: "render it first, or move it out of the path that is synced; Slipway reads plain YAML and JSON",
    };
  if (error.message.includes("call stack"))
    return { code: "tooDeep", severity: "error", message: "the file is nested too deeply to be read", hint: "flatten it" };
  const hint = error.code === "TAB_AS_INDENT" ? "indent with spaces" : "correct the YAML; an editor with a YAML mode shows the place";
  return { code: "syntax", severity: "error", message: error.message.split("\n")[0] ?? error.message, hint };
}

function objectsIn(
  value: JsonValue,
  root: ParsedNode | null,
  document: number,
  lines: LineCounter,
  report: Report,
): readonly FoundObject[] {
  const at = offsetOf(root);
  if (!isJsonObject(value)) {
    report(at, {
      code: "notAnObject",
      severity: "error",
      message: `the document is ${Array.isArray(value) ? "a list" : "a single value"}, not an object`,
      hint: "begin it with apiVersion, kind and metadata",
    });
    return [];
  }
  const items = value["items"];
  if (typeof value["kind"] !== "string" || !value["kind"].endsWith("List") || !Array.isArray(items)) {
    return complete(value, root, report) ? [{ object: value, ...place(lines, at), document, item: undefined }] : [];
  }
  const nodes = itemNodes(root);
  return items.flatMap((item: JsonValue, index): FoundObject[] => {
    const node = nodes[index] ?? root;
    if (!isJsonObject(item)) {
      report(offsetOf(node), {
        code: "notAnObject",
        severity: "error",
        message: `item ${index} of the List is not an object`,
        hint: "write an object with apiVersion, kind and metadata",
      });
      return [];
    }
    return complete(item, node, report) ? [{ object: item, ...place(lines, offsetOf(node)), document, item: index }] : [];
  });
}

function itemNodes(root: ParsedNode | null): readonly unknown[] {
  const pair = isMap(root) ? root.items.find(({ key }) => isScalar(key) && key.value === "items") : undefined;
  return isSeq(pair?.value) ? pair.value.items : [];
}

function complete(object: JsonObject, node: unknown, report: Report): boolean {
  const metadata = isJsonObject(object["metadata"]) ? object["metadata"] : {};
  const missing = [
    ...(isText(object["apiVersion"]) ? [] : ["apiVersion"]),
    ...(isText(object["kind"]) ? [] : ["kind"]),
    ...(isText(metadata["name"]) ? [] : ["metadata.name"]),
  ];
  if (missing.length === 0) return true;
  report(offsetOf(node), {
    code: "incomplete",
    severity: "error",
    message: `the object has no ${missing.join(" and no ")}`,
    hint: "add it as text, or move a file that holds no object out of the path that is synced",
  });
  return false;
}

const isText = (value: JsonValue | undefined): boolean => typeof value === "string" && value !== "";
