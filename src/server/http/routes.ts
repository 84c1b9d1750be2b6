import type { IncomingMessage } from "node:http";
import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./request.ts";

/** A path that checks its callers by itself (webhooks: a signature). */
export interface ExtraRoute {
  readonly method: "GET" | "POST";
  /** First segments of the path; the rest is handed in, decoded. */
  readonly prefix: readonly string[];
  answer(request: {
    readonly rest: readonly string[];
    readonly headers: IncomingMessage["headers"];
    readonly body: Uint8Array;
    readonly signal: AbortSignal;
  }): Promise<{ readonly code: number; readonly body: string }>;
}

/** One path that is no resource. */
export interface Page {
  /** Such as `/slipway.dev/backup`. */
  readonly path: string;
  answer(request: ApiRequest): Promise<Answer>;
}

/** The route that this request is for. */
export function extraRouteOf(
  routes: readonly ExtraRoute[] | undefined,
  segments: readonly string[],
  method: string,
): ExtraRoute | undefined {
  return routes?.find(
    (route) => route.method === method && route.prefix.length > 0 && route.prefix.every((part, at) => segments[at] === part),
  );
}
