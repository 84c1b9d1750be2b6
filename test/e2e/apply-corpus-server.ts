import { applyPatch } from "rfc6902";
import { applyConfiguration, keepTimesIfUnchanged, trackUpdate, type ApplyOutcome } from "../../src/domain/apply/apply.ts";
import type { SchemaNode } from "../../src/domain/apply/schema.ts";
import { membersOf } from "../../src/domain/object/json.ts";
import type { CorpusFile, Json, JsonObject, Request } from "../fixtures/apply-corpus/corpus.ts";
import { isObject } from "../fixtures/apply-corpus/corpus.ts";
import { metadataOf, textOf } from "../fixtures/apply-corpus/server.ts";
import { completions } from "./apply-corpus-builtins.ts";
import { hasForbiddenNull, withDefaults, withoutNulls, withoutUnknown, withPlainMetadata } from "./apply-corpus-defaults.ts";

/** What the thin server answers: an object, or the part of a Status that the functions under test decide. */
export interface Reply {
  readonly code: number;
  readonly object?: JsonObject;
  readonly message?: string;
  readonly causes?: readonly JsonObject[];
}

/** The object store and verb layer around the functions under test: one object, no HTTP, no admission. */
export interface ThinServer {
  send(request: Request, now: string): Reply;
  stored(): JsonObject | undefined;
}

/** Serves one kind of the corpus. */
export function thinServer(kind: CorpusFile["kind"], schema: SchemaNode): ThinServer {
  let live: JsonObject | undefined;
  let version = 0;
  const complete = completions[kind.kind];

  /** Defaults as the kind has them: a custom resource from its schema, a built-in one from code. */
  const filled = (object: JsonObject): JsonObject => (complete === undefined ? withDefaults(schema, object) : complete(object, live));

  const store = (object: JsonObject, isStatus: boolean, dryRun: boolean): JsonObject => {
    const finished = keepTimesIfUnchanged(live, withSystemFields(object, live, isStatus, complete === undefined));
    if (live !== undefined && isSame(live, finished)) return live;
    const stamped = withMetadata(finished, { resourceVersion: String(version + 1) });
    if (dryRun) return live === undefined ? finished : stamped;
    version += 1;
    live = stamped;
    return stamped;
  };

  return {
    stored: () => live,
    send(request, now) {
      const isStatus = request.verb.startsWith("status-");
      const query = new URLSearchParams(request.query);
      // Go reads a flag of a query: only these mean no.
      const isForced = query.has("force") ? !/^(0|false)$/i.test(query.get("force") ?? "") : request.force === true;
      const hasStatus = kind.statusSubresource;
      const context = {
        live,
        manager: query.get("fieldManager") ?? request.manager ?? (request.userAgent ?? "recorder/1").split("/")[0] ?? "",
        schema,
        now,
        ...(isStatus
          ? ({ subresource: "status", resetFields: ["spec", "metadata"] } as const)
          : hasStatus
            ? { resetFields: ["status"] }
            : {}),
      };
      const refusal = refuse(request, live, complete === undefined);
      if (refusal !== undefined) return refusal;
      if (request.verb === "get") return { code: 200, ...(live === undefined ? {} : { object: live }) };
      const code = live === undefined ? 201 : 200;
      if (request.verb.endsWith("apply")) {
        const outcome = applyConfiguration({ ...context, configuration: request.body as JsonObject, force: isForced });
        if (outcome.outcome !== "applied") return refused(outcome);
        const merged = withPlainMetadata(filled(outcome.object));
        if (complete === undefined && hasForbiddenNull(schema, merged)) return { code: 422 };
        return { code, object: store(merged, isStatus, request.dryRun === true) };
      }
      const next = nextOf(request, live);
      if (next === undefined) return { code: 422 };
      const decoded = filled(withoutNulls(schema, withoutUnknown(schema, withPlainMetadata(next))));
      return { code, object: store(trackUpdate({ ...context, next: decoded }), isStatus, request.dryRun === true) };
    },
  };
}

function refuse({ verb, body }: Request, live: JsonObject | undefined, isCustom: boolean): Reply | undefined {
  if (verb === "create") return live === undefined ? undefined : { code: 409 };
  if (live === undefined) return verb === "apply" ? undefined : { code: 404 };
  const sent = isObject(body) ? metadataOf(body)["resourceVersion"] : undefined;
  if (verb.endsWith("update") && (sent === undefined || sent === "")) return isCustom ? { code: 422 } : undefined;
  return sent !== undefined && sent !== null && sent !== metadataOf(live)["resourceVersion"] ? { code: 409 } : undefined;
}

function nextOf({ verb, body }: Request, live: JsonObject | undefined): JsonObject | undefined {
  switch (verb) {
    case "create":
      return withMetadata(body as JsonObject, {
        uid: undefined,
        resourceVersion: undefined,
        creationTimestamp: undefined,
        generation: undefined,
      });
    case "json-patch":
      return jsonPatched(live ?? {}, body);
    case "merge-patch":
    case "strategic-merge-patch":
    case "status-merge-patch":
      return mergePatched(live ?? {}, body) as JsonObject;
    case "apply":
    case "get":
    case "status-apply":
    case "status-update":
    case "update":
      return body as JsonObject;
  }
}

function refused(outcome: Exclude<ApplyOutcome, { outcome: "applied" }>): Reply {
  // kube-apiserver answers 500 to a configuration that does not fit; what Slipway answers is its server's to say.
  if (outcome.outcome === "invalid") return { code: outcome.message.startsWith("failed") ? 500 : 400, message: outcome.message };
  const causes = outcome.conflicts.flatMap(({ fields, reason }) =>
    fields.map((field) => ({ reason: "FieldManagerConflict", message: reason, field })),
  );
  return { code: 409, message: outcome.message, causes };
}

/** What the store itself sets: identity, and a generation that counts changes outside metadata and status. */
function withSystemFields(object: JsonObject, live: JsonObject | undefined, isStatus: boolean, counts: boolean): JsonObject {
  const before = metadataOf(live);
  const content = ({ metadata: _, ...rest }: JsonObject) => rest;
  const generation = Number(before["generation"] ?? 0);
  const isNewer = live === undefined || (!isStatus && !isSame(content(live), content(object)));
  return withMetadata(object, {
    uid: "uid-1",
    creationTimestamp: before["creationTimestamp"] ?? "2026-01-01T00:00:00Z",
    generation: !counts ? undefined : isNewer ? generation + 1 : generation,
    selfLink: undefined,
    ...(live === undefined ? {} : { resourceVersion: textOf(before["resourceVersion"]) }),
  });
}

function withMetadata(object: JsonObject, changes: Readonly<Record<string, Json | undefined>>): JsonObject {
  const metadata = Object.entries({ ...metadataOf(object), ...changes }).filter(([, value]) => value !== undefined);
  return { ...object, metadata: Object.fromEntries(metadata) };
}

function mergePatched(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, Json>(isObject(target) ? membersOf(target) : []);
  for (const [name, value] of membersOf(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatched(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

function jsonPatched(live: JsonObject, patch: Json): JsonObject | undefined {
  const target = structuredClone(live);
  const errors = applyPatch(target, patch as never);
  return errors.some((error) => error !== null) ? undefined : target;
}

function isSame(left: Json, right: Json): boolean {
  return keyOf(left) === keyOf(right);
}

function keyOf(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
