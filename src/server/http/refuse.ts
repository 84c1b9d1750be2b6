import type { Catalog } from "../../api/catalog.ts";
import { statusOf, type Status } from "../../api/status.ts";
import type { Log } from "../../ports/log.ts";
import { ApiRefusal } from "../../ports/kubernetes-api.ts";
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
  // Node's word for a client that has gone in the middle of its body; nobody is there to read the answer.
  if (code === "ECONNRESET" && error instanceof Error && error.message === "aborted")
    return statusOf({ error: "badRequest", message: "the request ended before its body did" });
  if (!isForeseen(error)) log.error({ requestId, incident: requestId, err: error }, "a request met an error nobody foresaw");
  return statusOfError(error, catalog, requestId);
}

/** A compressed body could be a thousand times larger than it looks, and no client of the API sends one. Throws ApiRefusal 415. */
export function refuseEncoded(encoding: string | undefined): void {
  if (encoding === undefined || /^(identity)?$/i.test(encoding.trim())) return;
  const message = `the body is encoded (Content-Encoding: ${encoding.slice(0, 40)}), which is not read here; send it as it is, without this header`;
  throw new ApiRefusal(415, "UnsupportedMediaType", message);
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
