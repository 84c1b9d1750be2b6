import type { ResourceVersion } from "../../domain/object/api-object.ts";
import { ApiFailure } from "../../api/status.ts";
import { ResourceError, type ListPage, type ListQuery } from "../../ports/resources.ts";
import type { Ask, VerbParts } from "./ask.ts";

export interface ListAsk {
  readonly query: ListQuery;
  /** What is shown must be at least as new as this; the store always shows the newest. */
  readonly notOlderThan?: ResourceVersion;
}

/** One page of a list. Throws ResourceError, ApiFailure (504 for a version that is still to come, 410 for one that is forgotten). */
export async function list(parts: VerbParts, ask: Ask, { query, notOlderThan }: ListAsk): Promise<ListPage> {
  try {
    const page = await parts.admission.as(ask.caller).list(query);
    if (notOlderThan !== undefined) refuseFuture(notOlderThan, page.resourceVersion);
    return page;
  } catch (error) {
    if (query.after !== undefined && error instanceof ResourceError && error.reason === "expired") throw expiredToken();
    throw error;
  }
}

/** In the API server's words, by which clients know that they may ask again. */
export function refuseFuture(asked: ResourceVersion, now: ResourceVersion): void {
  if (asked <= now) return;
  throw new ApiFailure({ error: "timeout", message: `Too large resource version: ${asked}, current: ${now}` });
}

const expiredToken = (): ApiFailure =>
  new ApiFailure({
    error: "expired",
    message:
      "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.",
  });
