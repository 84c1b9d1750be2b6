import type { ApiObject } from "../../domain/object/api-object.ts";
import { ResourceError } from "../../ports/resources.ts";
import type { Ask, Body, VerbParts, WriteOptions, Written } from "./ask.ts";
import { keyOf } from "./ask.ts";
import { commitOne, intentOf } from "./commit-one.ts";
import { objectOfBody, warningsOf } from "./body.ts";
import { badRequest } from "./refuse.ts";
import { InvalidObject } from "../admission/refusals.ts";

/** Creates the object of the body; `generateName` gets five characters that make it unique. Throws ApiFailure, ResourceError. */
export async function create(parts: VerbParts, ask: Ask, body: Body, options: WriteOptions): Promise<Written> {
  const object = objectOfBody(ask, body.value);
  if (object.metadata.resourceVersion !== undefined && object.metadata.resourceVersion !== "")
    throw badRequest("resourceVersion should not be set on objects to be created");
  const warnings = warningsOf(ask, object, body, options.validation);
  const { name, generateName } = object.metadata;
  if (name !== undefined && name !== "") return { ...(await createNamed(parts, ask, object, name, options)), warnings };
  if (generateName === undefined || generateName === "")
    throw new InvalidObject(keyOf(ask, ""), [{ path: "metadata.name", code: "required", message: "name or generateName is required" }]);
  return { ...(await createGenerated(parts, ask, object, generateName, options)), warnings };
}

// As the API server: a generated name is at most 63 long, five of them random, and a name that is taken is tried again.
const RANDOM_LENGTH = 5;
const LONGEST_PREFIX = 63 - RANDOM_LENGTH;
const ATTEMPTS = 8;

async function createGenerated(
  parts: VerbParts,
  ask: Ask,
  object: ApiObject,
  prefix: string,
  options: WriteOptions,
): Promise<Omit<Written, "warnings">> {
  for (let attempt = 1; ; attempt++) {
    const name = `${prefix.slice(0, LONGEST_PREFIX)}${parts.ids.suffix(RANDOM_LENGTH)}`;
    try {
      return await createNamed(parts, ask, object, name, options);
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof ResourceError) || error.reason !== "alreadyExists") throw error;
    }
  }
}

async function createNamed(
  parts: VerbParts,
  ask: Ask,
  object: ApiObject,
  name: string,
  options: WriteOptions,
): Promise<Omit<Written, "warnings">> {
  const key = keyOf(ask, name);
  const named = { ...object, metadata: { ...object.metadata, name } };
  const intent = intentOf("create", ask, options);
  const stored = await commitOne(parts, ask, { verb: "create", key, object: named, intent }, options);
  return { stored, created: true, isUnchanged: false };
}
