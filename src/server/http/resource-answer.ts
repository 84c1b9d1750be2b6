import { checkBody, checkObject } from "../../api/check.ts";
import type { Action, Kind, ResourceVerb } from "../../api/kind.ts";
import { pruned, shapedBody, withDefaults } from "../../api/shape.ts";
import { ApiFailure, success } from "../../api/status.ts";
import { verbsOf } from "../../api/verbs.ts";
import { isJsonObject, type JsonValue } from "../../domain/object/json.ts";
import type { IssueToken, TokenOwner } from "../access/issue-token.ts";
import type { Review } from "../access/reviews.ts";
import { attributesOf } from "../admission/attributes.ts";
import { InvalidObject } from "../admission/refusals.ts";
import { includeObjectOf } from "../table.ts";
import { keyOf, type Ask, type VerbParts, type Written } from "../verbs/ask.ts";
import { objectOfBody, warningsOf } from "../verbs/body.ts";
import { create } from "../verbs/create.ts";
import { deleteCollection, deleteOne, deleteOptionsOf } from "../verbs/delete.ts";
import { get } from "../verbs/get.ts";
import { list } from "../verbs/list.ts";
import { patch, patchMediaTypes, type PatchType } from "../verbs/patch.ts";
import { badRequest, unsupportedMediaType } from "../verbs/refuse.ts";
import { update } from "../verbs/update.ts";
import { authorizeWatch, watch } from "../verbs/watch.ts";
import { answerFormOf } from "./accept.ts";
import { json, type Answer } from "./answer.ts";
import { readObjectBody, readOptionsBody, readYaml, type BodyReaders } from "./body.ts";
import { statusOfError } from "./error-status.ts";
import { deleteOptionsOfQuery, isWatch, listAskOf, patchOptionsOf, watchAskOf, writeOptionsOf } from "./query.ts";
import { readJson } from "./read-json.ts";
import { mediaTypeOf, type ApiRequest } from "./request.ts";
import type { ResourcePath } from "./resource-path.ts";
import { listAnswer, objectText, watchLines, type Shape } from "./shape-answer.ts";

/** What requests about resources need beside the verbs. */
export interface ResourceParts extends VerbParts, BodyReaders {
  /** By `group/resource`. */
  readonly reviews: Readonly<Record<string, Review>>;
  readonly issueToken: IssueToken;
}

/** Answers a request to a path under /api or /apis. Throws what `statusOfError` knows. */
export async function resourceAnswer(parts: ResourceParts, request: ApiRequest, path: ResourcePath): Promise<Answer> {
  const kind = parts.catalog.byResource(path.group, path.version, path.resource);
  if (kind === undefined || !isServed(kind, path)) throw new ApiFailure({ error: "noSuchPath" });
  const { namespace, name } = path;
  const ask = { caller: request.caller, kind, namespace, name, subresource: "" } as const;
  if (path.subresource === "") return name === "" ? collectionAnswer(parts, request, ask) : objectAnswer(parts, request, ask);
  if (path.subresource === "status" && kind.hasStatus) return statusAnswer(parts, request, { ...ask, subresource: "status" });
  const action = kind.actions?.find((candidate) => candidate.name === path.subresource);
  if (action === undefined) throw new ApiFailure({ error: "noSuchPath" });
  return actionAnswer(parts, request, ask, action);
}

/** A namespaced object needs its namespace, a cluster-scoped one has none; a namespaced collection may be asked for across namespaces. */
function isServed(kind: Kind, { namespace, name }: ResourcePath): boolean {
  return kind.namespaced ? namespace !== "" || name === "" : namespace === "";
}

async function collectionAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  switch (request.method) {
    case "GET":
    case "HEAD":
      if (isWatch(request.query)) return watchAnswer(parts, request, ask);
      return listing(parts, request, served(ask, "list"));
    case "POST":
      if (ask.kind.namespaced && ask.namespace === "") throw new ApiFailure({ error: "noSuchPath" });
      return createAnswer(parts, request, served(ask, "create"));
    case "DELETE": {
      const shape = shapeOf(parts, request, served(ask, "deletecollection"));
      const options = deleteOptionsOf(readOptionsBody(parts, request), deleteOptionsOfQuery(request.query));
      return listAnswer(shape, await deleteCollection(parts, ask, listAskOf(ask, request.query).query, options));
    }
    default:
      throw notAllowed();
  }
}

async function objectAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  switch (request.method) {
    case "GET":
    case "HEAD":
      return reading(parts, request, served(ask, "get"));
    case "PUT":
      return written(
        parts,
        request,
        ask,
        await update(
          parts,
          served(ask, "update"),
          bodyOf(parts, request, ask),
          writeOptionsOf(request.query, request.headers["user-agent"]),
        ),
      );
    case "PATCH":
      return patchAnswer(parts, request, served(ask, "patch"));
    case "DELETE": {
      const options = deleteOptionsOf(readOptionsBody(parts, request), deleteOptionsOfQuery(request.query));
      const { stored, gone } = await deleteOne(parts, served(ask, "delete"), options);
      return gone
        ? json(200, success(keyOf(ask), stored.uid))
        : objectJson(shapeOf(parts, request, ask), 200, { stored, created: false, isUnchanged: false, warnings: [] });
    }
    default:
      throw notAllowed();
  }
}

async function statusAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  switch (request.method) {
    case "GET":
    case "HEAD":
      return reading(parts, request, ask);
    case "PUT":
      return written(
        parts,
        request,
        ask,
        await update(parts, ask, bodyOf(parts, request, ask), writeOptionsOf(request.query, request.headers["user-agent"])),
      );
    case "PATCH":
      return patchAnswer(parts, request, ask);
    default:
      throw notAllowed();
  }
}

async function reading(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  const shape = shapeOf(parts, request, ask);
  return { type: "json", code: 200, body: objectText(shape, await get(parts, ask)) };
}

async function listing(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  const shape = shapeOf(parts, request, ask);
  return listAnswer(shape, await list(parts, ask, listAskOf(ask, request.query)));
}

async function watchAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  const shape = shapeOf(parts, request, served(ask, "watch"));
  const asked = watchAskOf(ask, request.query, parts.clock.now(), parts.ids.fraction());
  await authorizeWatch(parts, ask, asked.query);
  return {
    type: "watch",
    portions: watch(parts, asked, request.signal),
    lineOf: watchLines(shape, (error) => statusOfError(error, parts.catalog, "")),
  };
}

async function createAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  const review = parts.reviews[`${ask.kind.group}/${ask.kind.resource}`];
  if (review !== undefined) return reviewAnswer(parts, request, ask, review);
  return written(
    parts,
    request,
    ask,
    await create(parts, ask, bodyOf(parts, request, ask), writeOptionsOf(request.query, request.headers["user-agent"])),
  );
}

/** A question in the shape of an object: answered, never stored. */
async function reviewAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask, review: Review): Promise<Answer> {
  await parts.admission.authorize(ask.caller, attributesOf(ask.kind, keyOf(ask), "create"));
  const body = bodyOf(parts, request, ask);
  const given = objectOfBody(ask, body.value);
  const warnings = warningsOf(ask, given, body, writeOptionsOf(request.query, undefined).validation);
  const question = withDefaults(ask.kind, pruned(ask.kind, given));
  const problems = checkObject(ask.kind, {
    ...question,
    metadata: { name: "review", ...question.metadata, ...(ask.namespace === "" ? {} : { namespace: ask.namespace }) },
  });
  if (problems.length > 0) throw new InvalidObject(keyOf(ask), problems);
  const answer = await review(question, ask.caller, ask.namespace);
  if ("problems" in answer) throw new InvalidObject(keyOf(ask), answer.problems);
  return { type: "json", code: 201, body: JSON.stringify(answer.answer), warnings };
}

async function patchAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask): Promise<Answer> {
  const type = patchTypeOf(ask, request);
  const bytes = request.body ?? new Uint8Array();
  const body = type === "apply" ? readYaml(parts, bytes) : readJson(bytes);
  const options = patchOptionsOf(request.query, request.headers["user-agent"], type === "apply");
  return written(parts, request, ask, await patch(parts, ask, type, body, options));
}

function patchTypeOf(ask: Ask, request: ApiRequest): PatchType {
  const type = PATCH_TYPES.get(mediaTypeOf(request.headers));
  if (type === undefined) throw unsupportedMediaType(patchMediaTypes(ask));
  return type;
}

const PATCH_TYPES: ReadonlyMap<string, PatchType> = new Map([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
  ["application/apply-patch+yaml", "apply"],
]);

async function actionAnswer(parts: ResourceParts, request: ApiRequest, ask: Ask, action: Action): Promise<Answer> {
  if (request.method !== (action.verb === "update" ? "PUT" : "POST")) throw notAllowed();
  const body = bodyOf(parts, request, {
    ...ask,
    kind: { ...ask.kind, group: action.body.group === "slipway.dev" ? ask.kind.group : action.body.group },
  });
  const options = writeOptionsOf(request.query, request.headers["user-agent"]);
  if (action.name === "finalize")
    return written(parts, request, ask, await update(parts, { ...ask, subresource: "finalize" }, body, options));
  const owner = tokenOwnerOf(ask);
  if (action.name !== "token" || owner === undefined)
    throw new Error(`the action ${action.name} of ${ask.kind.resource} is declared but not wired`);
  const question = withTypeOf(action, shapedBody(action.body.schema, body.value));
  const problems = checkBody(action.body.schema, question);
  if (problems.length > 0) throw new InvalidObject(keyOf(ask), problems);
  return json(201, await parts.issueToken(ask.caller, owner, question, { dryRun: options.dryRun }));
}

function withTypeOf({ body }: Action, question: JsonValue): JsonValue {
  if (!isJsonObject(question)) throw badRequest(`the body holds a ${body.kind}`);
  return { ...question, kind: body.kind, apiVersion: body.group === "" ? body.version : `${body.group}/${body.version}` };
}

function tokenOwnerOf({ kind, namespace, name }: Ask): TokenOwner | undefined {
  if (kind.group === "" && kind.resource === "serviceaccounts") return { kind: "ServiceAccount", namespace, name };
  return kind.group === "slipway.dev" && kind.resource === "users" ? { kind: "User", name } : undefined;
}

const bodyOf = (parts: ResourceParts, request: ApiRequest, ask: Ask) => readObjectBody(parts, ask.kind, request);

function written(parts: ResourceParts, request: ApiRequest, ask: Ask, result: Written): Answer {
  return objectJson(shapeOf(parts, request, ask), result.created ? 201 : 200, result);
}

function objectJson(shape: Shape, code: number, { stored, warnings }: Written): Answer {
  return { type: "json", code, body: objectText(shape, stored), warnings };
}

function shapeOf(parts: ResourceParts, request: ApiRequest, { kind }: Ask): Shape {
  const includeObject = includeObjectOf(request.query.get("includeObject") ?? undefined);
  if (includeObject === undefined) throw badRequest('includeObject: Unsupported value: supported values: "None", "Metadata", "Object"');
  return { form: answerFormOf(request.headers.accept), kind, includeObject, now: () => parts.clock.now() };
}

/** The request itself, if its kind serves the verb. */
function served(ask: Ask, verb: ResourceVerb): Ask {
  if (!verbsOf(ask.kind).includes(verb)) throw notAllowed();
  return ask;
}

const notAllowed = (): ApiFailure => new ApiFailure({ error: "methodNotAllowed" });
