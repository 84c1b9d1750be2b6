import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { startApiServer, type TestServer } from "../../../test/fixtures/api-server.ts";

const PATH = "/api/v1/namespaces/shop/secrets";
let server: TestServer;
let ended: (code: number) => void;
let end: Promise<number>;

before(async () => {
  server = await startApiServer({
    limits: { pauseMs: 200 },
    metrics: {
      contentType: "text/plain",
      exposition: () => Promise.resolve(""),
      requestEnded: ({ verb, code }) => {
        if (verb === "GET") ended(code);
      },
    },
  });
  for (let each = 0; each < 100; each++) await write(`before-${each}`);
});
after(() => server.close());
beforeEach(() => {
  ({ promise: end, resolve: ended } = Promise.withResolvers<number>());
});

/** One object of 100 KB. */
async function write(name: string): Promise<void> {
  const stringData = { text: "x".repeat(100_000) };
  const { code, text } = await server.ask("POST", PATH, { body: { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData } });
  assert.equal(code, 201, text);
}

/** Asks, reads the head of the answer and nothing more. */
async function askAndStopReading(query: string): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => undefined); // what is cut off may say so
  socket.write(`GET ${PATH}?${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin-token\r\n\r\n`);
  await once(socket, "readable");
  return socket;
}

test("a list of 10 MB that nobody reads is cut off", { timeout: 30_000 }, async () => {
  const socket = await askAndStopReading("");
  assert.equal(await end, 200);
  socket.destroy();
});

test("a watch that nobody reads is cut off, and never ends as if it were whole", { timeout: 60_000 }, async () => {
  const socket = await askAndStopReading("watch=true&resourceVersion=0");
  assert.equal(await end, 200);
  let last = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (last = (last + chunk).slice(-20)));
  await once(socket, "close");
  assert.doesNotMatch(last, /\r\n0\r\n\r\n$/);
});

test("a watch that is read, slowly but steadily, goes on", { timeout: 60_000 }, async () => {
  const socket = await askAndStopReading("watch=true&resourceVersion=0");
  let text = "";
  const all = Promise.withResolvers<void>();
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text = (text + chunk).slice(-200_000);
    if (text.includes('"name":"after"')) all.resolve();
    socket.pause();
    setTimeout(() => socket.resume(), 1);
  });
  await write("after");
  await all.promise;
  socket.destroy();
});
