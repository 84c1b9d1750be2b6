import type { JsonObject, JsonValue } from "../domain/object/json.ts";

/**
 * Reads the objects that people wrote in files. Never throws for what a file holds: everything wrong is in `problems`, with file, line and column,
 * and the other files and documents are read all the same. Reading lets others run in between; aborting the signal rejects with its reason.
 */
export interface Manifests {
  /**
   * Objects in the order of the files given and of the documents in them; a `kind: List` is its items. Only files that end in one of `manifestSuffixes` count,
   * and no file of a hidden folder (".x") below `root`, the path that was asked for.
   */
  parse(files: readonly ManifestFile[], signal: AbortSignal, root?: string): Promise<ParsedManifests>;
  /**
   * The text with one value changed and every other byte kept, comments and line endings too, where the value is there already; a new name is added to its map.
   * `document` counts from 0. Throws ManifestEditRefused if the path does not lead to a map or list that could hold it, or the text is not valid.
   */
  edit(text: string, path: DocumentPath, value: JsonValue, document?: number): string;
}

export interface ManifestFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Identity of the content, such as a blob id: files with an equal one are parsed once. */
  readonly id?: string;
}

export interface ParsedManifests {
  readonly objects: readonly ParsedObject[];
  readonly problems: readonly ManifestProblem[];
  /** Where the value at `path` of the object at `index` stands, or the nearest thing around it that is there. Parses that one file again. */
  locate(index: number, path: DocumentPath): Position;
}

/** `line` and `column` count from 1; a column is a UTF-16 unit. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Shared between calls: never changed. It has apiVersion, kind and metadata.name, all text; nothing else was checked. */
export interface ParsedObject extends Position {
  readonly object: JsonObject;
}

export interface ManifestProblem extends Position {
  readonly code: ManifestProblemCode;
  /** A warning leaves the object in; an error means that something in the file was not read. */
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

export type ManifestProblemCode =
  | "notUtf8"
  | "controlCharacter"
  | "syntax"
  | "duplicateKey"
  | "tooLarge"
  | "tooDeep"
  | "tooManyAliases"
  | "tooManyDocuments"
  | "template"
  | "notAnObject"
  | "incomplete"
  | "unsupportedValue"
  | "kustomization"
  | "ambiguousValue";

export type DocumentPath = readonly (string | number)[];

export interface ManifestLimits {
  readonly fileBytes: number;
  readonly documents: number;
  readonly depth: number;
  /** Nodes that aliases may stand for, in one document. */
  readonly aliases: number;
}

export const manifestLimits: ManifestLimits = { fileBytes: 1 << 20, documents: 5_000, depth: 64, aliases: 10_000 };

export const manifestSuffixes = [".yaml", ".yml", ".json"] as const;

/** An edit that cannot be made, and why. */
export class ManifestEditRefused extends Error {
  override readonly name = "ManifestEditRefused";
}
