import { isMap, isScalar, isSeq, stringify } from "yaml";
import type { Document, Scalar, YAMLMap } from "yaml";
import { isJsonObject, jsonEqual } from "../../domain/object/json.ts";
import type { JsonValue } from "../../domain/object/json.ts";
import { ManifestEditRefused, manifestLimits } from "../../ports/manifests.ts";
import type { DocumentPath } from "../../ports/manifests.ts";
import { parseText } from "./file-content.ts";
import { plainValue } from "./plain-value.ts";

/**
 * The text with one value changed. The library can set a value and write the document anew, but that also moves comments and changes quoting and indentation,
 * which a person would see as noise in the commit; so the one piece of text is replaced, and the result is read back to prove that nothing else changed.
 */
export function editValue(text: string, path: DocumentPath, value: JsonValue, document = 0): string {
  const before = documentOf(text, document);
  const wanted = withValue(valueOf(before), path, value);
  if (wanted === undefined) throw refused(path, "does not lead to a map or list that could hold the value");
  if (jsonEqual(wanted, valueOf(before))) return text;
  const edited = replaced(text, before, path, value) ?? added(text, before, path, value);
  if (edited === undefined) throw refused(path, "leads to a map or list, and only a single value can be replaced");
  if (!jsonEqual(valueOf(documentOf(edited, document)), wanted))
    throw refused(path, "leads to a value that other places share (an anchor or alias)");
  return edited;
}

function documentOf(text: string, at: number): Document.Parsed {
  const parsed = parseText(text.replace(/^\ufeff/, " "), manifestLimits); // offsets stay
  if ("finding" in parsed) throw new ManifestEditRefused(`the text cannot be edited: ${parsed.finding.message}`);
  const document = parsed.documents[at];
  if (!document) throw new ManifestEditRefused(`there is no document ${at}: the text has ${parsed.documents.length}`);
  const [error] = document.errors;
  if (error) throw new ManifestEditRefused(`the text cannot be edited: ${error.message}`);
  return document;
}

function valueOf(document: Document.Parsed): JsonValue {
  const { value, faults } = plainValue(document.contents, manifestLimits);
  const fault = faults.find(({ severity }) => severity === "error");
  if (fault) throw new ManifestEditRefused(`the text cannot be edited: ${fault.message}; ${fault.hint}`);
  return value;
}

const refused = (path: DocumentPath, why: string) =>
  new ManifestEditRefused(`${path.join(".") || "the root"} ${why}; edit the file by hand`);

function withValue(now: JsonValue | undefined, path: DocumentPath, value: JsonValue): JsonValue | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(now)) {
    const list: readonly JsonValue[] = now;
    const at = Number(step);
    const next = Number.isInteger(at) && at >= 0 && at < list.length ? withValue(list[at], rest, value) : undefined;
    return next === undefined ? undefined : list.map((item, index) => (index === at ? next : item));
  }
  if (!isJsonObject(now) || step === "__proto__") return undefined;
  if (!Object.hasOwn(now, step) && rest.length > 0) return undefined;
  const next = withValue(now[step], rest, value);
  return next === undefined ? undefined : { ...now, [step]: next };
}

function replaced(text: string, document: Document.Parsed, path: DocumentPath, value: JsonValue): string | undefined {
  const node = document.getIn(path, true);
  if (!isScalar(node) || !node.range || (typeof value === "object" && value !== null)) return undefined;
  const [start, end] = node.range;
  const old = text.slice(start, end);
  const space = start === end && !/\s/.test(text[start - 1] ?? " ") ? " " : ""; // "name:" with nothing after it
  const lineEnd = isBlock(node) && /\n$/.test(old) ? (/\r\n$/.test(old) ? "\r\n" : "\n") : "";
  return text.slice(0, start) + space + scalarText(value, node, insideFlow(document, path)) + lineEnd + text.slice(end);
}

const isBlock = (node: Scalar) => node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";

/** Keeps the kind of quotes that the value had. */
function scalarText(value: JsonValue, old: Scalar, flow: boolean): string {
  if (typeof value !== "string") return JSON.stringify(value);
  if (old.type === "QUOTE_SINGLE" && /^[\x20-\x7e]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  const plain = stringify(value, { lineWidth: 0 }).trimEnd();
  return old.type === "QUOTE_DOUBLE" || flow || plain.includes("\n") ? JSON.stringify(value) : plain;
}

const insideFlow = (document: Document.Parsed, path: DocumentPath): boolean =>
  path.some((_, depth) => {
    const around: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    return (isMap(around) || isSeq(around)) && around.flow === true;
  });

/** A new name at the end of a block map that has entries already. */
function added(text: string, document: Document.Parsed, path: DocumentPath, value: JsonValue): string | undefined {
  const name = path.at(-1);
  const map: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (typeof name !== "string" || !isMap(map) || map.flow || map.has(name)) return undefined;
  const [start] = map.range ?? [0];
  const indent = start - (text.lastIndexOf("\n", start - 1) + 1);
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = stringify({ [name]: value }, { lineWidth: 0 })
    .trimEnd()
    .split("\n")
    .map((line) => " ".repeat(indent) + line);
  const end = lastContent(map);
  const cut = end > 0 && text[end - 1] === "\n" ? end : text.indexOf("\n", end) + 1;
  return cut > 0
    ? text.slice(0, cut) + lines.join(lineEnd) + lineEnd + text.slice(cut)
    : `${text}${lineEnd}${lines.join(lineEnd)}${lineEnd}`;
}

function lastContent(map: YAMLMap): number {
  const last = map.items.at(-1);
  const node: unknown = last?.value ?? last?.key;
  if ((isMap(node) && !node.flow) || (isSeq(node) && !node.flow)) return node.range?.[1] ?? 0;
  return isScalar(node) || isMap(node) || isSeq(node) ? (node.range?.[1] ?? 0) : 0;
}
