import type { Kind } from "../../api/kind.ts";
import { keepTimesIfUnchanged, trackUpdate } from "../../domain/apply/apply.ts";
import type { SchemaNode } from "../../domain/apply/schema.ts";
import type { ApiObject as PlainObject } from "../../domain/apply/value.ts";
import type { ApiObject } from "../../domain/object/api-object.ts";
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
  const before = live === undefined ? undefined : asPlain(live);
  if (intent?.manager === "") return asObject(keepTimesIfUnchanged(before, asPlain(next)));
  const subresource = intent?.subresource === "status" ? intent.subresource : undefined;
  const tracked = trackUpdate({
    live: before,
    next: asPlain(next),
    manager: intent?.manager ?? "unknown",
    schema: schemaOf(kind),
    now: rfc3339(now),
    resetFields: resetFieldsOf(kind, subresource),
    ...(subresource === undefined ? {} : { subresource }),
  });
  return asObject(keepTimesIfUnchanged(before, tracked));
}

/** Top-level fields that a write to this endpoint never changes. */
export function resetFieldsOf(kind: Kind, subresource: "status" | undefined): readonly string[] {
  if (!kind.hasStatus) return [];
  if (subresource === undefined) return ["status"];
  return ["spec", "metadata"];
}

/** The schema of a kind as server-side apply reads it: it is JSON Schema by construction, TypeBox only types it otherwise. */
export const schemaOf = (kind: Kind): SchemaNode => kind.schema;

/** An object as server-side apply knows it: JSON without undefined members, which came from JSON text or was rebuilt from it. */
export const asPlain = (object: ApiObject): PlainObject => object as PlainObject;

/** Back again: what apply returns has the apiVersion, kind and metadata it was given. */
export const asObject = (object: PlainObject): ApiObject => object as ApiObject;
