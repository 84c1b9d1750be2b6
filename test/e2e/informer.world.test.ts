import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { at, listAt, textAt } from "../../src/api/columns.ts";
import type { JsonValue } from "../../src/domain/object/json.ts";
import { goInformer, goInformerMissing } from "../fixtures/informers/go-informer.ts";
import { nodeInformer } from "../fixtures/informers/node-informer.ts";
import { runningServer } from "../fixtures/running-server.ts";

const isFull = process.env["SLIPWAY_TEST_FULL"] === "1";
/** Objects that are created in all; every second is changed, every third deleted. */
const OBJECTS = isFull ? 10_000 : 2_000;
const WRITERS = 8;
// client-go waits up to a minute between two tries when it has failed often.
const CATCH_UP_MS = 180_000;

const resource = { group: "slipway.dev", version: "v1alpha1", namespace: "many", plural: "releasebindings" };
const path = `/apis/slipway.dev/v1alpha1/namespaces/${resource.namespace}/releasebindings`;
/** What the Go program watches, and where the same is listed. */
const watchedByGo = {
  releasebindings: path,
  namespaces: "/api/v1/namespaces",
  roles: "/apis/rbac.authorization.k8s.io/v1/roles",
  rolebindings: "/apis/rbac.authorization.k8s.io/v1/rolebindings",
};
const goMissing = goInformerMissing();

const server = await runningServer();
const over = new AbortController();
after(async () => {
  over.abort();
  await server.close();
});
await server.ask("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: resource.namespace } } });

const restart = async (): Promise<void> => {
  await server.stop();
  await server.start();
};
const killAndRestart = async (): Promise<void> => {
  await server.kill();
  await server.start();
};
const disturbances = [
  { name: "nothing, while they watch", disturb: async () => undefined },
  { name: "compaction of the change log under them", disturb: () => server.compact() },
  { name: "a restart", disturb: restart },
  {
    name: "a kill, and compaction before they are back",
    disturb: async () => {
      await server.kill();
      await server.compact();
      await server.start();
    },
  },
  // Each further one costs client-go's growing pause.
  ...(isFull
    ? [
        {
          name: "compaction, a kill, and compaction again",
          disturb: async () => {
            await server.compact();
            await killAndRestart();
            await server.compact();
          },
        },
        { name: "another restart", disturb: restart },
        { name: "another kill", disturb: killAndRestart },
      ]
    : []),
];

/** A share of the objects is there before anybody watches, and each disturbance comes in the middle of another. */
const share = Math.floor(OBJECTS / (disturbances.length + 1));
await writeShare(0, async () => undefined);
const node = await nodeInformer(server.kubeconfig, resource);
const go = goMissing === false ? await goInformer(server.kubeconfig, resource.namespace) : undefined;
after(async () => {
  await node.stop();
  await go?.stop();
});

describe(`while ${OBJECTS} objects are written`, () => {
  for (const [round, { name, disturb }] of disturbances.entries())
    test(`the informers hold what a list holds after ${name}`, async () => {
      await Promise.all([writeShare(round + 1, disturb), go?.write(`protobuf-${round}`, Math.floor(share / 20))]);
      const items = await listed(path);
      assert.equal(items.size, numbers(0, share * (round + 2)).filter((number) => number % 3 !== 0).length);
      await eventually(() => assert.deepEqual(node.cache(), items));
      if (go === undefined) return;
      for (const [plural, of] of Object.entries(watchedByGo)) {
        const wanted = await listed(of);
        await eventually(async () => assert.deepEqual(new Map(Object.entries(Object(at(await go.digest(), plural, "cache")))), wanted));
      }
    });

  test("the informer of @kubernetes/client-node was told nothing twice or backwards", () => {
    assert.deepEqual(node.problems, []);
    assert.ok(node.counts.deleted > 0 && node.counts.updated > 0 && node.counts.errors > 0, JSON.stringify(node.counts));
  });

  for (const plural of Object.keys(watchedByGo))
    test(`the informer of client-go on ${plural} was sent nothing twice, late or backwards`, { skip: goMissing }, async () => {
      const seen = at((await go?.digest()) ?? null, plural);
      assert.deepEqual(listAt(seen, "handled", "problems"), []);
      assert.deepEqual(listAt(seen, "wire", "problems"), []);
    });

  test(
    "client-go streams its lists, lists again after compaction, and goes on from where it was after a mere restart",
    { skip: goMissing },
    async () => {
      const seen = (await go?.digest()) ?? null;
      const counted = (name: string): number =>
        Object.keys(watchedByGo).reduce((sum, plural) => sum + Number(at(seen, plural, "wire", name)), 0);
      assert.ok(counted("lists") < counted("streamed"), "it gave up streaming"); // it may list once when a stream breaks off
      assert.ok(
        counted("streamed") > Object.keys(watchedByGo).length && counted("gone") > 0 && counted("watches") > 0,
        JSON.stringify(seen).slice(0, 2000),
      );
    },
  );
});

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Writes one share of the objects; `disturb` begins when half of it is written. */
async function writeShare(which: number, disturb: () => Promise<void>): Promise<void> {
  const waiting = [...numbers(which * share, (which + 1) * share)];
  const half = Promise.withResolvers<undefined>();
  const writer = async (): Promise<void> => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      await written(number);
      if (waiting.length <= share / 2) half.resolve(undefined);
    }
  };
  await Promise.all([...Array.from({ length: WRITERS }, writer), half.promise.then(disturb)]);
}

async function written(number: number): Promise<void> {
  const name = `shop.e${number}`;
  const spec = { application: "shop", environment: `e${number}`, release: "shop-000000000000", configuration: { commit: "0".repeat(40) } };
  await done("POST", path, [201, 409], { apiVersion: "slipway.dev/v1alpha1", kind: "ReleaseBinding", metadata: { name }, spec });
  if (number % 2 === 0) await done("PATCH", `${path}/${name}`, [200], { spec: { release: "shop-000000000001" } });
  if (number % 3 === 0) await done("DELETE", `${path}/${name}`, [200, 404]);
}

/** Until it is done: the server is away now and then, and an answer may be lost with it. */
async function done(method: string, to: string, codes: readonly number[], body?: unknown): Promise<void> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const deadline = performance.now() + CATCH_UP_MS;
  for (;;) {
    const { code, text } = await server
      .ask(method, to, { type, ...(body === undefined ? {} : { body }) })
      .catch((error: unknown) => ({ code: 0, text: String(error) }));
    if (codes.includes(code)) return;
    over.signal.throwIfAborted();
    if ((code >= 400 && code < 500) || performance.now() > deadline) throw new Error(`${method} ${to}: ${code} ${text}`);
    await pause(50);
  }
}

/** "namespace/name" to "uid resourceVersion". */
async function listed(of: string): Promise<ReadonlyMap<string, string>> {
  const { code, body, text } = await server.ask("GET", of);
  assert.equal(code, 200, text.slice(0, 500));
  return new Map(
    listAt(body, "items").map((item: JsonValue) => {
      const meta = (name: string): string => textAt(item, "metadata", name);
      return [`${meta("namespace")}/${meta("name")}`, `${meta("uid")} ${meta("resourceVersion")}`] as const;
    }),
  );
}

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
