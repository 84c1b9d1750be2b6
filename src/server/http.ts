import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Server as TlsServer } from "node:tls";
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { ApiFailure, statusOf, type Status } from "../api/status.ts";
import { ApiRefusal } from "../ports/kubernetes-api.ts";
import type { Log } from "../ports/log.ts";
import { impersonated } from "./access/impersonation.ts";
import type { Authenticator, Authorizer, Caller } from "./caller.ts";
import type { Answer } from "./http/answer.ts";
import { documents, type Documents } from "./http/documents.ts";
import { isForeseen, statusOfError } from "./http/error-status.ts";
import { healthAnswer, type HealthCheck } from "./http/health.ts";
import type { ApiRequest } from "./http/request.ts";
import { resourceAnswer, type ResourceParts } from "./http/resource-answer.ts";
import { resourcePathOf, segmentsOf } from "./http/resource-path.ts";
import { setHeaders, writeAnswer } from "./http/write-answer.ts";
import { writeWatch } from "./http/write-watch.ts";

/** What the API server is made of. */
export interface HttpParts extends ResourceParts {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Slipway's version, for /version. */
  readonly release: string;
  readonly log: Log;
  readonly checks: readonly HealthCheck[];
  readonly metrics?: Metrics;
  readonly extraRoutes?: readonly ExtraRoute[];
  /** Further documents to GET, below paths of their own; whoever may `get` the path (an RBAC nonResourceURL) gets them. */
  readonly pages?: readonly Page[];
  /** Certificate and key in PEM: then HTTPS alone is served. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits?: Partial<HttpLimits>;
}

/** prom-client's registry, and who counts the requests. */
export interface Metrics {
  readonly contentType: string;
  exposition(): Promise<string>;
  requestEnded(request: { readonly verb: string; readonly resource: string; readonly code: number; readonly seconds: number }): void;
}

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

export interface HttpLimits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** From connection to the last byte of the request, in milliseconds; the answer may take longer. */
  readonly requestMs: number;
}

export interface ApiServer {
  /** Throws where the address cannot be listened on. `port` 0 takes any. */
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  /** Serves new connections with another certificate, in PEM; those that are open go on with theirs. Only with `tls`. */
  setCertificate(certificate: string, key: string): void;
  /** Not ready any more, watches end cleanly, requests in flight are finished; after `graceMs` what is left is cut off. */
  close(graceMs?: number): Promise<void>;
}

// 3 MiB is the API server's limit; 64 KiB of headers hold the longest selectors.
const LIMITS: HttpLimits = { bodyBytes: 3 * 1024 * 1024, headerBytes: 64 * 1024, requestMs: 60_000 };

/** The resource API over HTTP. Does nothing until `listen`. */
export function apiServer(parts: HttpParts): ApiServer {
  const limits = { ...LIMITS, ...parts.limits };
  const stopping = new AbortController();
  const handler: Handler = {
    parts,
    documents: documents(parts.catalog, parts.release),
    stopping: stopping.signal,
    callers: new WeakMap(),
    began: new WeakMap(),
  };
  const app = listenerOf(parts, limits);
  app.server.on("checkExpectation", (_request, response) => {
    const status = {
      ...statusOf({ error: "badRequest", message: "the only expectation that is met is 100-continue; leave the header Expect out" }),
      code: 417,
    };
    response.writeHead(417, { "content-type": "application/json" }).end(JSON.stringify(status));
  });
  // Bodies are read by kind and media type further on; here they are only bytes within the limit.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: limits.bodyBytes }, (_request, body, done) => {
    done(null, body);
  });
  app.addHook("onRequest", async (request, reply) => identify(handler, request, reply));
  app.all("/*", async (request, reply) => handle(handler, request, reply));
  app.setErrorHandler(async (error, request, reply) => refuse(handler, request, reply, error));
  app.setNotFoundHandler(async (request, reply) => refuse(handler, request, reply, new ApiFailure({ error: "methodNotAllowed" })));
  return {
    async listen(host, port) {
      await app.listen({ host, port });
      return { port: (app.server.address() as AddressInfo).port }; // a server that listens on TCP has such an address
    },
    setCertificate(certificate, key) {
      if (app.server instanceof TlsServer) app.server.setSecureContext({ cert: certificate, key, minVersion: "TLSv1.2" });
    },
    async close(graceMs = 10_000) {
      stopping.abort();
      const cut = setTimeout(() => {
        app.server.closeAllConnections();
      }, graceMs);
      await app.close();
      clearTimeout(cut);
    },
  };
}

interface Handler {
  readonly parts: HttpParts;
  readonly documents: Documents;
  readonly stopping: AbortSignal;
  readonly callers: WeakMap<FastifyRequest, Caller>;
  /** When each request came, by performance.now(). */
  readonly began: WeakMap<FastifyRequest, number>;
}

function listenerOf(parts: HttpParts, limits: HttpLimits): FastifyInstance {
  const server = {
    maxHeaderSize: limits.headerBytes,
    // A client that sends its headers drop by drop holds a socket no longer than this.
    headersTimeout: Math.min(20_000, limits.requestMs),
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: 5_000,
  };
  return fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: 75_000,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    routerOptions: { maxParamLength: 100_000 },
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(rawRefusal(error.code));
      else socket.destroy();
    },
    frameworkErrors: (_error, _request, reply) => {
      const status = statusOf({ error: "badRequest", message: "the path of the request cannot be read" });
      reply.raw.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify(status));
    },
    ...(parts.tls === undefined ? { http: server } : { https: { ...server, ...parts.tls, minVersion: "TLSv1.2" } }),
  });
}

/** Before the body is read: who is it? Health and extra routes need nobody. */
async function identify(handler: Handler, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  handler.began.set(request, performance.now());
  setHeaders(reply.raw, { "audit-id": request.id, "cache-control": "no-cache, private", "x-content-type-options": "nosniff" });
  const { segments } = targetOf(request);
  if (segments !== undefined && isOpen(handler, segments, request.method)) return;
  const caller = await handler.parts.authenticator.authenticate(bearerOf(request.headers.authorization));
  if ("refused" in caller) throw new ApiFailure({ error: "unauthorized", because: caller.refused });
  const other = await impersonated(caller, request.raw.headersDistinct, handler.parts.authorizer);
  if ("refused" in other)
    throw other.code === 400
      ? new ApiFailure({ error: "badRequest", message: other.refused })
      : new ApiRefusal(403, "Forbidden", other.refused);
  handler.callers.set(request, other);
}

const OPEN = new Set(["healthz", "livez", "readyz"]);
const isOpen = ({ parts }: Handler, segments: readonly string[], method: string): boolean =>
  OPEN.has(segments[0] ?? "") || extraRouteOf(parts, segments, method) !== undefined;

async function handle(handler: Handler, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    gone.abort();
  });
  const signal = AbortSignal.any([gone.signal, handler.stopping]);
  const answer = await answerTo(handler, request, signal);
  reply.hijack();
  observe(handler, request, reply);
  await send(handler, request, reply.raw, answer, signal);
}

async function send(
  handler: Handler,
  request: FastifyRequest,
  response: ServerResponse,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (answer.type === "watch") await writeWatch(response, answer, signal);
    else await writeAnswer(response, answer, /\bgzip\b/.test(request.headers["accept-encoding"] ?? ""), request.method === "HEAD");
  } catch (error) {
    // The head is out: all that is left to say it with is the end of the connection.
    handler.parts.log.error({ requestId: request.id, err: error }, "an answer broke off");
    response.destroy();
  }
}

async function answerTo(handler: Handler, request: FastifyRequest, signal: AbortSignal): Promise<Answer> {
  const { parts } = handler;
  const { segments, path, query } = targetOf(request);
  if (segments === undefined) throw new ApiFailure({ error: "noSuchPath" });
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  const extra = extraRouteOf(parts, segments, request.method);
  if (extra !== undefined) {
    const { code, body: text } = await extra.answer({
      rest: segments.slice(extra.prefix.length),
      headers: request.headers,
      body: body ?? new Uint8Array(),
      signal,
    });
    return { type: "text", code, contentType: "text/plain; charset=utf-8", body: text };
  }
  const health = await healthAnswer(parts.checks, segments, query, handler.stopping.aborted);
  if (health !== undefined) return health;
  const caller = handler.callers.get(request);
  if (caller === undefined) throw new ApiFailure({ error: "unauthorized" });
  const asked: ApiRequest = { method: request.method, segments, path, query, headers: request.headers, body, caller, signal };
  const resource = resourcePathOf(segments);
  if (resource !== undefined) return resourceAnswer(parts, asked, resource);
  await authorizePath(parts, asked);
  if (request.method !== "GET" && request.method !== "HEAD") throw new ApiFailure({ error: "methodNotAllowed" });
  if (segments[0] === "metrics" && segments.length === 1 && parts.metrics !== undefined)
    return { type: "text", code: 200, contentType: parts.metrics.contentType, body: await parts.metrics.exposition() };
  const page = parts.pages?.find(({ path: own }) => own === `/${segments.join("/")}`);
  if (page !== undefined) return page.answer(asked);
  const document = handler.documents.answer(asked);
  if (document === undefined) throw new ApiFailure({ error: "noSuchPath" });
  return document;
}

async function authorizePath(parts: HttpParts, { caller, method, path }: ApiRequest): Promise<void> {
  const verb = method === "HEAD" ? "get" : method.toLowerCase();
  const { allowed } = await parts.authorizer.authorize(caller, { path, verb });
  if (!allowed) throw new ApiFailure({ error: "forbiddenPath", user: caller.name, verb, path });
}

async function refuse(handler: Handler, request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
  const status = statusOfRefusal(handler, request, error);
  observe(handler, request, reply);
  if (status.details?.retryAfterSeconds !== undefined) void reply.header("retry-after", String(status.details.retryAfterSeconds));
  if (status.code === 401) void reply.header("www-authenticate", 'Bearer realm="slipway"');
  await reply
    .code(status.code ?? 500)
    .header("content-type", "application/json")
    .send(JSON.stringify(status));
}

function statusOfRefusal({ parts }: Handler, request: FastifyRequest, error: unknown): Status {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return statusOf({ error: "requestEntityTooLarge", message: `limit is ${parts.limits?.bodyBytes ?? LIMITS.bodyBytes}` });
  if (typeof code === "string" && code.startsWith("FST_ERR_CTP_"))
    return statusOf({ error: "badRequest", message: "the body of the request does not have the length that its headers say" });
  const status = statusOfError(error, parts.catalog, request.id);
  if (!isForeseen(error))
    parts.log.error({ requestId: request.id, incident: request.id, err: error }, "a request met an error nobody foresaw");
  return status;
}

/** One line for each request that has ended; no bodies, no tokens, and of the query only its names. */
function observe({ parts, callers, began }: Handler, request: FastifyRequest, reply: FastifyReply): void {
  const caller = callers.get(request);
  const { path, query, segments } = targetOf(request);
  reply.raw.once("close", () => {
    const now = performance.now();
    const seconds = Math.round(now - (began.get(request) ?? now)) / 1000;
    const code = reply.raw.statusCode;
    parts.metrics?.requestEnded({ verb: request.method, resource: resourcePathOf(segments ?? [])?.resource ?? "", code, seconds });
    const fields = {
      requestId: request.id,
      method: request.method,
      path: path.slice(0, 500),
      query: [...query.keys()].slice(0, 20),
      user: caller?.name,
      code,
      seconds,
    };
    // Thousands of reads that went well would hide what an operator looks for.
    if ((request.method === "GET" || request.method === "HEAD") && code < 400) parts.log.debug?.(fields, "request");
    else parts.log.info(fields, "request");
  });
}

function targetOf(request: FastifyRequest): {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly segments: readonly string[] | undefined;
} {
  const target = request.raw.url ?? "/";
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  return { path, query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)), segments: segmentsOf(path) };
}

function extraRouteOf({ extraRoutes }: HttpParts, segments: readonly string[], method: string): ExtraRoute | undefined {
  return extraRoutes?.find(
    (route) => route.method === method && route.prefix.length > 0 && route.prefix.every((part, at) => segments[at] === part),
  );
}

const bearerOf = (header: string | undefined): string | undefined => /^bearer +(\S+)$/i.exec(header ?? "")?.[1];

/** What a client gets whose request is none: written by hand, for there is no request to answer. */
function rawRefusal(code: string | undefined): string {
  const [line, status] =
    code === "HPE_HEADER_OVERFLOW"
      ? [
          "431 Request Header Fields Too Large",
          { ...statusOf({ error: "badRequest", message: "the headers of the request are too large" }), code: 431 },
        ]
      : code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", { ...statusOf({ error: "timeout", message: "the request did not arrive in time" }), code: 408 }]
        : ["400 Bad Request", statusOf({ error: "badRequest", message: "this is no HTTP request" })];
  const body = JSON.stringify(status);
  return `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
