import type { ServerResponse } from "node:http";
import type { Log } from "../../ports/log.ts";
import { resourcePathOf } from "./resource-path.ts";
import type { Visit } from "./visit.ts";

/** prom-client's registry, and who counts the requests. */
export interface Metrics {
  readonly contentType: string;
  exposition(): Promise<string>;
  requestEnded(request: { readonly verb: string; readonly resource: string; readonly code: number; readonly seconds: number }): void;
}

export interface AccessLogParts {
  readonly log: Log;
  readonly metrics?: Metrics;
}

/** Counts the request and logs one line when its answer has ended: no bodies, no tokens, and of the query only its names. */
export function logWhenEnded({ log, metrics }: AccessLogParts, visit: Visit, response: ServerResponse): void {
  response.once("close", () => {
    const { id, method, target, caller } = visit;
    const seconds = Math.round(performance.now() - visit.began) / 1000;
    const code = response.statusCode;
    metrics?.requestEnded({ verb: method, resource: resourcePathOf(target.segments ?? [])?.resource ?? "", code, seconds });
    const fields = {
      requestId: id,
      method,
      path: target.path.slice(0, 500),
      query: [...target.query.keys()].slice(0, 20),
      user: caller?.name,
      code,
      seconds,
    };
    // Thousands of reads that went well would hide what an operator looks for.
    if ((method === "GET" || method === "HEAD") && code < 400) log.debug?.(fields, "request");
    else log.info(fields, "request");
  });
}
