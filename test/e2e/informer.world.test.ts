import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { at, listAt, textAt } from "../../src/api/columns.ts";
import type { JsonValue } from "../../src/domain/object/json.ts";
import { goInformer, goInformerMissing } from "../fixtures/informers/go-informer.ts";
import { nodeInformer } from "../fixtures/informers/node-informer.ts";
import { runningServer } from "../fixtures/running-server.ts";

/** Objects that are created; every second is changed, every third deleted. */
const OBJECTS = process.env["SLIPWAY_TEST_FULL"] === "1" ? 10_000 : 2_000;
const WRITERS = 8;
// client-go waits up to a minute between two tries when it has failed often.
const CATCH_UP_MS = 180_000;

const resource = { group: "slipway.dev", version: "v1alpha1", namespace: "many", plural: "releasebindings" };
const path = `/apis/slipway.dev/v1alpha1/namespaces/${resource.namespace}/releasebindings`;
const goMissing = goInformerMissing();

const server = await runningServer();
after(() => server.close());
await server.ask("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: resource.namespace } } });

/** Progress of the writers, so that what disturbs them happens while they write, however fast they are. */
const progress = progressOf(OBJECTS);
for (let number = 0; number < OBJECTS / 10; number++) await written(number); // there before anybody watches

const node = await nodeInformer(server.kubeconfig, resource);
const go = goMissing === false ? await goInformer(server.kubeconfig, resource.namespace) : undefined;
after(async () => {
  await node.stop();
  await go?.stop();
});

describe("while thousands of objects are written, the server is stopped and killed, and the change log is compacted", () => {
  test("everything is written", async () => {
    const next = numbersFrom(OBJECTS / 10);
    const writers = Array.from({ length: WRITERS }, async () => {
      for (let number = next(); number < OBJECTS; number = next()) await written(number);
    });
    await Promise.all([...writers, go?.write("protobuf", OBJECTS / 20), disturbed()]);
    const { items } = await listed(path);
    assert.equal(items.size, Array.from({ length: OBJECTS }, (_, number) => number).filter((number) => number % 3 !== 0).length);
  });

  test("the informer of @kubernetes/client-node holds what a list holds, and was told nothing twice or backwards", async () => {
    const { items } = await listed(path);
    await eventually(() => assert.deepEqual(node.cache(), items));
    assert.deepEqual(node.problems, []);
    assert.ok(node.counts.deleted > 0 && node.counts.updated > 0 && node.counts.errors > 0, JSON.stringify(node.counts));
  });

  for (const { plural, of } of [
    { plural: "releasebindings", of: path },
    { plural: "namespaces", of: "/api/v1/namespaces" },
    { plural: "roles", of: "/apis/rbac.authorization.k8s.io/v1/roles" },
    { plural: "rolebindings", of: "/apis/rbac.authorization.k8s.io/v1/rolebindings" },
  ])
    test(
      `the informer of client-go on ${plural} holds what a list holds, and was sent nothing twice, late or backwards`,
      { skip: goMissing },
      async () => {
        const { items } = await listed(of);
        await eventually(async () => assert.deepEqual(new Map(Object.entries(Object(at(await digest(), plural, "cache")))), items));
        const seen = at(await digest(), plural);
        assert.deepEqual(listAt(seen, "handled", "problems"), []);
        assert.deepEqual(listAt(seen, "wire", "problems"), []);
        // Lists are streamed (sendInitialEvents), and compaction made it list again.
        const [streamed, gone] = [Number(at(seen, "wire", "streamed")), Number(at(seen, "wire", "gone"))];
        assert.ok(streamed > 1 && gone > 0, JSON.stringify(at(seen, "wire")));
      },
    );
});

async function disturbed(): Promise<void> {
  await progress.reached(0.2);
  await server.compact();
  await progress.reached(0.3);
  await server.stop();
  await server.start();
  await progress.reached(0.5);
  // What the watchers saw last is forgotten before they can ask for what came after it.
  await server.kill();
  await server.compact();
  await server.start();
  await progress.reached(0.7);
  await server.compact();
  await server.kill();
  await server.start();
  await progress.reached(0.9);
  await server.stop();
  await server.start();
  await server.compact();
}

async function written(number: number): Promise<void> {
  const name = `shop.e${number}`;
  const spec = { application: "shop", environment: `e${number}`, release: "shop-000000000000", configuration: { commit: "0".repeat(40) } };
  await done("POST", path, [201, 409], { apiVersion: "slipway.dev/v1alpha1", kind: "ReleaseBinding", metadata: { name }, spec });
  if (number % 2 === 0) await done("PATCH", `${path}/${name}`, [200], { spec: { release: "shop-000000000001" } });
  if (number % 3 === 0) await done("DELETE", `${path}/${name}`, [200, 404]);
  progress.one();
}

/** Until it is done: the server is away now and then, and an answer may be lost with it. */
async function done(method: string, to: string, codes: readonly number[], body?: unknown): Promise<void> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const deadline = performance.now() + CATCH_UP_MS;
  for (;;) {
    const answer = await server.ask(method, to, { type, ...(body === undefined ? {} : { body }) }).catch((error: unknown) => error);
    const code = answer instanceof Error ? 0 : Number(at(JSON.parse(JSON.stringify(answer)), "code"));
    if (codes.includes(code)) return;
    if ((code >= 400 && code < 500) || performance.now() > deadline)
      throw new Error(`${method} ${to}: ${JSON.stringify(answer)}`, { cause: answer });
    await pause(50);
  }
}

async function listed(of: string): Promise<{ readonly items: ReadonlyMap<string, string> }> {
  const { code, body, text } = await server.ask("GET", of);
  assert.equal(code, 200, text.slice(0, 500));
  const entries = listAt(body, "items").map((item: JsonValue) => {
    const meta = (name: string): string => textAt(item, "metadata", name);
    return [`${meta("namespace")}/${meta("name")}`, `${meta("uid")} ${meta("resourceVersion")}`] as const;
  });
  return { items: new Map(entries) };
}

const digest = async (): Promise<JsonValue> => (go === undefined ? null : go.digest());

/** An informer may take its time: it waits longer after each failure. */
async function eventually(claim: () => void | Promise<void>): Promise<void> {
  const deadline = performance.now() + CATCH_UP_MS;
  for (;;) {
    try {
      await claim();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(200);
    }
  }
}

function numbersFrom(first: number): () => number {
  let next = first;
  return () => next++;
}

function progressOf(total: number): { one(): void; reached(share: number): Promise<void> } {
  let count = 0;
  const waiting: { readonly from: number; readonly go: () => void }[] = [];
  return {
    one() {
      count++;
      for (const { from, go: tell } of waiting) if (count >= from) tell();
    },
    reached: (share) =>
      new Promise((tell) => {
        if (count >= share * total) tell();
        else waiting.push({ from: share * total, go: tell });
      }),
  };
}
