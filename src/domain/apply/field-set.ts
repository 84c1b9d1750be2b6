import { compareElements, describePath, parseElement, type PathElement } from "./path-element.ts";
import { isJsonObject, membersOf, type JsonObject, type JsonValue } from "../object/json.ts";

/** An immutable set of field paths. A path may be in the set with or without the paths above and below it. */
export interface FieldSet {
  readonly entries: ReadonlyMap<string, FieldSetEntry>;
}

export interface FieldSetEntry {
  readonly element: PathElement;
  /** The path that ends here is in the set. */
  readonly isMember: boolean;
  /** Paths that go on from here; may be empty only while being built. */
  readonly below: FieldSet;
}

/** A path as a chain from its end to the root; `undefined` is the whole object, which nobody owns. */
export type Path = { readonly parent: Path; readonly element: PathElement } | undefined;

/** The set without any path. */
export const emptySet: FieldSet = { entries: new Map() };

/** A set of these paths, each written from the root down. */
export function setOf(...paths: readonly (readonly PathElement[])[]): FieldSet {
  const builder = startSet();
  for (const path of paths) addPath(builder, chain(path));
  return builder;
}

/** A set under construction: a `FieldSet` as soon as nobody adds to it any more. */
export interface FieldSetBuilder extends FieldSet {
  readonly entries: Map<string, FieldSetEntry>;
}

/** An empty set to add paths to. */
export function startSet(): FieldSetBuilder {
  return { entries: new Map() };
}

/** Adds one path; the paths above it are not added with it. */
export function addPath(builder: FieldSetBuilder, path: Path): void {
  if (path === undefined) return;
  const { entries } = descend(builder, path.parent);
  const { element } = path;
  entries.set(element.text, { element, isMember: true, below: entries.get(element.text)?.below ?? emptySet });
}

/** Whether no path is in the set. */
export function isEmptySet(set: FieldSet): boolean {
  for (const entry of set.entries.values()) {
    if (entry.isMember || !isEmptySet(entry.below)) return false;
  }
  return true;
}

/** How many paths are in the set. */
export function sizeOf(set: FieldSet): number {
  let size = 0;
  for (const { isMember, below } of set.entries.values()) size += Number(isMember) + sizeOf(below);
  return size;
}

/** Whether exactly this path, written from the root down, is in the set. */
export function has(set: FieldSet, path: readonly PathElement[]): boolean {
  const [first, ...rest] = path;
  const entry = first === undefined ? undefined : set.entries.get(first.text);
  if (entry === undefined) return false;
  return rest.length === 0 ? entry.isMember : has(entry.below, rest);
}

/** Whether both sets hold the same paths. */
export function isEqualSet(left: FieldSet, right: FieldSet): boolean {
  return isEmptySet(difference(left, right)) && isEmptySet(difference(right, left));
}

/** Paths in either set. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left.entries.size === 0) return right;
  if (right.entries.size === 0) return left;
  const entries = new Map(left.entries);
  for (const [text, entry] of right.entries) {
    const known = entries.get(text);
    entries.set(text, known === undefined ? entry : joined(known, entry));
  }
  return { entries };
}

/** Paths in both sets. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  if (left.entries.size === 0 || right.entries.size === 0) return emptySet;
  return mapEntries(left, (entry) => {
    const other = right.entries.get(entry.element.text);
    return other === undefined ? undefined : changed(entry, other.isMember, intersection(entry.below, other.below));
  });
}

/** Paths in the left set and not in the right; a path that goes takes neither parents nor children with it. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  if (right.entries.size === 0 || left.entries.size === 0) return left;
  return mapEntries(left, (entry) => {
    const other = right.entries.get(entry.element.text);
    return other === undefined ? entry : changed(entry, !other.isMember, difference(entry.below, other.below));
  });
}

/** As `difference`, but a path that goes takes everything below it with it. */
export function differenceWithChildren(left: FieldSet, right: FieldSet): FieldSet {
  return mapEntries(left, (entry) => {
    const other = right.entries.get(entry.element.text);
    if (other === undefined) return entry;
    return other.isMember ? undefined : { ...entry, below: differenceWithChildren(entry.below, other.below) };
  });
}

/** Paths that have no other path of the set below them. */
export function leaves(set: FieldSet): FieldSet {
  return mapEntries(set, (entry) => ({
    ...entry,
    isMember: entry.isMember && isEmptySet(entry.below),
    below: leaves(entry.below),
  }));
}

/** Every path of the set from the root down, in the order Kubernetes lists them: members of a level before what is below. */
export function pathsOf(set: FieldSet, above: readonly PathElement[] = []): readonly (readonly PathElement[])[] {
  const entries = sortedEntries(set);
  return [
    ...entries.filter(({ isMember }) => isMember).map(({ element }) => [...above, element]),
    ...entries.flatMap(({ element, below }) => pathsOf(below, [...above, element])),
  ];
}

/** The set as people read it: one `.spec.replicas` a path. */
export function describeSet(set: FieldSet): readonly string[] {
  return pathsOf(set).map(describePath);
}

/** Writes the set as `fieldsV1`: sorted; `.` marks a path that is itself in the set and has more below. */
export function formatFieldSet(set: FieldSet): JsonObject {
  const json: Record<string, JsonValue> = {};
  for (const { element, isMember, below } of sortedEntries(set)) {
    const inner = below.entries.size === 0 ? {} : formatFieldSet(below);
    const isLeaf = Object.keys(inner).length === 0;
    // A step's text begins with its kind and a colon, so it is never `__proto__`.
    if (isMember || !isLeaf) json[element.text] = isMember && !isLeaf ? { ".": {}, ...inner } : inner;
  }
  return json;
}

/** Levels that `fieldsV1` may have: as many as an object, and some for steps of lists. */
const fieldsDepthLimit = 250;

/**
 * Reads `fieldsV1`; steps of unknown kinds are dropped, as Kubernetes does. Throws a SyntaxError when it is malformed
 * or nested deeper than 250 levels.
 */
export function parseFieldSet(json: JsonValue): FieldSet {
  return parseBelow(json, 0).below;
}

function parseBelow(json: JsonValue, depth: number): Pick<FieldSetEntry, "isMember" | "below"> {
  if (json === null) return { isMember: true, below: emptySet };
  if (!isJsonObject(json)) throw new SyntaxError(`expected an object of field path steps, found ${JSON.stringify(json)}`);
  if (depth > fieldsDepthLimit) throw new SyntaxError(`field paths are longer than ${String(fieldsDepthLimit)} steps`);
  const entries = new Map<string, FieldSetEntry>();
  for (const [text, inner] of membersOf(json)) {
    const element = text === "." ? undefined : parseElement(text);
    if (element === undefined) continue;
    const entry = { element, ...parseBelow(inner, depth + 1) };
    const known = entries.get(element.text);
    entries.set(element.text, known === undefined ? entry : joined(known, entry));
  }
  return { isMember: Object.hasOwn(json, ".") || entries.size === 0, below: entries.size === 0 ? emptySet : { entries } };
}

function descend(builder: FieldSetBuilder, path: Path): FieldSetBuilder {
  if (path === undefined) return builder;
  const { entries } = descend(builder, path.parent);
  const known = entries.get(path.element.text);
  // Below a builder is either the shared empty set or what startSet() made here, which can be added to.
  if (known !== undefined && known.below !== emptySet) return known.below as FieldSetBuilder;
  const below = startSet();
  entries.set(path.element.text, { element: path.element, isMember: known?.isMember === true, below });
  return below;
}

function chain(path: readonly PathElement[]): Path {
  return path.reduce<Path>((parent, element) => ({ parent, element }), undefined);
}

function joined(left: FieldSetEntry, right: FieldSetEntry): FieldSetEntry {
  return { ...left, isMember: left.isMember || right.isMember, below: union(left.below, right.below) };
}

/** The entry with what is left of it; itself where nothing goes, as most of a big set stays as it is. */
function changed(entry: FieldSetEntry, staysMember: boolean, below: FieldSet): FieldSetEntry {
  const isMember = entry.isMember && staysMember;
  return isMember === entry.isMember && below === entry.below ? entry : { element: entry.element, isMember, below };
}

/** A set of the entries that `change` gives back, without those that hold no path any more. */
function mapEntries(set: FieldSet, change: (entry: FieldSetEntry) => FieldSetEntry | undefined): FieldSet {
  const entries = new Map<string, FieldSetEntry>();
  for (const [text, entry] of set.entries) {
    const kept = change(entry);
    if (kept !== undefined && (kept.isMember || kept.below.entries.size > 0)) entries.set(text, kept);
  }
  return entries.size === 0 ? emptySet : { entries };
}

function sortedEntries(set: FieldSet): readonly FieldSetEntry[] {
  const entries = [...set.entries.values()];
  return entries.length < 2 ? entries : entries.sort((left, right) => compareElements(left.element, right.element));
}
