import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { type ApiAnswer, type ApiRequest, ConnectError, type ConnectProblem, type Transport } from "./transport.ts";

export interface ServerAccess {
  /** `https://host:port`, with or without a path before the API's own. */
  readonly server: string;
  /** The CA as PEM; absent: the ones of the system. */
  readonly authority?: string;
  readonly token: string;
  /** The host name to look for in the certificate, where it is not the one of `server`. */
  readonly serverName?: string;
}

const CONNECTIONS = 16;

/**
 * Speaks to one server over TLS with kept-alive connections. Only https: a token is never sent in the clear.
 * node:https and not fetch, which takes no CA of one's own without a further library.
 */
export function httpsTransport(access: ServerAccess): Transport {
  const base = new URL(access.server);
  if (base.protocol !== "https:") throw new TypeError(`${access.server} is not https; a token must not be sent in the clear`);
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CONNECTIONS,
    ...(access.authority === undefined ? {} : { ca: access.authority }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
  });
  return {
    send: (asked, signal) => sendOnce(base, agent, access.token, asked, signal, true),
    close: () => agent.destroy(),
  };
}

async function sendOnce(
  base: URL,
  agent: Agent,
  token: string,
  asked: ApiRequest,
  signal: AbortSignal | undefined,
  mayRepeat: boolean,
): Promise<ApiAnswer> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const request = httpsRequest(base, {
    method: asked.method,
    path: `${base.pathname.replace(/\/$/, "")}${asked.path}`,
    agent,
    headers: {
      ...asked.headers,
      authorization: `Bearer ${token}`,
      ...(asked.body === undefined ? {} : { "content-length": Buffer.byteLength(asked.body) }),
    },
    ...(signal === undefined ? {} : { signal }),
  });
  request.setTimeout(asked.idleMs, () => request.destroy(silence(base, asked, true)));
  request.on("error", (error) => {
    // A kept connection that the server had just closed carries nothing: the request was not looked at.
    if (mayRepeat && isStaleConnection(request, error) && signal?.aborted !== true)
      sendOnce(base, agent, token, asked, signal, false).then(resolve, reject);
    else reject(signal?.aborted === true ? reasonOf(signal) : connectError(base, error, request));
  });
  request.on("response", (response) => resolve(answerOf(base, asked, response, signal)));
  request.end(asked.body);
  return promise;
}

function answerOf(base: URL, asked: ApiRequest, response: IncomingMessage, signal: AbortSignal | undefined): ApiAnswer {
  const headers = Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  response.setTimeout(asked.idleMs, () => response.destroy(silence(base, asked, true)));
  return { status: response.statusCode ?? 0, headers, body: bodyOf(base, response, signal) };
}

async function* bodyOf(base: URL, response: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array; // no encoding was set, so that chunks are bytes
  } catch (error) {
    if (signal?.aborted === true) throw reasonOf(signal);
    throw error instanceof ConnectError
      ? error
      : new ConnectError("broken", `the connection to ${base.origin} broke in the middle of an answer`, { sent: true, cause: error });
  }
}

const isStaleConnection = (request: ClientRequest, error: Error): boolean =>
  request.reusedSocket && ["ECONNRESET", "EPIPE"].includes(codeOf(error));

const silence = (base: URL, { idleMs }: ApiRequest, sent: boolean): ConnectError =>
  new ConnectError("timedOut", `${base.origin} has not answered within ${Math.round(idleMs / 1000)} seconds`, { sent });

function connectError(base: URL, error: Error, request: ClientRequest): ConnectError {
  if (error instanceof ConnectError) return error;
  const problem = CODES[codeOf(error)] ?? "broken";
  const sent = request.writableFinished;
  return new ConnectError(problem, `${base.origin}: ${error.message}`, { sent, cause: error });
}

/** The codes of Node and OpenSSL: https://nodejs.org/docs/latest-v24.x/api/tls.html#x509-certificate-error-codes */
const CODES: Readonly<Record<string, ConnectProblem>> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "refused",
  ENETUNREACH: "refused",
  ENOTFOUND: "unknownHost",
  EAI_AGAIN: "unknownHost",
  ETIMEDOUT: "timedOut",
  DEPTH_ZERO_SELF_SIGNED_CERT: "untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "untrusted",
  CERT_SIGNATURE_FAILURE: "untrusted",
  CERT_UNTRUSTED: "untrusted",
  INVALID_CA: "untrusted",
  CERT_HAS_EXPIRED: "certificateExpired",
  CERT_NOT_YET_VALID: "certificateExpired",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrongHost",
  EPROTO: "notTls",
  ERR_SSL_WRONG_VERSION_NUMBER: "notTls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "notTls",
};

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "");

const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal.reason });
