import type { ApiObject } from "../../domain/object/api-object.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { type Instant, later, parseRfc3339, seconds } from "../../domain/units.ts";
import type { Change, StoredObject, WakeRule } from "../../ports/resources.ts";
import type { Controller } from "../controller.ts";
import { specOrMetadataChanged } from "../wake-rules.ts";

const TOKENS = { group: "slipway.dev", resource: "accesstokens" } as const;

/** An expired token is refused at once; a day later it is removed as well, so that "expired" can be told from "unknown" for a while. */
const KEPT_AFTER_EXPIRY = seconds(86_400);

/** Removes access tokens a day after they have expired. */
export function accessTokenController(): Controller<StoredObject | undefined, never, void> {
  return {
    name: "access-token",
    observe: (key, resources) => resources.get(key),
    decide: (token, now) => {
      const expires = token === undefined ? undefined : expiryOf(token.object);
      if (token === undefined || expires === undefined) return { commands: [], updates: [], events: [] };
      const removeAt = later(expires, KEPT_AFTER_EXPIRY);
      return removeAt <= now
        ? { commands: [], updates: [{ of: token, remove: true }], events: [] }
        : { commands: [], updates: [], events: [], wakeAt: removeAt };
    },
    act: () => Promise.resolve(),
    conclude: () => ({ updates: [], events: [] }),
  };
}

function expiryOf({ spec }: ApiObject): Instant | undefined {
  const at = isJsonObject(spec) ? spec["expiresAt"] : undefined;
  return typeof at === "string" ? parseRfc3339(at) : undefined;
}

/** A token is due when it is made or its expiry changes; from then on its wake-up is stored. */
export function dueTokens(change: Change): readonly WakeRule[] {
  const { key, type } = change;
  const isToken = key.group === TOKENS.group && key.resource === TOKENS.resource;
  return isToken && type !== "deleted" && specOrMetadataChanged(change) ? [{ controller: "access-token", key }] : [];
}
