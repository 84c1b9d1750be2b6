import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates } from "./find-kubeconfig.ts";
import { contextOf } from "./read-kubeconfig.ts";

const around = {
  flag: undefined,
  environment: {},
  workingDirectory: "/home/jane/shop/deploy",
  dataDirectory: "/home/jane/.local/share/slipway",
};

for (const { name, given, places } of [
  { name: "--kubeconfig is the only place", given: { flag: "k", environment: { SLIPWAY_KUBECONFIG: "/e" } }, places: ["k"] },
  { name: "then SLIPWAY_KUBECONFIG", given: { environment: { SLIPWAY_KUBECONFIG: "/e", SLIPWAY_DATA: "/d" } }, places: ["/e"] },
  {
    name: "then .slipway upward, then SLIPWAY_DATA; plain KUBECONFIG never",
    given: { environment: { SLIPWAY_DATA: "/d", KUBECONFIG: "/other" } },
    places: [
      "/home/jane/shop/deploy/.slipway/kubeconfig",
      "/home/jane/shop/.slipway/kubeconfig",
      "/home/jane/.slipway/kubeconfig",
      "/home/.slipway/kubeconfig",
      "/.slipway/kubeconfig",
      "/d/kubeconfig",
    ],
  },
  {
    name: "last the default data directory",
    given: { workingDirectory: "/" },
    places: ["/.slipway/kubeconfig", "/home/jane/.local/share/slipway/kubeconfig"],
  },
])
  test(`the server is looked for: ${name}`, () => {
    const found = candidates({ ...around, ...given });
    assert.deepEqual(
      found.map(({ path }) => path),
      places,
    );
  });

const config = {
  kind: "Config",
  "current-context": "slipway",
  clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:7447", "certificate-authority-data": "UEVN" } }],
  users: [{ name: "jane", user: { token: "t" } }],
  contexts: [{ name: "slipway", context: { cluster: "c", user: "jane", namespace: "shop" } }],
};

test("a kubeconfig says server, CA, token and namespace", () => {
  assert.deepEqual(contextOf("k", config, undefined), {
    context: "slipway",
    server: "https://127.0.0.1:7447",
    authority: { pem: "PEM" },
    user: "jane",
    token: { text: "t" },
    namespace: "shop",
  });
});

const cluster = (fields: object) => ({ ...config, clusters: [{ name: "c", cluster: { server: "https://h", ...fields } }] });
for (const { name, from, context, says } of [
  { name: "something else", from: [], says: /k: it is no kubeconfig/ },
  { name: "a misspelt context", from: config, context: "slpway", says: /no context "slpway"; did you mean "slipway"\?/ },
  { name: "no current context", from: { ...config, "current-context": "" }, says: /choose one with --context/ },
  { name: "a user that is not in it", from: { ...config, users: [] }, says: /the user "jane", which is not in it/ },
  { name: "http", from: cluster({ server: "http://h" }), says: /never sent in the clear/ },
  { name: "no TLS check", from: cluster({ "insecure-skip-tls-verify": true }), says: /put the CA of the server/ },
  {
    name: "a program for the token",
    from: { ...config, users: [{ name: "jane", user: { exec: { command: "rm" } } }] },
    says: /user "jane" has no token/,
  },
])
  test(`a kubeconfig is refused with the way out: ${name}`, () => {
    assert.throws(() => contextOf("k", from, context), says);
  });
