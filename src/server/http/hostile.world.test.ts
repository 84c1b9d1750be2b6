import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { startApiServer, type TestServer } from "../../../test/fixtures/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startApiServer({ limits: { requestMs: 2_000 } });
});
after(() => server.close());

const PATH = "/apis/slipway.dev/v1alpha1/namespaces/shop/gitrepositories";
const HEAD = "Host: x\r\nAuthorization: Bearer admin-token\r\n";

/** Sends bytes as they are and gives everything that comes back until the server closes, or `enough` is seen. */
async function send(bytes: string, enough = /\r\n\r\n[\s\S]*\}$/): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8");
  const ended = new Promise<void>((resolve) => {
    socket.on("data", (chunk: string) => {
      answer += chunk;
      if (enough.test(answer)) resolve();
    });
    socket.once("close", () => {
      resolve();
    });
    socket.once("error", () => {
      resolve();
    });
  });
  await once(socket, "connect");
  socket.write(bytes);
  await ended;
  socket.destroy();
  return answer;
}

const get = (target: string): string => `GET ${target} HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
const post = (body: string, type = "application/json"): string =>
  `POST ${PATH} HTTP/1.1\r\n${HEAD}Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

const object = (rest: string): string => `{"apiVersion":"slipway.dev/v1alpha1","kind":"GitRepository","metadata":{"name":"x"},${rest}}`;

const cases: readonly { readonly name: string; readonly bytes: string; readonly code: number; readonly says?: RegExp }[] = [
  { name: "bad JSON is told with its line and column", bytes: post('{"a": 1,\n  nope}'), code: 400, says: /line 2, column 3/ },
  { name: "an empty body", bytes: post(""), code: 400, says: /unexpected end of JSON input/ },
  { name: "a body that ends too early", bytes: post('{"a": [1, 2'), code: 400, says: /json parse error/ },
  {
    name: "JSON 100,000 levels deep",
    bytes: post("[".repeat(100_000) + "]".repeat(100_000)),
    code: 400,
    says: /nested deeper than 100 levels/,
  },
  {
    name: "objects 20,000 levels deep",
    bytes: post('{"a":'.repeat(20_000) + "1" + "}".repeat(20_000)),
    code: 400,
    says: /nested deeper than 100 levels/,
  },
  { name: "a body that is a list", bytes: post("[]"), code: 400, says: /one JSON object/ },
  { name: "a body that is a number", bytes: post("1e999"), code: 400 },
  { name: "a prototype", bytes: post(object('"spec":{"url":"https://a.example/b","__proto__":{"x":1}}')), code: 400, says: /__proto__/ },
  {
    name: "metadata that is a text",
    bytes: post('{"apiVersion":"slipway.dev/v1alpha1","kind":"GitRepository","metadata":"x"}'),
    code: 400,
    says: /metadata must be an object/,
  },
  {
    name: "labels that are numbers",
    bytes: post('{"apiVersion":"slipway.dev/v1alpha1","kind":"GitRepository","metadata":{"name":"x","labels":{"a":1}},"spec":{}}'),
    code: 400,
    says: /metadata\.labels/,
  },
  {
    name: "a name with a slash",
    bytes: post(object('"spec":{"url":"https://a.example/b"}').replace('"x"', '"../../etc"')),
    code: 422,
    says: /metadata\.name/,
  },
  { name: "bytes that are not UTF-8", bytes: post("").replace("Content-Length: 0", "Content-Length: 2") + "\udc80", code: 400 },
  { name: "YAML that is none", bytes: post("a: [", "application/yaml"), code: 400, says: /error decoding YAML/ },
  { name: "protobuf that is none", bytes: post("k8s", "application/vnd.kubernetes.protobuf"), code: 415 },
  { name: "a traversal in the path", bytes: get(`${PATH}/../../../../etc/passwd`), code: 404 },
  { name: "an encoded traversal", bytes: get(`${PATH}/%2e%2e%2f%2e%2e%2fetc`), code: 404 },
  { name: "an encoded slash in a name", bytes: get(`${PATH}/a%2Fb`), code: 404 },
  { name: "a malformed escape", bytes: get(`${PATH}/%zz`), code: 400 },
  { name: "an escape that is no UTF-8", bytes: get(`${PATH}/%ff%fe`), code: 400 },
  { name: "a NUL in a name", bytes: get(`${PATH}/a%00b`), code: 404 },
  { name: "an empty segment", bytes: get(`${PATH}//x`), code: 404 },
  { name: "a name of 10,000 characters", bytes: get(`${PATH}/${"a".repeat(10_000)}`), code: 404 },
  { name: "a path of 10,000 segments", bytes: get(`/apis${"/a".repeat(10_000)}`), code: 404 },
  { name: "__proto__ as a resource", bytes: get("/apis/slipway.dev/v1alpha1/__proto__"), code: 404 },
  { name: "__proto__ as a group", bytes: get("/apis/__proto__/v1/x"), code: 404 },
  { name: "__proto__ as a review", bytes: get("/apis/__proto__"), code: 404 },
  {
    name: "headers of 100 KB",
    bytes: `GET / HTTP/1.1\r\n${HEAD}X-Long: ${"a".repeat(100_000)}\r\n\r\n`,
    code: 431,
    says: /headers of the request are too large/,
  },
  { name: "5,000 headers", bytes: `GET / HTTP/1.1\r\n${HEAD}${"a: b\r\n".repeat(20_000)}\r\n`, code: 431 },
  { name: "no HTTP at all", bytes: "hello there\r\n\r\n", code: 400, says: /this is no HTTP request/ },
  {
    name: "two lengths (smuggling)",
    bytes: `POST ${PATH} HTTP/1.1\r\n${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    code: 400,
  },
  { name: "a length that is a lie in letters", bytes: `POST ${PATH} HTTP/1.1\r\n${HEAD}Content-Length: 4x\r\n\r\nabcd`, code: 400 },
  {
    name: "a body over the limit by its length",
    bytes: `POST ${PATH} HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n`,
    code: 413,
    says: /limit is 3145728/,
  },
  {
    name: "a selector of 10,000 terms",
    bytes: get(`${PATH}?labelSelector=${"a%3Db,".repeat(3_000)}a`),
    code: 400,
    says: /labelSelector is longer/,
  },
  { name: "TRACE", bytes: `TRACE / HTTP/1.1\r\n${HEAD}\r\n`, code: 405 },
  { name: "OPTIONS", bytes: `OPTIONS ${PATH} HTTP/1.1\r\n${HEAD}\r\n`, code: 405 },
  { name: "a method nobody knows", bytes: `PROPFIND ${PATH} HTTP/1.1\r\n${HEAD}\r\n`, code: 405 },
  { name: "the proxy form of a target", bytes: get("http://169.254.169.254/latest"), code: 404 },
];

const raw = (line: string, headers = "", body = ""): string => `${line}\r\n${HEAD}${headers}Connection: close\r\n\r\n${body}`;
const JSON_TYPE = "Content-Type: application/json\r\n";

const oddities: typeof cases = [
  {
    name: "a compressed body",
    bytes: raw(`POST ${PATH} HTTP/1.1`, `${JSON_TYPE}Content-Encoding: gzip\r\nContent-Length: 4\r\n`, "abcd"),
    code: 415,
    says: /Content-Encoding: gzip\), which is not read here/,
  },
  { name: "the length twice", bytes: raw(`POST ${PATH} HTTP/1.1`, "Content-Length: 2\r\nContent-Length: 4\r\n", "{}{}"), code: 400 },
  { name: "a length with a sign", bytes: raw(`POST ${PATH} HTTP/1.1`, "Content-Length: +2\r\n", "{}"), code: 400 },
  { name: "a header with a space before its colon", bytes: raw(`GET ${PATH} HTTP/1.1`, "Transfer-Encoding : chunked\r\n"), code: 400 },
  { name: "a folded header", bytes: raw(`GET ${PATH} HTTP/1.1`, "X-A: b\r\n c\r\n"), code: 400 },
  { name: "a transfer coding nobody knows", bytes: raw(`POST ${PATH} HTTP/1.1`, "Transfer-Encoding: xchunked\r\n"), code: 400 },
  {
    name: "a chunk whose length is no number",
    bytes: raw(`POST ${PATH} HTTP/1.1`, `${JSON_TYPE}Transfer-Encoding: chunked\r\n`, "zz\r\n{}\r\n0\r\n\r\n"),
    code: 400,
  },
  {
    name: "chunks with extensions and a trailer",
    bytes: raw(`POST ${PATH} HTTP/1.1`, `${JSON_TYPE}Transfer-Encoding: chunked\r\n`, "2;a=b\r\n{}\r\n0\r\nX-User: admin\r\n\r\n"),
    code: 400,
    says: /Kind/,
  },
  { name: "lines that end in a bare line feed", bytes: `GET ${PATH} HTTP/1.1\nHost: x\nAuthorization: Bearer admin-token\n\n`, code: 400 },
  { name: "HTTP/1.0", bytes: `GET ${PATH} HTTP/1.0\r\n${HEAD}\r\n`, code: 200 },
  { name: "HTTP/1.1 without a Host", bytes: `GET ${PATH} HTTP/1.1\r\nAuthorization: Bearer admin-token\r\n\r\n`, code: 400 },
  { name: "two tokens", bytes: raw(`GET ${PATH} HTTP/1.1`, "Authorization: Bearer other\r\n"), code: 400, says: /Authorization/ },
  { name: "an upgrade to another protocol", bytes: raw(`GET ${PATH} HTTP/1.1`, "Upgrade: h2c\r\n"), code: 200 },
  {
    name: "an expectation nobody can meet",
    bytes: raw(`POST ${PATH} HTTP/1.1`, "Expect: the-unexpected\r\nContent-Length: 0\r\n"),
    code: 417,
  },
  { name: "a query of 40,000 parameters", bytes: get(`${PATH}?${"a&".repeat(25_000)}`), code: 200 },
  { name: "letters of other scripts in a name", bytes: get(`${PATH}/${encodeURIComponent("ünï-𝕏-\u202e")}`), code: 404 },
  { name: "half a letter in a name", bytes: get(`${PATH}/%ed%a0%80`), code: 400 },
  { name: "a write to the health of the server", bytes: raw("POST /healthz HTTP/1.1", "Content-Length: 0\r\n"), code: 405 },
  { name: "a health check that there is not", bytes: get("/healthz/none"), code: 404 },
  { name: "a path below a health check", bytes: get("/healthz/ping/more"), code: 404 },
  { name: "a write to the metrics", bytes: raw("DELETE /metrics HTTP/1.1"), code: 405 },
];

for (const { name, bytes, code, says } of [...cases, ...oddities])
  test(`hostile: ${name}`, async () => {
    const answer = await send(bytes);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${code} `), answer.slice(0, 600));
    if (says !== undefined) assert.match(answer, says);
    assert.doesNotMatch(answer, /at .*\.ts:\d+|node_modules/);
  });

test("hostile: a client that sends its headers drop by drop is cut off", { timeout: 30_000 }, async () => {
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => undefined);
  socket.resume();
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n");
  const drops = setInterval(() => socket.write("X-A: b\r\n"), 200);
  try {
    await once(socket, "close");
  } finally {
    clearInterval(drops);
  }
});

test("hostile: a JSON patch cannot reach anything but the object", async () => {
  await server.ask("POST", PATH, { body: object('"spec":{"url":"https://a.example/b"}') });
  for (const path of [
    "/__proto__/polluted",
    "/constructor/prototype/polluted",
    "/spec/toString/polluted",
    "/metadata/finalizers/push/polluted",
    "/metadata/managedFields/0/constructor/polluted",
    "/spec/url/length",
  ]) {
    const answer = await server.ask("PATCH", `${PATH}/x`, {
      body: [{ op: "add", path, value: "yes" }],
      type: "application/json-patch+json",
    });
    assert.notEqual(answer.code, 500, `${path}: ${answer.text}`);
  }
  const { polluted } = {} as { readonly polluted?: unknown };
  assert.equal(polluted, undefined);
  assert.equal(Object.getOwnPropertyDescriptor(Object.prototype.toString, "polluted"), undefined);
  assert.equal(Object.getOwnPropertyDescriptor(Array.prototype.push, "polluted"), undefined);
});

test("hostile: a JSON patch that doubles the object again and again is stopped", async () => {
  await server.ask("POST", PATH, { body: object('"spec":{"url":"https://a.example/b"}') });
  const doubling = Array.from({ length: 60 }, (_, at) => ({ op: "copy", from: "/metadata", path: `/metadata/x${at}` }));
  const answer = await server.ask("PATCH", `${PATH}/x`, { body: doubling, type: "application/json-patch+json" });
  assert.equal(answer.code, 413, answer.text);
  assert.match(answer.body.message, /copies more than/);
});

test("hostile: no request of all these was an incident, and no token is in the log", () => {
  assert.deepEqual(
    server.logged.filter((line) => line.includes("incident")),
    [],
  );
  assert.deepEqual(
    server.logged.filter((line) => line.includes("admin-token")),
    [],
  );
});
