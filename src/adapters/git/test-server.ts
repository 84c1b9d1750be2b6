import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

// For tests only: real Git over http, as `git http-backend` (a CGI program, RFC 3875) serves it, with anything a hostile server may do in front of it.

export interface TestServer {
  readonly url: string;
  /** Paths asked for, with their query. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function listen(handler: RequestListener, tls?: { readonly key: string; readonly cert: string }): Promise<TestServer> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(request.url ?? "");
    handler(request, response);
  };
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // listening on a port, so it is one
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Answers as Git does for the repositories below `root`. Reading and pushing are allowed to whoever gets here. */
export function httpBackend(root: string): RequestListener {
  return (request, response) => {
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const env = {
      PATH: process.env["PATH"] ?? "",
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "tester",
      REMOTE_ADDR: "127.0.0.1",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      GIT_CONFIG_KEY_1: "http.receivepack",
      GIT_CONFIG_VALUE_1: "true",
      ...(request.headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: request.headers["content-length"] }),
    };
    const child = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "ignore"] });
    child.stdin.on("error", () => undefined); // the answer may be there before all was read
    request.pipe(child.stdin);
    answerCgi(child.stdout, response);
  };
}

function answerCgi(output: NodeJS.ReadableStream, response: ServerResponse): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  output.on("data", (chunk: Buffer) => {
    if (head === undefined) response.write(chunk);
    else {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const headers = head
        .toString("latin1", 0, end)
        .split("\r\n")
        .map((line) => line.split(": "));
      for (const [name = "", value = ""] of headers) if (name !== "Status") response.setHeader(name, value);
      response.writeHead(Number(headers.find(([name]) => name === "Status")?.[1]?.split(" ")[0] ?? 200));
      response.write(head.subarray(end + 4));
      head = undefined;
    }
  });
  output.on("end", () => response.end());
}

/** Lets only this user in. `echoes`: a stranger is told what he sent, in clear and as it came. */
export function behindPassword(user: string, password: string, inner: RequestListener, echoes = false): RequestListener {
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.authorization === wanted) inner(request, response);
    else {
      const sent = request.headers.authorization ?? "";
      const says = echoes ? `you sent ${sent} which is ${Buffer.from(sent.replace("Basic ", ""), "base64").toString()}` : "no";
      response.writeHead(401, { "www-authenticate": `Basic realm="${says}"`, "content-type": "text/plain" }).end(says);
    }
  };
}
