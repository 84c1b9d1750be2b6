import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ApiFailure } from "../api/status.ts";
import { logWhenEnded, type AccessLogParts } from "./http/access-log.ts";
import type { Answer } from "./http/answer.ts";
import { dispatcher, type Dispatcher, type DispatchParts } from "./http/dispatch.ts";
import { callerOf, type Identification } from "./http/identify.ts";
import { LIMITS, listenerOf, type HttpLimits } from "./http/listener.ts";
import { refusalHeaders, refusalOf, refuseEncoded } from "./http/refuse.ts";
import { visitOf, type Visit } from "./http/visit.ts";
import { setHeaders, writeAnswer } from "./http/write-answer.ts";
import { writeWatch } from "./http/write-watch.ts";

/** What the API server is made of. */
export interface HttpParts extends Omit<DispatchParts, "metrics">, Identification, AccessLogParts {
  /** Certificate and key in PEM: then HTTPS alone is served. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly limits?: Partial<HttpLimits>;
}

export interface ApiServer {
  /** Throws where the address cannot be listened on. `port` 0 takes any. */
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  /** Serves new connections with another certificate, in PEM; those that are open go on with theirs. Only with `tls`. */
  setCertificate(certificate: string, key: string): void;
  /** Not ready any more, watches end cleanly, requests in flight are finished; after `graceMs` what is left is cut off. */
  close(graceMs?: number): Promise<void>;
}

/** The resource API over HTTP. Does nothing until `listen`. */
export function apiServer(parts: HttpParts): ApiServer {
  const limits = { ...LIMITS, ...parts.limits };
  const stopping = new AbortController();
  const app = listenerOf(parts.tls, limits);
  const handler: Handler = {
    parts,
    limits,
    dispatch: dispatcher(parts, stopping.signal),
    stopping: stopping.signal,
    visits: new WeakMap(),
  };
  app.addHook("onRequest", async (request, reply) => receive(handler, request, reply));
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
  readonly limits: HttpLimits;
  readonly dispatch: Dispatcher;
  readonly stopping: AbortSignal;
  readonly visits: WeakMap<FastifyRequest, Visit>;
}

/** Before the body is read: who is it, and can it be read? */
async function receive(handler: Handler, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const visit = visitIn(handler, request);
  setHeaders(reply.raw, { "audit-id": visit.id, "cache-control": "no-cache, private", "x-content-type-options": "nosniff" });
  if (!handler.dispatch.isOpen(visit.method, visit.target)) visit.caller = await callerOf(handler.parts, request.raw);
  refuseEncoded(request.headers["content-encoding"]);
}

async function handle(handler: Handler, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const visit = visitIn(handler, request);
  const gone = new AbortController();
  reply.raw.once("close", () => {
    // Not for an answer that is complete: what aborts makes an error with a stack, which is 4 % of a quick read.
    if (!reply.raw.writableFinished) gone.abort();
  });
  const signal = AbortSignal.any([gone.signal, handler.stopping]);
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  const answer = await handler.dispatch.answer(visit, { headers: request.headers, body, signal });
  reply.hijack();
  logWhenEnded(handler.parts, visit, reply.raw);
  await send(handler, request, reply.raw, answer, signal);
}

async function send(
  { parts, limits }: Handler,
  request: FastifyRequest,
  response: ServerResponse,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (answer.type === "watch") {
      await writeWatch(response, answer, signal, limits.pauseMs);
      return;
    }
    // What a client does not read is kept in our memory.
    response.setTimeout(limits.pauseMs, () => response.destroy());
    await writeAnswer(response, answer, /\bgzip\b/.test(request.headers["accept-encoding"] ?? ""), request.method === "HEAD");
  } catch (error) {
    // The head is out: all that is left to say it with is the end of the connection.
    parts.log.error({ requestId: request.id, err: error }, "an answer broke off");
    response.destroy();
  }
}

async function refuse(handler: Handler, request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
  const { parts, limits } = handler;
  const visit = visitIn(handler, request);
  const status = refusalOf({ catalog: parts.catalog, log: parts.log, limits }, visit.id, error);
  logWhenEnded(parts, visit, reply.raw);
  await reply
    .code(status.code ?? 500)
    .headers(refusalHeaders(status))
    .send(JSON.stringify(status));
}

function visitIn({ visits }: Handler, request: FastifyRequest): Visit {
  const visit = visits.get(request) ?? visitOf(request);
  visits.set(request, visit);
  return visit;
}
