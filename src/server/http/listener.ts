import { randomUUID } from "node:crypto";
import { fastify, type FastifyInstance } from "fastify";
import { statusOf } from "../../api/status.ts";

export interface HttpLimits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** From connection to the last byte of the request, in milliseconds; the answer may take longer. */
  readonly requestMs: number;
  /** How long a client may leave what it is sent unread, in milliseconds, before its connection is cut. */
  readonly pauseMs: number;
}

// 3 MiB is the API server's limit; 64 KiB of headers hold the longest selectors.
export const LIMITS: HttpLimits = { bodyBytes: 3 * 1024 * 1024, headerBytes: 64 * 1024, requestMs: 60_000, pauseMs: 60_000 };

/** Fastify with nothing but our limits: bodies are bytes, and a request that is none is refused in the form of our errors. */
export function listenerOf(tls: { readonly cert: string; readonly key: string } | undefined, limits: HttpLimits): FastifyInstance {
  const server = {
    maxHeaderSize: limits.headerBytes,
    // A client that sends its headers drop by drop holds a socket no longer than this.
    headersTimeout: Math.min(20_000, limits.requestMs),
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: 5_000,
  };
  const app = fastify({
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
    ...(tls === undefined ? { http: server } : { https: { ...server, ...tls, minVersion: "TLSv1.2" } }),
  });
  app.server.on("checkExpectation", (_request, response) => {
    const message = "the only expectation that is met is 100-continue; leave the header Expect out";
    const status = { ...statusOf({ error: "badRequest", message }), code: 417 };
    response.writeHead(417, { "content-type": "application/json" }).end(JSON.stringify(status));
  });
  // Bodies are read by kind and media type further on; here they are only bytes within the limit.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: limits.bodyBytes }, (_request, body, done) => {
    done(null, body);
  });
  return app;
}

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
