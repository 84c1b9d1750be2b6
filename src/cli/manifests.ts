import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text as readStream } from "node:stream/consumers";
import type { Document, LineCounter as Lines } from "yaml";
import { isApiObject, isJsonObject, type ApiObject, type JsonValue } from "../api/client/json.ts";
import { CliError } from "./exit-codes.ts";

/** An object in a file, and where it begins. */
export interface Manifest {
  readonly object: ApiObject;
  /** `FILE:LINE:COLUMN`. */
  readonly where: string;
}

const LARGEST_FILE = 64 * 1024 * 1024;
const SUFFIXES = [".yaml", ".yml", ".json"];
const MOST_ALIASES = 100;

/**
 * The objects of files, folders (their .yaml, .yml and .json, by name) and standard input ("-"), in this order; a List gives its items.
 * Throws CliError with file, line and column; nothing is returned of a file that is partly wrong.
 */
export async function readManifests(paths: readonly string[], options: { readonly recursive: boolean }): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for (const path of paths)
    for (const file of await filesOf(path, options.recursive)) manifests.push(...(await parseManifests(file, await contentOf(file))));
  if (manifests.length === 0) throw new CliError("misused", `there is no object in ${paths.join(", ")}`);
  return manifests;
}

async function filesOf(path: string, recursive: boolean): Promise<readonly string[]> {
  if (path === "-") return [path];
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (!found.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inner = join(path, entry.name);
    if (entry.isFile() && SUFFIXES.some((suffix) => entry.name.endsWith(suffix))) files.push(inner);
    if (entry.isDirectory() && recursive) files.push(...(await filesOf(inner, true)));
  }
  if (files.length === 0 && !recursive)
    throw new CliError("misused", `the folder ${path} has no .yaml, .yml or .json file; -R looks into the folders in it too`);
  return files;
}

async function contentOf(file: string): Promise<string> {
  if (file === "-") return readStream(process.stdin);
  try {
    const { size } = await stat(file);
    if (size > LARGEST_FILE) throw new CliError("misused", `${file} has ${Math.round(size / 1024 / 1024)} MiB; 64 is the most`);
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (error) {
    throw error instanceof CliError ? error : unreadable(file, error);
  }
}

function unreadable(path: string, error: unknown): CliError {
  const code = error instanceof Error && "code" in error ? error.code : "";
  const why =
    code === "ENOENT"
      ? "there is no such file or folder"
      : code === "EACCES"
        ? "this user may not read it"
        : code === "ERR_ENCODING_INVALID_ENCODED_DATA"
          ? "it is no UTF-8 text"
          : String(error);
  return new CliError(code === "ENOENT" ? "notFound" : "misused", `${path} cannot be read: ${why}`, { cause: error });
}

/** Pure. The objects of one text, YAML or JSON. */
export async function parseManifests(file: string, text: string): Promise<readonly Manifest[]> {
  const { LineCounter, parseAllDocuments } = await import("yaml");
  const shown = file === "-" ? "standard input" : file;
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, version: "1.2" });
  if ("empty" in documents) return [];
  return documents.flatMap((document) => manifestsIn(shown, document, lineCounter));
}

function manifestsIn(file: string, document: Document.Parsed, lines: Lines): readonly Manifest[] {
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [problem] = document.errors;
  if (problem !== undefined) throw new CliError("misused", `${at(problem.pos[0])}: ${problem.message}; correct the YAML`);
  if (document.contents === null) return [];
  const where = at(document.contents.range[0]);
  const value = valueOf(document, where);
  if (value === null) return [];
  return flattened(value, where);
}

function valueOf(document: Document.Parsed, where: string): JsonValue {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    // By way of JSON: what it cannot say (.inf, dates) does not reach the server as something else.
    return JSON.parse(JSON.stringify(value)) as JsonValue; // that is what JSON.parse gives
  } catch (error) {
    throw new CliError("misused", `${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function flattened(value: JsonValue, where: string): readonly Manifest[] {
  if (!isJsonObject(value) || typeof value["apiVersion"] !== "string" || typeof value["kind"] !== "string")
    throw new CliError("misused", `${where}: this is no object: it needs apiVersion and kind`);
  if (value["kind"] === "List" && Array.isArray(value["items"]))
    return (value["items"] as readonly JsonValue[]).flatMap((item) => flattened(item, where)); // Array.isArray makes `any[]` of it
  const { metadata } = value;
  if (!isApiObject(value) || !isJsonObject(metadata) || typeof metadata["name"] !== "string" || metadata["name"] === "")
    throw new CliError("misused", `${where}: this ${value["kind"]} has no metadata.name`);
  return [{ object: value, where }];
}
