import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { trace } from "@opentelemetry/api";
import { exportTraces } from "./export-traces.ts";

test("spans reach the collector that the environment names, at the latest when it is stopped", async () => {
  const received: string[] = [];
  const collector = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
    request.on("end", () => {
      received.push(`${request.method ?? ""} ${request.url ?? ""} ${body}`);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo; // a server that listens on TCP has such an address
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${port}`;
  try {
    const traces = await exportTraces("0.0.0");
    trace.getTracer("test").startSpan("pass sync").end();
    await traces.stop();
    assert.match(received.join("\n"), /POST \/v1\/traces .*pass sync/s);
    assert.match(received.join("\n"), /slipway/, "the service has a name");
  } finally {
    delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
    collector.closeAllConnections();
    collector.close();
  }
});
