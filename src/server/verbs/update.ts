import { parseResourceVersion, type ApiObject, type ResourceVersion } from "../../domain/object/api-object.ts";
import type { StoredObject } from "../../ports/resources.ts";
import type { Already } from "../admitted.ts";
import { attributesOf } from "../admission/attributes.ts";
import { isBuiltIn } from "../admission/kind-rules.ts";
import { InvalidObject, notFound } from "../admission/refusals.ts";
import type { Ask, Body, VerbParts, WriteOptions, Written } from "./ask.ts";
import { keyOf } from "./ask.ts";
import { commitOne, intentOf } from "./commit-one.ts";
import { objectOfBody, warningsOf } from "./body.ts";
import { retried } from "./retried.ts";
import { badRequest } from "./refuse.ts";

/**
 * Replaces the object (or, on the status subresource, its status). Own kinds must say which version they replace, as custom resources must;
 * of built-in kinds the last writer wins where none is given. Throws ApiFailure, ResourceError.
 */
export async function update(parts: VerbParts, ask: Ask, body: Body, options: WriteOptions): Promise<Written> {
  const object = objectOfBody(ask, body.value);
  const key = keyOf(ask);
  if (object.metadata.name === undefined || object.metadata.name === "")
    throw badRequest(`the name of the object is missing; the name on the URL is ${ask.name}`);
  const warnings = warningsOf(ask, object, body, options.validation);
  const expected = versionGiven(object);
  if (expected === undefined && !isBuiltIn(ask.kind)) {
    await parts.admission.authorize(ask.caller, attributesOf(ask.kind, key, "update", ask.subresource));
    if ((await parts.resources.get(key)) === undefined) throw notFound(key);
    throw new InvalidObject(key, [{ path: "metadata.resourceVersion", code: "invalid", message: "must be specified for an update" }]);
  }
  if (expected !== undefined)
    return { stored: await replace(parts, ask, object, expected, {}, options), created: false, isUnchanged: false, warnings };
  await parts.admission.authorize(ask.caller, attributesOf(ask.kind, key, "update", ask.subresource));
  const stored = await retried(async () => {
    const current = await parts.resources.get(key);
    if (current === undefined) throw notFound(key);
    return replace(parts, ask, object, current.resourceVersion, { known: [current], isAuthorized: true }, options);
  });
  return { stored, created: false, isUnchanged: false, warnings };
}

/** The version the writer decided on; undefined when it names none. Throws ApiFailure 400 for one that cannot be. */
export function versionGiven(object: ApiObject): ResourceVersion | undefined {
  const text = object.metadata.resourceVersion ?? "";
  if (text === "") return undefined;
  const version = parseResourceVersion(text);
  if (version === undefined)
    throw badRequest(`metadata.resourceVersion: invalid value "${text.slice(0, 40)}": it is a number that an earlier answer gave`);
  return version === 0 ? undefined : version;
}

async function replace(
  parts: VerbParts,
  ask: Ask,
  object: ApiObject,
  resourceVersion: ResourceVersion,
  already: Already,
  options: WriteOptions,
): Promise<StoredObject> {
  const intent = intentOf("update", ask, options);
  return commitOne(parts, ask, { verb: "update", key: keyOf(ask), object, resourceVersion, intent }, options, already);
}
