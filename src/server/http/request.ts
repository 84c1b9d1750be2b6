import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../caller.ts";

/** A request as the handlers see it: decoded path, parsed query, body as it came. */
export interface ApiRequest {
  readonly method: string;
  readonly segments: readonly string[];
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array | undefined;
  readonly caller: Caller;
  /** Fires when the client is gone or the server stops. */
  readonly signal: AbortSignal;
}

/** The media type without parameters, lower case; "" where none was sent. */
export const mediaTypeOf = (headers: IncomingHttpHeaders): string =>
  (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
