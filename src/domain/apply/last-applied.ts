import { compareTyped } from "./compare.ts";
import { extractFieldSet } from "./extract.ts";
import { difference, emptySet, isEmptySet, type FieldSet } from "./field-set.ts";
import type { Clash } from "./ownership.ts";
import type { Shape } from "./shape.ts";
import { lenient, strict, validate } from "./validate.ts";
import { isDeeperThan, isJsonObject, member, MOST_LEVELS, withMember, type JsonObject, type JsonValue } from "../object/json.ts";
import { kubernetesJson } from "./kubernetes-json.ts";

/** The manager name under which `kubectl apply --server-side` takes over from client-side apply. */
export const kubectlManager = "kubectl";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Bytes that all annotations of an object may have together (apimachinery `TotalAnnotationSizeLimitB`). */
const annotationBytesLimit = 256 * 1024;

/**
 * The clashes left when kubectl takes over what it applied client-side: fields that are still as the last-applied
 * annotation has them are its own. Source: apimachinery managedfields, `lastAppliedManager`.
 */
export function withoutOwnPast(shape: Shape, live: JsonObject, clashes: readonly Clash[]): readonly Clash[] {
  const own = ownPast(shape, live);
  return clashes.map(({ owner, fields }) => ({ owner, fields: difference(fields, own) })).filter(({ fields }) => !isEmptySet(fields));
}

/**
 * The object with its last-applied annotation, if it has one, brought up to date with what kubectl applied, so that
 * client-side apply goes on from there; dropped when annotations would grow over 256 KiB.
 * Source: apimachinery managedfields, `lastAppliedUpdater`.
 */
export function withLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  const annotations = annotationsOf(object);
  const last = member(annotations, annotation);
  if (typeof last !== "string" || last === "") return object;
  const text = `${kubernetesJson(withoutAnnotation(configuration))}\n`;
  const updated = withMember(annotations, annotation, text);
  const fits = bytesOf(updated) <= annotationBytesLimit;
  return withAnnotations(object, fits ? updated : withMember(annotations, annotation, undefined));
}

function ownPast(shape: Shape, live: JsonObject): FieldSet {
  const past = parseLast(member(annotationsOf(live), annotation));
  if (past === undefined || member(past, "apiVersion") !== member(live, "apiVersion")) return emptySet;
  if (validate(shape, past, strict).length > 0 || validate(shape, live, { ...lenient, allowsDuplicates: false }).length > 0)
    return emptySet;
  const { added, modified, removed } = compareTyped(shape, past, live);
  return [modified, added, removed].reduce(difference, extractFieldSet(shape, past));
}

function parseLast(text: JsonValue | undefined): JsonObject | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text) as JsonValue; // JSON.parse yields nothing but JSON values
    return isJsonObject(value) && !isDeeperThan(value, MOST_LEVELS) ? value : undefined;
  } catch {
    // The annotation is the client's; one that is no JSON gives kubectl nothing to take over.
    return undefined;
  }
}

function annotationsOf(object: JsonObject): JsonObject {
  const metadata = member(object, "metadata");
  const annotations = isJsonObject(metadata) ? member(metadata, "annotations") : undefined;
  return isJsonObject(annotations) ? annotations : {};
}

function withAnnotations(object: JsonObject, annotations: JsonObject): JsonObject {
  const metadata = member(object, "metadata");
  return withMember(object, "metadata", withMember(isJsonObject(metadata) ? metadata : {}, "annotations", annotations));
}

function withoutAnnotation(configuration: JsonObject): JsonObject {
  const annotations = annotationsOf(configuration);
  if (!Object.hasOwn(annotations, annotation)) return configuration;
  return withAnnotations(configuration, withMember(annotations, annotation, undefined));
}

function bytesOf(annotations: JsonObject): number {
  return Object.entries(annotations).reduce(
    (sum, [name, value]) => sum + utf8Length(name) + (typeof value === "string" ? utf8Length(value) : 0),
    0,
  );
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
