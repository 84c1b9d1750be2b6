import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import type { ObjectEvent } from "../domain/object/object-event.ts";
import { fingerprint } from "../domain/object/fingerprint.ts";
import { type Instant, rfc3339 } from "../domain/units.ts";
import type { Write } from "../ports/resources.ts";

export interface EventSource {
  /** `system:slipway:sync`. */
  readonly component: string;
  /** The field manager, `slipway-sync`. */
  readonly manager: string;
}

/**
 * The write that makes an event visible as a core/v1 Event. The name is a fingerprint of all but the time, so the same event again finds the
 * first one and raises its count, also from another control plane.
 */
export function eventWrite(event: ObjectEvent, source: EventSource, now: Instant): Write {
  const key = eventKey(event, source);
  return {
    verb: "merge",
    key,
    merge: (current) => mergedEvent(current, event, source, key, now),
    intent: { verb: "create", manager: source.manager },
  };
}

function eventKey(event: ObjectEvent, source: EventSource): ObjectKey {
  const print = fingerprint([
    event.about.group,
    event.about.resource,
    event.about.namespace,
    event.uid,
    event.type,
    event.reason,
    event.message,
    source.component,
  ]);
  // Names are at most 253 characters; a long object name gives way, the fingerprint stays.
  return {
    group: "",
    resource: "events",
    namespace: event.about.namespace === "" ? "default" : event.about.namespace,
    name: `${nameLike(event.about.name)}.${print}`,
  };
}

/** What of any name may stand at the beginning of an object's name: parts of letters, digits and "-" that neither begin nor end with "-". */
function nameLike(name: string): string {
  const allowed = name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-");
  const parts = allowed.slice(0, 230).split(/-*\.[-.]*/);
  const joined = parts.join(".").replaceAll(/^[-.]+|[-.]+$/g, "");
  return joined === "" ? "object" : joined;
}

function mergedEvent(current: ApiObject | undefined, event: ObjectEvent, source: EventSource, key: ObjectKey, now: Instant): ApiObject {
  const at = rfc3339(now);
  const before = typeof current?.["count"] === "number" ? current["count"] : 0;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: current?.metadata ?? { name: key.name, namespace: key.namespace, creationTimestamp: at },
    involvedObject: involved(event),
    type: event.type,
    reason: event.reason,
    message: event.message.slice(0, 1024),
    source: { component: source.component },
    reportingComponent: source.component,
    reportingInstance: "",
    count: before + 1,
    firstTimestamp: typeof current?.["firstTimestamp"] === "string" ? current["firstTimestamp"] : at,
    lastTimestamp: at,
  };
}

function involved(event: ObjectEvent): ApiObject["spec"] {
  const { namespace, name } = event.about;
  return { apiVersion: event.apiVersion, kind: event.kind, name, uid: event.uid, ...(namespace === "" ? {} : { namespace }) };
}
