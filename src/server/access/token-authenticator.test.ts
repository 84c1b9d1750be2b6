import { afterEach, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ApiObject } from "../../domain/object/api-object.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Resources } from "../../ports/resources.ts";
import { accessWorld, binding, serviceAccount, type AccessWorld } from "../../../test/fixtures/access/world.ts";
import type { Caller } from "../caller.ts";
import { accessIndex } from "./access-index.ts";
import { readAccessToken } from "./access-token.ts";
import { serverCaller } from "./identities.ts";
import { isSecretOf, newSecret, parseToken, secretHash, tokenText } from "./token-text.ts";
import { tokenAuthenticator } from "./token-authenticator.ts";

const HOUR = 3_600_000;
let world: AccessWorld;
beforeEach(async () => {
  world = await accessWorld();
  await world.user("jane", { groups: ["devs"] });
  await world.write(serviceAccount("shop", "bot"));
});
afterEach(() => world.close());

const jane = { kind: "User", name: "jane" } as const;
const bot = { kind: "ServiceAccount", namespace: "shop", name: "bot" } as const;

async function issued(owner: typeof jane | typeof bot, spec: ApiObject["spec"] = {}): Promise<string> {
  const answer = await world.issue(serverCaller, owner, { apiVersion: "v1", kind: "TokenRequest", spec });
  const token = isJsonObject(answer.status) ? answer.status["token"] : undefined;
  assert.equal(typeof token, "string");
  return typeof token === "string" ? token : "";
}

async function refusal(token: string | undefined): Promise<string> {
  const answer = await world.authenticator.authenticate(token);
  return "refused" in answer ? answer.refused : `accepted as ${answer.name}`;
}

async function caller(token: string): Promise<Caller> {
  const answer = await world.authenticator.authenticate(token);
  assert.ok(!("refused" in answer), JSON.stringify(answer));
  return answer;
}

const tokens = () => world.store.list({ group: "slipway.dev", resource: "accesstokens" }).then((page) => page.items);

test("a user's token is known as the user with his groups", async () => {
  const found = await caller(await issued(jane));
  const [stored] = await tokens();
  assert.deepEqual(
    [found.name, found.groups, found.scopes, found.token],
    ["jane", ["devs", "system:authenticated"], undefined, stored?.key.name],
  );
});

test("a service account's token is known as the account, in its groups", async () => {
  const found = await caller(await issued(bot));
  assert.equal(found.name, "system:serviceaccount:shop:bot");
  assert.deepEqual(found.groups, ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]);
});

test("only a hash of the secret is stored, and nothing of it in the audit", async () => {
  const token = await issued(jane);
  const secret = parseToken(token)?.secret ?? "";
  const [stored] = await tokens();
  assert.ok(stored !== undefined && !stored.json.includes(secret));
  assert.equal(isJsonObject(stored.object.spec) ? stored.object.spec["hash"] : "", secretHash(secret));
});

test("an hour for a service account, 90 days for a user, never more than a year", async () => {
  const lives: readonly (readonly [typeof jane | typeof bot, number | undefined, number])[] = [
    [bot, undefined, 1],
    [jane, undefined, 90 * 24],
    [bot, 600, 1 / 6],
    [jane, 60, 1 / 60],
    [bot, 4_294_967_296, 365 * 24],
  ];
  for (const [owner, expirationSeconds, hours] of lives) {
    await issued(owner, expirationSeconds === undefined ? {} : { expirationSeconds });
    const stored = (await tokens()).at(-1);
    assert.equal(stored === undefined ? 0 : Number(readAccessToken(stored.object)?.expiresAt) - world.clock.now(), hours * HOUR);
  }
});

test("a token ends when its time is over, to the second", async () => {
  const token = await issued(bot);
  world.clock.advance(HOUR - 1);
  await caller(token);
  world.clock.advance(1);
  assert.equal(await refusal(token), "the token expired at 2026-01-31T13:00:00Z; ask for a new one");
});

test("a token for another audience is refused here, and good there", async () => {
  const token = await issued(bot, { audiences: ["https://registry"] });
  assert.equal(await refusal(token), "the token is for https://registry, not for https://slipway; ask for one with that audience");
  const there = await world.authenticator.check(token, ["https://other", "https://registry"]);
  assert.deepEqual("refused" in there ? [] : there.audiences, ["https://registry"]);
  assert.equal(
    await refusal(await issued(bot, { audiences: ["https://registry", "https://slipway"] })),
    "accepted as system:serviceaccount:shop:bot",
  );
});

test("what is no token is refused without repeating it", async () => {
  const token = await issued(jane);
  const { id = "", secret = "" } = parseToken(token) ?? {};
  const odd = [
    undefined,
    "",
    "x",
    "slp_",
    "slp__",
    `slp_${id}_`,
    `${token}x`,
    ` ${token}`,
    `slp_${id}_${secret.slice(1)}`,
    `slp_../x_${secret}`,
    `slp_A_${secret}`,
    "slp_" + "a".repeat(100_000),
    `Bearer ${token}`,
    token.toUpperCase(),
  ];
  for (const each of odd) {
    const sentence = await refusal(each);
    assert.match(sentence, /^(the token is malformed|no token was sent)/);
    assert.ok(!sentence.includes(secret));
  }
});

test("a wrong secret and an unknown id look the same", async () => {
  const { id = "" } = parseToken(await issued(jane)) ?? {};
  const wrong = await refusal(tokenText({ id, secret: newSecret() }));
  assert.match(wrong, /^the token is not known/);
  assert.equal(await refusal(tokenText({ id: "other", secret: newSecret() })), wrong);
});

test("a deleted token ends, with the next request where the deletion went through this server", async () => {
  const token = await issued(jane);
  await caller(token);
  const [stored] = await tokens();
  assert.ok(stored !== undefined);
  await world.index.resources.commit({ writes: [{ verb: "delete", key: stored.key, resourceVersion: stored.resourceVersion }] });
  assert.match(await refusal(token), /^the token is not known/);
});

test("a token made on another control plane works at once", async () => {
  const token = await issued(jane);
  // an index that never hears of anything after its first list
  const deaf: Resources = {
    ...world.store,
    list: async (query) => ({ ...(await world.store.list(query)), items: [] }),
    watch: (_query, _from, signal) => silence(signal),
  };
  const ended = new AbortController();
  const authenticator = tokenAuthenticator(accessIndex(deaf, world.clock, ended.signal), world.store, world.clock);
  const answer = await authenticator.authenticate(token);
  ended.abort();
  assert.equal("refused" in answer ? answer.refused : answer.name, "jane");
});

test("guessing tokens costs the store a bounded number of reads", async () => {
  let reads = 0;
  const counted: Resources = {
    ...world.store,
    get: (key) => {
      reads += 1;
      return world.store.get(key);
    },
  };
  const authenticator = tokenAuthenticator(world.index, counted, world.clock);
  const known = await issued(jane);
  const answers = await Promise.allSettled(
    Array.from({ length: 500 }, (_, at) => authenticator.authenticate(tokenText({ id: `guess-${at}`, secret: newSecret() }))),
  );
  assert.equal(reads, 50);
  assert.ok(
    answers.some((answer) => answer.status === "rejected" && answer.reason instanceof PortError && answer.reason.outcome === "notDone"),
  );
  // who is known is not kept out meanwhile
  assert.ok(!("refused" in (await authenticator.authenticate(known))));
  world.clock.advance(1000);
  assert.ok("refused" in (await authenticator.authenticate(tokenText({ id: "guess", secret: newSecret() }))));
});

test("a disabled user is kept out, and let in again", async () => {
  const token = await issued(jane);
  await world.user("jane", { groups: ["devs"], disabled: true });
  assert.equal(await refusal(token), 'the user "jane" is disabled');
  await world.user("jane", { groups: ["devs"], disabled: false });
  await caller(token);
});

test("the token of a deleted owner is no good for a later one of the same name", async () => {
  const [ofJane, ofBot] = [await issued(jane), await issued(bot)];
  await world.remove("User", "", "jane");
  await world.remove("ServiceAccount", "shop", "bot");
  await world.write(serviceAccount("shop", "other"));
  await world.user("jane");
  await world.write(serviceAccount("shop", "bot"));
  assert.match(await refusal(ofJane), /^the user "jane" is not the one this token was made for/);
  assert.match(await refusal(ofBot), /^the service account "bot" in the namespace "shop" is not the one/);
});

test("the token of an owner who is gone says so", async () => {
  const token = await issued(bot);
  await world.remove("ServiceAccount", "shop", "bot");
  // the index hears of the deletion through its watch, in a later turn of the loop
  await until(async () => (await refusal(token)).endsWith("does not exist any more"));
});

test("groups of the server's own in a user's object are passed over", async () => {
  const token = await issued(jane);
  const stored = await world.store.get({ group: "slipway.dev", resource: "users", namespace: "", name: "jane" });
  assert.ok(stored !== undefined);
  const object = { ...stored.object, spec: { groups: ["system:masters", "devs"] } };
  await world.index.resources.commit({ writes: [{ verb: "update", key: stored.key, resourceVersion: stored.resourceVersion, object }] });
  assert.deepEqual((await caller(token)).groups, ["devs", "system:authenticated"]);
});

test("a stored token that is damaged lets nobody in, and damaged scopes allow nothing", async () => {
  const token = await issued(jane);
  const [stored] = await tokens();
  assert.ok(stored !== undefined && isJsonObject(stored.object.spec));
  const spec = stored.object.spec;
  const damaged: readonly ApiObject["spec"][] = [
    undefined,
    null,
    {},
    [],
    { ...spec, hash: 7 },
    { ...spec, hash: "" },
    { ...spec, expiresAt: "soon" },
    { ...spec, expiresAt: null },
    { ...spec, subject: "jane" },
    { ...spec, subject: { kind: "User", name: "jane" } },
    { ...spec, subject: { kind: "Person", name: "jane", uid: "x" } },
  ];
  for (const each of damaged) {
    const { spec: _spec, ...rest } = stored.object;
    const read = readAccessToken(each === undefined ? rest : { ...rest, spec: each });
    assert.equal(read !== undefined && isSecretOf(read.hash, parseToken(token)?.secret ?? ""), false, JSON.stringify(each));
  }
  for (const scopes of [
    null,
    "x",
    {},
    [null],
    [{}],
    [{ verbs: "get", apiGroups: [], resources: [] }],
    [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: "shop" }],
  ])
    assert.deepEqual(readAccessToken({ ...stored.object, spec: { ...spec, scopes } })?.scopes, []);
  await caller(token);
});

test("a token can be asked for without being made", async () => {
  const answer = await world.issue(serverCaller, jane, { apiVersion: "v1", kind: "TokenRequest", spec: {} }, { dryRun: true });
  assert.equal(isJsonObject(answer.status) ? answer.status["token"] : undefined, "");
  assert.equal((await tokens()).length, 0);
});

const wrongOrders: readonly (readonly [spec: ApiObject["spec"], field: string])[] = [
  [{ expirationSeconds: 599 }, "spec.expirationSeconds"],
  [{ expirationSeconds: "3600" }, "spec.expirationSeconds"],
  [{ expirationSeconds: 1e309 }, "spec.expirationSeconds"],
  [{ audiences: "https://slipway" }, "spec.audiences"],
  [{ audiences: [""] }, "spec.audiences"],
  [{ scopes: [{ verbs: "*" }] }, "spec.scopes"],
  [{ boundObjectRef: { kind: "Pod", name: "x" } }, "spec.boundObjectRef"],
];
for (const [spec, field] of wrongOrders)
  test(`an order for a token with a wrong ${field} (${JSON.stringify(spec)}) is refused, never widened`, async () => {
    await assert.rejects(
      issued(bot, spec),
      (error: { readonly code?: number; readonly causes?: readonly { readonly field: string }[] }) =>
        error.code === 422 && error.causes?.[0]?.field === field,
    );
  });

test("no token for who does not exist or is disabled", async () => {
  await assert.rejects(world.issue(serverCaller, { kind: "User", name: "nobody" }, {}), { code: 404 });
  await world.user("off", { disabled: true });
  await assert.rejects(world.issue(serverCaller, { kind: "User", name: "off" }, {}), { code: 403 });
});

test("the audit of a new token names who asked", async () => {
  await world.write(binding("", "janes", "clusterrole/cluster-admin", "User:jane"));
  const asking = await caller(await issued(jane));
  await world.issue(asking, bot, {});
  const [record] = await world.records.query({ type: "audit", about: { resource: "accesstokens" }, limit: 1 });
  assert.match(record?.message ?? "", /system:slipway:tokens created accesstoken .*asked for by jane/);
  assert.deepEqual([record?.details["impersonatedBy"], JSON.stringify(record).includes("slp_")], ["jane", false]);
});

test("every secret has 256 bits of its own and comes back from its token", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (first, second) => {
      const [a, b] = [newSecret(() => first), newSecret(() => second)];
      assert.equal(a === b, Buffer.from(first).equals(Buffer.from(second)));
      assert.deepEqual(parseToken(tokenText({ id: "abc-1.x", secret: a })), { id: "abc-1.x", secret: a });
      assert.ok(isSecretOf(secretHash(a), a));
      assert.equal(isSecretOf(secretHash(a), b), a === b);
    }),
  );
});

async function* silence(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail("it did not come true");
}
