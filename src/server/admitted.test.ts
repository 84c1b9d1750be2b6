import assert from "node:assert/strict";
import { test } from "node:test";
import { startApiWithoutServer } from "../../test/fixtures/api-server.ts";
import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import { resourceVersion } from "../domain/object/api-object.ts";
import { ResourceError, type Resources } from "../ports/resources.ts";
import { controllerCaller } from "./access/identities.ts";
import { InvalidObject } from "./admission/refusals.ts";
import type { AdmissionRule } from "./admission/admission-parts.ts";

const nobody = { name: "nobody", uid: "", groups: ["system:authenticated"], extra: {} };
const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
const sync = controllerCaller("git-repository");
const key: ObjectKey = { group: "slipway.dev", resource: "gitrepositories", namespace: "shop", name: "app" };
const repository: ApiObject = {
  apiVersion: "slipway.dev/v1alpha1",
  kind: "GitRepository",
  metadata: { name: "app" },
  spec: { url: "https://a.example/b.git" },
};
const condition = { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z", reason: "Seen", message: "seen" };

async function world(rules: readonly AdmissionRule[] = []) {
  const { store, verbs, end } = await startApiWithoutServer({ rules });
  const [stored] = await verbs.admission
    .as(admin)
    .commit({ writes: [{ verb: "create", key, object: repository, intent: { verb: "create", manager: "test" } }] });
  if (stored === undefined) throw new Error("nothing was created");
  return { store, as: verbs.admission.as, stored, end };
}

const refusedFor = (reason: string) => (error: unknown) => error instanceof ResourceError && error.reason === reason;

test("nothing is read, listed, watched or written without the right to that very verb", async () => {
  const { as, stored, end } = await world();
  const resources = as(nobody);
  const { resourceVersion: version } = stored;
  const attempts: readonly (() => Promise<unknown>)[] = [
    () => resources.get(key),
    () => resources.list({ group: key.group, resource: key.resource }),
    () => resources.snapshot((reader) => reader.get(key)),
    () => resources.snapshot((reader) => reader.list({ group: key.group, resource: key.resource })),
    () => resources.watch({ group: key.group, resource: key.resource }, version, AbortSignal.timeout(1000))[Symbol.asyncIterator]().next(),
    () =>
      resources.commit({ writes: [{ verb: "create", key: { ...key, name: "b" }, object: { ...repository, metadata: { name: "b" } } }] }),
    () => resources.commit({ writes: [{ verb: "update", key, object: stored.object, resourceVersion: version }] }),
    () => resources.commit({ writes: [{ verb: "delete", key, resourceVersion: version }] }),
    () => resources.commit({ writes: [{ verb: "merge", key, merge: () => stored.object }] }),
  ];
  for (const attempt of attempts) await assert.rejects(attempt(), refusedFor("forbidden"), String(attempt));
  end();
});

test("a controller's status write leaves spec and metadata alone, and is audited in short", async () => {
  const { as, stored, store, end } = await world();
  const object = {
    ...stored.object,
    spec: { url: "https://evil.example" },
    metadata: { ...stored.object.metadata, labels: { x: "y" } },
    status: { conditions: [condition] },
  };
  const [after] = await as(sync).commit({
    writes: [
      {
        verb: "update",
        key,
        object,
        resourceVersion: stored.resourceVersion,
        intent: { verb: "update", subresource: "status", manager: "slipway-sync" },
      },
    ],
  });
  assert.deepEqual(after?.object.spec, stored.object.spec);
  assert.equal(after?.object.metadata.labels, undefined);
  assert.deepEqual(after?.object.status, { conditions: [condition] });
  assert.equal(after.object.metadata.generation, 1);
  const [record] = await store.records.query({ type: "audit", about: key, limit: 1 });
  assert.deepEqual(
    [record?.actor, record?.retention, record?.details["changes"]],
    ["system:slipway:git-repository", "short", [{ path: "status" }]],
  );
  end();
});

test("finalizers are written through their own door", async () => {
  const { as, stored, end } = await world();
  const object = {
    ...stored.object,
    spec: { url: "https://evil.example" },
    metadata: { ...stored.object.metadata, finalizers: ["slipway.dev/sync"] },
  };
  const [after] = await as(sync).commit({
    writes: [
      {
        verb: "update",
        key,
        object,
        resourceVersion: stored.resourceVersion,
        intent: { verb: "update", subresource: "finalizers", manager: "slipway-sync" },
      },
    ],
  });
  assert.deepEqual([after?.object.metadata.finalizers, after?.object.spec], [["slipway.dev/sync"], stored.object.spec]);
  end();
});

test("of a transaction whose writes change nothing, the rest is still committed, and every write is answered", async () => {
  const { as, stored, store, end } = await world();
  const other = { ...key, name: "b" };
  const answers = await as(admin).commit({
    writes: [
      { verb: "update", key, object: stored.object, resourceVersion: stored.resourceVersion },
      { verb: "create", key: other, object: { ...repository, metadata: { name: "b" } } },
    ],
    records: [{ type: "timeline", about: key, actor: "admin", reason: "Looked", message: "looked", details: {}, retention: "short" }],
  });
  assert.deepEqual(
    answers.map(({ key: { name } }) => name),
    ["app", "b"],
  );
  assert.equal(answers[0]?.resourceVersion, stored.resourceVersion);
  assert.equal((await store.records.query({ type: "timeline", limit: 5 })).length, 1);
  end();
});

test("an old version is a conflict, also where the write would change nothing", async () => {
  const { as, stored, end } = await world();
  const write = { verb: "update", key, object: stored.object, resourceVersion: resourceVersion(stored.resourceVersion - 1) } as const;
  await assert.rejects(as(admin).commit({ writes: [write] }), refusedFor("conflict"));
  end();
});

test("of several writes one that is refused keeps all of them out", async () => {
  const { as, end } = await world();
  const good = { verb: "create", key: { ...key, name: "good" }, object: { ...repository, metadata: { name: "good" } } } as const;
  const bad = { verb: "create", key: { ...key, name: "bad" }, object: { ...repository, metadata: { name: "bad" }, spec: {} } } as const;
  await assert.rejects(
    as(admin).commit({ writes: [good, bad] }),
    (error) => error instanceof InvalidObject && error.problems.some(({ path }) => path === "spec.url"),
  );
  assert.equal(await as(admin).get(good.key), undefined);
  end();
});

test("an event is merged on what is there, with what the server sets, and is not audited", async () => {
  const { as, store, end } = await world();
  const eventKey: ObjectKey = { group: "", resource: "events", namespace: "shop", name: "app.1" };
  const merge = (current: ApiObject | undefined): ApiObject => ({
    apiVersion: "v1",
    kind: "Event",
    metadata: current?.metadata ?? { name: "app.1", namespace: "shop" },
    involvedObject: { kind: "GitRepository", name: "app", namespace: "shop" },
    count: Number(current?.["count"] ?? 0) + 1,
  });
  const resources = as(sync);
  await resources.commit({ writes: [{ verb: "merge", key: eventKey, merge, intent: { verb: "create", manager: "slipway-sync" } }] });
  const [again] = await resources.commit({
    writes: [{ verb: "merge", key: eventKey, merge, intent: { verb: "create", manager: "slipway-sync" } }],
  });
  assert.equal(again?.object["count"], 2);
  assert.match(again.object.metadata.uid ?? "", /^[0-9a-f-]{36}$/);
  assert.deepEqual(await store.records.query({ type: "audit", about: eventKey, limit: 5 }), []);
  end();
});

test("a rule can hold a write back, with a sentence or with what is wrong", async () => {
  const held: AdmissionRule = ({ key: { name }, verb }) =>
    Promise.resolve(name === "held" && verb === "create" ? "it is held by admin since noon" : undefined);
  const wrong: AdmissionRule = ({ key: { name } }) =>
    Promise.resolve(name === "wrong" ? [{ path: "spec.url", code: "forbidden", message: "not this one" } as const] : []);
  const { as, end } = await world([held, wrong]);
  const create = (resources: Resources, name: string) =>
    resources.commit({ writes: [{ verb: "create", key: { ...key, name }, object: { ...repository, metadata: { name } } }] });
  await assert.rejects(
    create(as(admin), "held"),
    (error) => error instanceof ResourceError && error.reason === "forbidden" && /it is held by admin since noon/.test(error.message),
  );
  await assert.rejects(create(as(admin), "wrong"), InvalidObject);
  assert.equal((await create(as(admin), "free")).length, 1);
  end();
});

test("a kind that is not served cannot be written", async () => {
  const { as, end } = await world();
  const write = { verb: "create", key: { ...key, resource: "gadgets" }, object: { ...repository, kind: "Gadget" } } as const;
  await assert.rejects(as(admin).commit({ writes: [write] }), refusedFor("notFound"));
  end();
});

test("undefined members of what a controller built are no fields: they change nothing", async () => {
  const { as, stored, end } = await world();
  const { metadata } = stored.object;
  // the compiler forbids it, spreading optional values does it all the same
  const object = { ...stored.object, status: undefined, metadata: { ...metadata, labels: undefined } } as unknown as ApiObject;
  const write = { verb: "update", key, object, resourceVersion: stored.resourceVersion } as const;
  const [after] = await as(admin).commit({ writes: [write] });
  assert.equal(after?.resourceVersion, stored.resourceVersion);
  end();
});
