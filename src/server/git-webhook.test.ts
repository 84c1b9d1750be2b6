import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { memoryStore } from "../adapters/memory/memory-store.ts";
import { catalog } from "../api/catalog.ts";
import { derivationsOf } from "../api/derivations.ts";
import { instant, seconds } from "../domain/units.ts";
import { gitWebhook } from "./git-webhook.ts";

const body = new TextEncoder().encode('{"ref":"refs/heads/main"}');
const token = "s3cret-tok3n";
const hmac = createHmac("sha256", token).update(body).digest("hex");

async function world(provider: string) {
  const clock = { now: () => instant(0), until: () => Promise.resolve() };
  const store = memoryStore({ clock, derivations: derivationsOf(catalog, () => []) });
  const key = { group: "slipway.dev", resource: "gitrepositories", namespace: "shop", name: "app" };
  const meta = (name: string) => ({ name, namespace: "shop", uid: `uid-of-${name}` });
  const spec = { url: "https://example.org/app.git", webhook: { provider, secretRef: { name: "hook" } } };
  await store.resources.commit({
    writes: [
      { verb: "create", key, object: { apiVersion: "slipway.dev/v1alpha1", kind: "GitRepository", metadata: meta("app"), spec } },
      {
        verb: "create",
        key: { group: "", resource: "secrets", namespace: "shop", name: "hook" },
        object: { apiVersion: "v1", kind: "Secret", metadata: meta("hook"), data: { token: Buffer.from(token).toString("base64") } },
      },
    ],
  });
  const route = gitWebhook(store);
  const call = (headers: Record<string, string>, rest: readonly string[] = ["shop", "app"]) =>
    route.answer({ rest, headers, body, signal: new AbortController().signal });
  const due = async () => (await store.work.claim("test", ["git-repository"], 10, seconds(3))).map((lease) => lease.key.name);
  return { call, due };
}

for (const { provider, headers } of [
  { provider: "github", headers: { "x-hub-signature-256": `sha256=${hmac}` } },
  { provider: "gitlab", headers: { "x-gitlab-token": token } },
  { provider: "gitea", headers: { "x-gitea-signature": hmac } },
  { provider: "generic", headers: { authorization: `Bearer ${token}` } },
])
  test(`a call that ${provider} signed makes the repository due`, async () => {
    const { call, due } = await world(provider);
    assert.equal((await call(headers)).code, 202);
    assert.deepEqual(await due(), ["app"]);
  });

for (const { name, provider, headers, rest = ["shop", "app"] } of [
  { name: "no signature", provider: "github", headers: {} },
  { name: "a signature of another body", provider: "github", headers: { "x-hub-signature-256": `sha256=${"0".repeat(64)}` } },
  { name: "an empty token", provider: "gitlab", headers: { "x-gitlab-token": "" } },
  { name: "the signature in another server's header", provider: "gitea", headers: { "x-hub-signature-256": `sha256=${hmac}` } },
  { name: "a repository that is not there", provider: "generic", headers: { authorization: `Bearer ${token}` }, rest: ["shop", "other"] },
  { name: "a path with more in it", provider: "generic", headers: { authorization: `Bearer ${token}` }, rest: ["shop", "app", "x"] },
])
  test(`${name} is refused, makes nothing due, and tells nothing`, async () => {
    const { call, due } = await world(provider);
    const { code, body: said } = await call(headers, rest);
    assert.equal(code, 401);
    assert.match(said, /^refused: there is no such webhook, or/);
    assert.ok(!said.includes(token));
    assert.deepEqual(await due(), []);
  });
