import type { IncomingHttpHeaders } from "node:http";
import { ApiFailure } from "../../api/status.ts";
import type { Authorizer } from "../caller.ts";
import type { Metrics } from "./access-log.ts";
import type { Answer } from "./answer.ts";
import { documents } from "./documents.ts";
import { healthAnswer, isHealthPath, type HealthCheck } from "./health.ts";
import type { ApiRequest } from "./request.ts";
import { resourceAnswer, type ResourceParts } from "./resource-answer.ts";
import { resourcePathOf } from "./resource-path.ts";
import { extraRouteOf, type ExtraRoute, type Page } from "./routes.ts";
import type { Target, Visit } from "./visit.ts";

/** Everything that can be asked for. */
export interface DispatchParts extends ResourceParts {
  readonly authorizer: Authorizer;
  /** Slipway's version, for /version. */
  readonly release: string;
  readonly checks: readonly HealthCheck[];
  readonly metrics?: Pick<Metrics, "contentType" | "exposition">;
  readonly extraRoutes?: readonly ExtraRoute[];
  /** Further documents to GET, below paths of their own; whoever may `get` the path (an RBAC nonResourceURL) gets them. */
  readonly pages?: readonly Page[];
}

/** What came with a request besides its target. */
export interface Sent {
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array | undefined;
  /** Fires when the client is gone or the server stops. */
  readonly signal: AbortSignal;
}

export interface Dispatcher {
  /** Whether nobody has to say who they are: health, and routes that check their callers themselves. */
  isOpen(method: string, target: Target): boolean;
  /** The answer to a request. Throws what `statusOfError` knows. */
  answer(visit: Visit, sent: Sent): Promise<Answer>;
}

/** Finds who answers a path. `stopping`: the server is going down and not ready any more. */
export function dispatcher(parts: DispatchParts, stopping: AbortSignal): Dispatcher {
  const known = documents(parts.catalog, parts.release);
  return {
    isOpen: (method, { segments }) =>
      segments !== undefined && (isHealthPath(method, segments) || extraRouteOf(parts.extraRoutes, segments, method) !== undefined),
    async answer({ method, target, caller }, sent) {
      const { segments, path, query } = target;
      if (segments === undefined) throw new ApiFailure({ error: "noSuchPath" });
      const extra = extraRouteOf(parts.extraRoutes, segments, method);
      if (extra !== undefined) return extraAnswer(extra, segments, sent);
      if (isHealthPath(method, segments)) return healthAnswer(parts.checks, segments, query, stopping.aborted);
      if (caller === undefined) throw new ApiFailure({ error: "unauthorized" });
      const request: ApiRequest = { method, segments, path, query, caller, ...sent };
      const resource = resourcePathOf(segments);
      if (resource !== undefined) return resourceAnswer(parts, request, resource);
      await authorizePath(parts.authorizer, request);
      const answer = await pageAnswer(parts, request, (asked) => known.answer(asked));
      if (answer === undefined) throw new ApiFailure({ error: "noSuchPath" });
      return answer;
    },
  };
}

async function extraAnswer(route: ExtraRoute, segments: readonly string[], { headers, body, signal }: Sent): Promise<Answer> {
  const request = { rest: segments.slice(route.prefix.length), headers, body: body ?? new Uint8Array(), signal };
  const { code, body: text } = await route.answer(request);
  return { type: "text", code, contentType: "text/plain; charset=utf-8", body: text };
}

async function authorizePath(authorizer: Authorizer, { caller, method, path }: ApiRequest): Promise<void> {
  const verb = method === "HEAD" ? "get" : method.toLowerCase();
  const { allowed } = await authorizer.authorize(caller, { path, verb });
  if (!allowed) throw new ApiFailure({ error: "forbiddenPath", user: caller.name, verb, path });
}

/** What is no resource can only be read. */
async function pageAnswer(
  { metrics, pages }: DispatchParts,
  request: ApiRequest,
  document: (request: ApiRequest) => Answer | undefined,
): Promise<Answer | undefined> {
  if (request.method !== "GET" && request.method !== "HEAD") throw new ApiFailure({ error: "methodNotAllowed" });
  const path = `/${request.segments.join("/")}`;
  if (path === "/metrics" && metrics !== undefined)
    return { type: "text", code: 200, contentType: metrics.contentType, body: await metrics.exposition() };
  const page = pages?.find((each) => each.path === path);
  return page === undefined ? document(request) : page.answer(request);
}
