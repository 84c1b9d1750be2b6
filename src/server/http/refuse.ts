import type { Catalog } from "../../api/catalog.ts";
import { statusOf, type Status } from "../../api/status.ts";
import type { Log } from "../../ports/log.ts";
import { isForeseen, statusOfError } from "./error-status.ts";
import type { HttpLimits } from "./listener.ts";

export interface RefusalParts {
  readonly catalog: Catalog;
  readonly log: Log;
  readonly limits: Pick<HttpLimits, "bodyBytes">;
}

/** The Status for what a request failed with; what nobody foresaw goes to the log under the request's id, which is all that the client is told. */
export function refusalOf({ catalog, log, limits }: RefusalParts, requestId: string, error: unknown): Status {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return statusOf({ error: "requestEntityTooLarge", message: `limit is ${limits.bodyBytes}` });
  if (typeof code === "string" && code.startsWith("FST_ERR_CTP_"))
    return statusOf({ error: "badRequest", message: "the body of the request does not have the length that its headers say" });
  if (!isForeseen(error)) log.error({ requestId, incident: requestId, err: error }, "a request met an error nobody foresaw");
  return statusOfError(error, catalog, requestId);
}

/** What a refusal says in headers besides its Status. */
export function refusalHeaders(status: Status): Readonly<Record<string, string>> {
  const seconds = status.details?.retryAfterSeconds;
  return {
    "content-type": "application/json",
    ...(seconds === undefined ? {} : { "retry-after": String(seconds) }),
    ...(status.code === 401 ? { "www-authenticate": 'Bearer realm="slipway"' } : {}),
  };
}
