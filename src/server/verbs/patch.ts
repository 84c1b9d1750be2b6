import { checkObject } from "../../api/check.ts";
import { withDefaults } from "../../api/shape.ts";
import { applyConfiguration } from "../../domain/apply/apply.ts";
import type { Cause } from "../../domain/apply/validate.ts";
import type { FieldProblem, FieldProblemCode } from "../../domain/object/field-problem.ts";
import type { ApiObject } from "../../domain/object/api-object.ts";
import { isJsonObject, type JsonValue } from "../../domain/object/json.ts";
import { mergePatch } from "../../domain/object/merge-patch.ts";
import { StrategicMergeError, strategicMerge } from "../../domain/object/strategic-merge.ts";
import { rfc3339 } from "../../domain/units.ts";
import type { Intent, StoredObject, Write } from "../../ports/resources.ts";
import { objectMetaSchema } from "../../api/meta.ts";
import { asObject, resetFieldsOf, schemaOf } from "../admission/field-managers.ts";
import { isBuiltIn } from "../admission/kind-rules.ts";
import { conflict, InvalidObject, notFound } from "../admission/refusals.ts";
import { keyOf, type Ask, type Body, type VerbParts, type WriteOptions, type Written } from "./ask.ts";
import { commitOne, intentOf } from "./commit-one.ts";
import { objectOfBody, warningsOf } from "./body.ts";
import { jsonPatched, PatchMisfit } from "./json-patch.ts";
import { badRequest, invalidOption, patchFails, unsupportedMediaType } from "./refuse.ts";
import { ApiFailure } from "../../api/status.ts";
import { attributesOf } from "../admission/attributes.ts";
import { retried } from "./retried.ts";
import { versionGiven } from "./update.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface PatchOptions extends WriteOptions {
  /** Server-side apply only: take over what others own. */
  readonly force: boolean;
  /** For callers in the process: refuse unless the object is at this version, "" = unless it is absent. */
  readonly decidedOn?: string;
}

/** The media types of patches; strategic merge is for built-in kinds only, as with custom resources. */
export function patchMediaTypes(ask: Pick<Ask, "kind">): readonly string[] {
  const strategic = isBuiltIn(ask.kind) ? ["application/strategic-merge-patch+json"] : [];
  return ["application/json-patch+json", "application/merge-patch+json", ...strategic, "application/apply-patch+yaml"];
}

/**
 * Changes a part of an object. When another writer came between and the client named no version, the patch is made again on what is there now.
 * Server-side apply creates what is absent. Throws ApiFailure, ResourceError.
 */
export async function patch(parts: VerbParts, ask: Ask, type: PatchType, body: Body, options: PatchOptions): Promise<Written> {
  if (type === "strategic" && !isBuiltIn(ask.kind)) throw unsupportedMediaType(patchMediaTypes(ask));
  await parts.admission.authorize(ask.caller, attributesOf(ask.kind, keyOf(ask), "patch", ask.subresource));
  return retried(() => patchOnce(parts, ask, type, body, options));
}

async function patchOnce(parts: VerbParts, ask: Ask, type: PatchType, body: Body, options: PatchOptions): Promise<Written> {
  const key = keyOf(ask);
  const current = await parts.resources.get(key);
  checkDecidedOn(ask, current, options);
  if (type === "apply") return applied(parts, ask, current, body, options);
  if (current === undefined) throw notFound(key);
  const next = objectOfBody(ask, patched(ask, type, current, body.value));
  if (next.metadata.name !== ask.name)
    throw new InvalidObject(key, [{ path: "metadata.name", code: "immutable", message: "field is immutable" }]);
  const warnings = warningsOf(ask, next, body, options.validation);
  return { ...(await commitOver(parts, ask, current, next, intentOf("patch", ask, options), options)), warnings };
}

function patched(ask: Ask, type: Exclude<PatchType, "apply">, current: StoredObject, patch: JsonValue): JsonValue {
  switch (type) {
    case "json":
      return fitting(ask, () => jsonPatched(current.object, patch));
    case "merge":
      if (!isJsonObject(patch)) throw badRequest("a merge patch is a JSON object");
      return mergePatch(current.object, patch);
    case "strategic":
      return strategicallyMerged(ask, current, patch);
  }
}

function strategicallyMerged(ask: Ask, current: StoredObject, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) throw badRequest("a strategic merge patch is a JSON object");
  const { properties } = schemaOf(ask.kind);
  return fitting(ask, () => strategicMerge(current.object, patch, { properties: { ...properties, metadata: objectMetaSchema } }));
}

/** A patch that does not fit the object is the client's error, told as one. */
function fitting<T>(ask: Ask, patched: () => T): T {
  try {
    return patched();
  } catch (error) {
    if (error instanceof StrategicMergeError || error instanceof PatchMisfit) throw patchFails(ask, error.message);
    throw error;
  }
}

async function applied(parts: VerbParts, ask: Ask, current: StoredObject | undefined, body: Body, options: PatchOptions): Promise<Written> {
  const key = keyOf(ask);
  if (options.manager === "") throw invalidOption("PatchOptions", "fieldManager", "required", "is required for apply patch");
  const configuration = objectOfBody(ask, body.value);
  if ((configuration.metadata.name ?? "") === "")
    throw badRequest(`the name of the object (${ask.name} based on URL) was undeterminable: name must be provided`);
  const warnings = warningsOf(ask, configuration, body, options.validation);
  if (current === undefined) checkCreatable(ask, configuration);
  else checkMeant(ask, current, configuration);
  const subresource = ask.subresource === "status" ? ask.subresource : undefined;
  const outcome = applyConfiguration({
    configuration,
    live: current?.object,
    manager: options.manager,
    force: options.force,
    schema: schemaOf(ask.kind),
    now: rfc3339(parts.clock.now()),
    resetFields: resetFieldsOf(ask.kind, subresource),
    ...(subresource === undefined ? {} : { subresource }),
  });
  switch (outcome.outcome) {
    case "conflict":
      throw new ApiFailure({ error: "applyConflict", conflicts: outcome.conflicts });
    case "invalid":
      throw new InvalidObject(key, configurationProblems(ask, configuration, outcome.causes));
    case "applied": {
      const object = asObject(outcome.object);
      const intent = intentOf("patch", ask, { ...options, manager: "" });
      if (current !== undefined) return { ...(await commitOver(parts, ask, current, object, intent, options)), warnings };
      const named: ApiObject = { ...object, metadata: { ...object.metadata, name: key.name } };
      return {
        stored: await commitOne(parts, ask, { verb: "create", key, object: named, intent }, options),
        created: true,
        isUnchanged: false,
        warnings,
      };
    }
  }
}

/** What apply could not read comes first; what the kind's own checks find besides is told along with it, so that it can be mended at once. */
function configurationProblems(ask: Ask, configuration: ApiObject, causes: readonly Cause[]): readonly FieldProblem[] {
  const unread = causes.map(({ path, code, message, hint }): FieldProblem => ({
    path: path.replace(/^\./, ""),
    code: CODES[code],
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
  const paths = new Set(unread.map(({ path }) => path));
  const place = ask.namespace === "" ? { name: ask.name } : { name: ask.name, namespace: ask.namespace };
  const placed = { ...configuration, metadata: { ...configuration.metadata, ...place } };
  return [...unread, ...checkObject(ask.kind, withDefaults(ask.kind, placed)).filter(({ path }) => !paths.has(path))];
}

const CODES: Readonly<Record<Cause["code"], FieldProblemCode>> = {
  FieldValueRequired: "required",
  FieldValueInvalid: "invalid",
  FieldValueForbidden: "forbidden",
  FieldValueDuplicate: "duplicate",
  FieldValueTypeInvalid: "typeInvalid",
};

function checkCreatable(ask: Ask, configuration: ApiObject): void {
  if (ask.subresource !== "") throw notFound(keyOf(ask));
  const { uid } = configuration.metadata;
  if (uid !== undefined && uid !== "")
    throw conflict(keyOf(ask), `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
}

/** A version or uid in a configuration says which state and which object it is for. */
function checkMeant(ask: Ask, current: StoredObject, configuration: ApiObject): void {
  const expected = versionGiven(configuration);
  if (expected !== undefined && expected !== current.resourceVersion) throw lostForGood(ask);
  const { uid } = configuration.metadata;
  if (uid !== undefined && uid !== "" && uid !== current.uid)
    throw new InvalidObject(keyOf(ask), [
      { path: "metadata.uid", code: "immutable", message: `${JSON.stringify(uid)}: field is immutable` },
    ]);
}

/** Written over exactly the state it was made from; a version in the result is the client's own precondition, never tried again. */
async function commitOver(
  parts: VerbParts,
  ask: Ask,
  current: StoredObject,
  next: ApiObject,
  intent: Intent,
  options: PatchOptions,
): Promise<Omit<Written, "warnings">> {
  const expected = versionGiven(next);
  if (expected !== undefined && expected !== current.resourceVersion) throw lostForGood(ask);
  const write: Write = { verb: "update", key: keyOf(ask), object: next, resourceVersion: current.resourceVersion, intent };
  const stored = await commitOne(parts, ask, write, options, { known: [current], isAuthorized: true });
  return { stored, created: false, isUnchanged: stored === current };
}

function checkDecidedOn(ask: Ask, current: StoredObject | undefined, { decidedOn }: PatchOptions): void {
  if (decidedOn !== undefined && decidedOn !== (current === undefined ? "" : String(current.resourceVersion))) throw lostForGood(ask);
}

/** A conflict that trying again cannot mend; unlike ResourceError `conflict` it is not retried. */
function lostForGood(ask: Ask): ApiFailure {
  return new ApiFailure({ error: "conflict", subject: keyOf(ask) });
}
