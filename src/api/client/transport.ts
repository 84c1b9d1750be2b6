/** One request to the API. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the root of the server, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long nothing may come, in milliseconds, before the connection counts as dead. */
  readonly idleMs: number;
}

export interface ApiAnswer {
  readonly status: number;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Must be read to its end, or left with `return`. Throws ConnectError when the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Carries requests to one server, with the credentials of one user. */
export interface Transport {
  /** Throws ConnectError when no answer came; the reason of `signal` when that fires. */
  send(request: ApiRequest, signal?: AbortSignal): Promise<ApiAnswer>;
  /** Ends idle connections, so that the process can end. */
  close(): void;
}

export type ConnectProblem =
  /** Nobody listens there. */
  | "refused"
  | "unknownHost"
  /** The server's certificate is of another CA than the one we were given. */
  | "untrusted"
  | "certificateExpired"
  /** The certificate is for another host name. */
  | "wrongHost"
  /** What answers does not speak TLS. */
  | "notTls"
  | "timedOut"
  | "broken";

/** No answer of the API: what is wrong with the connection. `sent` says whether the request may have been carried out. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  readonly problem: ConnectProblem;
  readonly sent: boolean;

  constructor(problem: ConnectProblem, message: string, options: { readonly sent: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.problem = problem;
    this.sent = options.sent;
  }
}
