import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServeFlags, settingsOf } from "./settings.ts";

const flags: ServeFlags = { listen: "127.0.0.1:7447", roles: "api,controllers", name: [] };

for (const { listen, host, port } of [
  { listen: "127.0.0.1:7447", host: "127.0.0.1", port: 7447 },
  { listen: "[::1]:0", host: "::1", port: 0 },
  { listen: ":8443", host: "0.0.0.0", port: 8443 },
  { listen: "slipway.example.org:443", host: "slipway.example.org", port: 443 },
])
  test(`--listen ${listen} is ${host} and ${port}`, () => {
    const settings = settingsOf({ ...flags, listen }, {}, "/data");
    assert.deepEqual([settings.host, settings.port], [host, port]);
  });

for (const { name, change, environment = {}, says } of [
  { name: "an address without a port", change: { listen: "localhost" }, says: /--listen "localhost".*HOST:PORT/ },
  { name: "a port that is none", change: { listen: "localhost:70000" }, says: /no address/ },
  { name: "an unknown role", change: { roles: "api,worker" }, says: /--roles names "worker"; there are api and controllers/ },
  {
    name: "two master keys",
    change: {},
    environment: { SLIPWAY_MASTER_KEY_FILE: "/k", SLIPWAY_MASTER_KEY: "x" },
    says: /SLIPWAY_MASTER_KEY_FILE and SLIPWAY_MASTER_KEY are both set/,
  },
])
  test(`${name} is refused with the way out`, () => assert.throws(() => settingsOf({ ...flags, ...change }, environment, "/data"), says));

test("the flag for the data directory wins over the environment, and that over the default", () => {
  assert.equal(settingsOf(flags, {}, "/default").dataDirectory, "/default");
  assert.equal(settingsOf(flags, { SLIPWAY_DATA: "/env" }, "/default").dataDirectory, "/env");
  assert.equal(settingsOf({ ...flags, data: "/flag" }, { SLIPWAY_DATA: "/env" }, "/default").dataDirectory, "/flag");
});

test("how long things are kept, what is logged and whether traces go out come from the environment; set to nothing is not set", () => {
  const environment = {
    SLIPWAY_CHANGES_KEEP: "90m",
    SLIPWAY_CHANGES_KEEP_AT_MOST: "5000",
    SLIPWAY_LOG: "debug",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318",
  };
  const { retention, logLevel, sendTraces } = settingsOf(flags, environment, "/data");
  assert.deepEqual([retention.changes, retention.changesAtMost, logLevel, sendTraces], [5_400_000, 5000, "debug", true]);
  const plain = settingsOf(flags, { SLIPWAY_LOG: "", DATABASE_URL: "", OTEL_EXPORTER_OTLP_ENDPOINT: "" }, "/data");
  assert.deepEqual([plain.logLevel, plain.databaseUrl, plain.sendTraces], ["info", undefined, false]);
});
