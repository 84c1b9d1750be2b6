import type { Kind } from "../../api/kind.ts";
import { keepTimesIfUnchanged, trackUpdate } from "../../domain/apply/apply.ts";
import type { SchemaNode } from "../../domain/apply/schema.ts";
import type { ApiObject } from "../../domain/object/api-object.ts";
import type { JsonObject } from "../../domain/object/json.ts";
import { rfc3339, type Instant } from "../../domain/units.ts";
import type { Intent } from "../../ports/resources.ts";

/** The object with `managedFields` that say who set what; untouched where the writer says that they are right already. */
export function withManagers(
  kind: Kind,
  live: ApiObject | undefined,
  next: ApiObject,
  intent: Intent | undefined,
  now: Instant,
): ApiObject {
  if (intent?.manager === "") return asObject(keepTimesIfUnchanged(live, next));
  const subresource = intent?.subresource === "status" ? intent.subresource : undefined;
  const tracked = trackUpdate({
    live,
    next,
    manager: intent?.manager ?? "unknown",
    schema: schemaOf(kind),
    now: rfc3339(now),
    resetFields: resetFieldsOf(kind, subresource),
    ...(subresource === undefined ? {} : { subresource }),
  });
  return asObject(keepTimesIfUnchanged(live, tracked));
}

/** Top-level fields that a write to this endpoint never changes. */
export function resetFieldsOf(kind: Kind, subresource: "status" | undefined): readonly string[] {
  if (!kind.hasStatus) return [];
  if (subresource === undefined) return ["status"];
  return ["spec", "metadata"];
}

/** The schema of a kind as server-side apply reads it: it is JSON Schema by construction, TypeBox only types it otherwise. */
export const schemaOf = (kind: Kind): SchemaNode => kind.schema;

/** What server-side apply returns is of the type it was given: it keeps apiVersion, kind and metadata. */
export const asObject = (object: JsonObject): ApiObject => object as ApiObject;
