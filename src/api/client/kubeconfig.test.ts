import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeconfig } from "./kubeconfig.ts";

test("a kubeconfig is what kubectl reads, whatever the names are", () => {
  const parts = {
    server: "https://127.0.0.1:7447",
    authority: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    user: 'jane "x": {',
    token: "slp_a_b",
  };
  const read: unknown = JSON.parse(kubeconfig(parts));
  assert.deepEqual(read, {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "slipway",
    clusters: [
      { name: "slipway", cluster: { server: parts.server, "certificate-authority-data": Buffer.from(parts.authority).toString("base64") } },
    ],
    users: [{ name: parts.user, user: { token: "slp_a_b" } }],
    contexts: [{ name: "slipway", context: { cluster: "slipway", user: parts.user, namespace: "default" } }],
  });
});
