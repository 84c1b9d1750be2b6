import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { milliseconds } from "../../domain/units.ts";
import { startApiServer, type Asked, type TestServer } from "../../../test/fixtures/api-server.ts";

let server: TestServer;
before(async () => {
  server = await startApiServer();
});
after(() => server.close());

const IN_SHOP = "/apis/slipway.dev/v1alpha1/namespaces/shop/gitrepositories";
const MERGE = "application/merge-patch+json";
const AS_TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const AS_METADATA = { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json" };
const AS_METADATA_LIST = { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json" };

let spaces = 0;
/** Each test has a namespace for itself. */
async function space(): Promise<string> {
  const name = `space-${++spaces}`;
  await server.ask("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name } } });
  return `/apis/slipway.dev/v1alpha1/namespaces/${name}/gitrepositories`;
}

async function create(path: string, name: string, labels: object = {}): Promise<Asked> {
  const answer = await server.ask("POST", path, {
    body: {
      apiVersion: "slipway.dev/v1alpha1",
      kind: "GitRepository",
      metadata: { name, labels },
      spec: { url: "https://a.example/b.git" },
    },
  });
  assert.equal(answer.code, 201, answer.text);
  return answer;
}

const names = (list: Asked): readonly string[] => list.body.items.map((item: { metadata: { name: string } }) => item.metadata.name);

interface WatchLine {
  readonly type: string;
  readonly object: ReturnType<typeof JSON.parse>;
}

interface OpenWatch {
  readonly response: IncomingMessage;
  next(): Promise<WatchLine | undefined>;
  close(): void;
}

/** A watch on a socket of its own; `next` gives the lines one by one, undefined at the clean end. */
async function watch(path: string, query: string, headers: Record<string, string> = {}): Promise<OpenWatch> {
  const asked = request(`${server.url}${path}?watch=true${query}`, {
    headers: { authorization: "Bearer admin-token", ...headers },
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const lines = linesOf(response);
  return {
    response,
    next: async () => {
      const line = await lines.next();
      return line.done === true ? undefined : (JSON.parse(line.value) as WatchLine);
    },
    close: () => {
      asked.destroy();
    },
  };
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  assert.equal(rest, "", "a watch ends after a whole line");
}

test("a list is in order, and its version is where a watch can begin", async () => {
  const path = await space();
  for (const name of ["b", "a", "c"]) await create(path, name);
  const list = await server.ask("GET", path);
  assert.equal(list.body.kind, "GitRepositoryList");
  assert.equal(list.body.apiVersion, "slipway.dev/v1alpha1");
  assert.deepEqual(names(list), ["a", "b", "c"]);
  const watched = await watch(path, `&resourceVersion=${list.body.metadata.resourceVersion}`);
  await create(path, "d");
  const event = await watched.next();
  assert.deepEqual([event?.type, event?.object.metadata.name], ["ADDED", "d"]);
  watched.close();
});

test("pages of one list show one moment", async () => {
  const path = await space();
  for (const name of ["a", "b", "c", "d", "e"]) await create(path, name);
  const first = await server.ask("GET", `${path}?limit=2`);
  assert.deepEqual(names(first), ["a", "b"]);
  await create(path, "bb");
  await server.ask("DELETE", `${path}/d`);
  const second = await server.ask("GET", `${path}?limit=2&continue=${first.body.metadata.continue}`);
  const third = await server.ask("GET", `${path}?limit=2&continue=${second.body.metadata.continue}`);
  assert.deepEqual([...names(second), ...names(third)], ["c", "d", "e"]);
  assert.equal(third.body.metadata.continue, undefined);
  assert.equal(third.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
});

test("lists can be narrowed by labels and fields, and asked for at a version", async () => {
  const path = await space();
  const { body } = await create(path, "a", { tier: "front" });
  await create(path, "b", { tier: "back" });
  assert.deepEqual(names(await server.ask("GET", `${path}?labelSelector=tier%20in%20(front)`)), ["a"]);
  assert.deepEqual(names(await server.ask("GET", `${path}?fieldSelector=metadata.name%3Db`)), ["b"]);
  const version = body.metadata.resourceVersion;
  assert.deepEqual(names(await server.ask("GET", `${path}?resourceVersion=${version}&resourceVersionMatch=Exact`)), ["a"]);
  assert.deepEqual(names(await server.ask("GET", `${path}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`)), ["a", "b"]);
  assert.deepEqual(names(await server.ask("GET", `${path}?resourceVersion=0`)), ["a", "b"]);
});

const badQueries: readonly { readonly query: string; readonly code: number; readonly says: RegExp }[] = [
  { query: "limit=-1", code: 400, says: /limit: Invalid value: "-1"/ },
  { query: "limit=1e9", code: 400, says: /limit/ },
  { query: "limit=x&limit=1", code: 400, says: /limit/ },
  { query: "resourceVersion=abc", code: 400, says: /resourceVersion: Invalid value: "abc"/ },
  { query: "resourceVersion=99999999999999999999", code: 400, says: /resourceVersion/ },
  { query: "resourceVersion=-1", code: 400, says: /resourceVersion/ },
  { query: "resourceVersion=999999999&resourceVersionMatch=NotOlderThan", code: 504, says: /Too large resource version: 999999999/ },
  { query: "resourceVersion=999999999&resourceVersionMatch=Exact", code: 410, says: /it is newer than the newest here/ },
  { query: "resourceVersionMatch=Exact", code: 422, says: /forbidden unless resourceVersion is provided/ },
  { query: "resourceVersion=1&resourceVersionMatch=Hope", code: 422, says: /Unsupported value: "Hope"/ },
  { query: "resourceVersion=0&resourceVersionMatch=Exact", code: 422, says: /is forbidden for resourceVersion "0"/ },
  { query: "labelSelector=a%3D%3D%3Db", code: 400, says: /labelSelector/ },
  { query: "fieldSelector=abc", code: 400, says: /fieldSelector/ },
  { query: "fieldSelector=spec.url%3Da", code: 400, says: /field label not supported: spec\.url/ },
  { query: "continue=nonsense", code: 400, says: /continue key is not valid/ },
  { query: `continue=${Buffer.from('["slipway/1","1e3","a","b"]').toString("base64url")}`, code: 400, says: /continue key is not valid/ },
  { query: `continue=${Buffer.from('{"__proto__":1}').toString("base64url")}`, code: 400, says: /continue key is not valid/ },
  { query: `continue=${"A".repeat(5000)}`, code: 400, says: /continue key is not valid/ },
  {
    query: "sendInitialEvents=true&watch=true",
    code: 422,
    says: /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/,
  },
  { query: "watch=true&resourceVersion=abc", code: 400, says: /resourceVersion/ },
  { query: "watch=true&timeoutSeconds=-5", code: 400, says: /timeoutSeconds/ },
  { query: "includeObject=Everything", code: 400, says: /includeObject/ },
];

for (const { query, code, says } of badQueries)
  test(`a query that cannot be is refused by name: ${query.slice(0, 80)}`, async () => {
    const answer = await server.ask("GET", `${IN_SHOP}?${query}`);
    assert.equal(answer.code, code, answer.text);
    assert.match(answer.body.message, says);
  });

test("a version that is forgotten is 410, in a list, on a page, and as an event of a watch", async () => {
  const path = await space();
  for (const name of ["a", "b", "c"]) await create(path, name);
  const page = await server.ask("GET", `${path}?limit=1`);
  const old = Number(page.body.metadata.resourceVersion);
  await create(path, "d");
  await server.upkeep.compactChanges(milliseconds(0), 0);
  const next = await server.ask("GET", `${path}?limit=1&continue=${page.body.metadata.continue}`);
  assert.deepEqual([next.code, next.body.reason], [410, "Expired"]);
  assert.match(next.body.message, /You must start a new list without the continue parameter/);
  const exact = await server.ask("GET", `${path}?resourceVersion=${old}&resourceVersionMatch=Exact`);
  assert.deepEqual([exact.code, exact.body.reason], [410, "Expired"]);
  const watched = await watch(path, `&resourceVersion=${old}`);
  const event = await watched.next();
  assert.equal(watched.response.statusCode, 200);
  assert.deepEqual([event?.type, event?.object.kind, event?.object.code, event?.object.reason], ["ERROR", "Status", 410, "Expired"]);
  assert.equal(await watched.next(), undefined);
});

test("a watch without a version shows what is there first", async () => {
  const path = await space();
  await create(path, "a");
  for (const query of ["", "&resourceVersion=0"]) {
    const watched = await watch(path, query);
    const event = await watched.next();
    assert.deepEqual([event?.type, event?.object.metadata.name], ["ADDED", "a"]);
    watched.close();
  }
});

test("initial events end with a bookmark that says so, at the version of the list", async () => {
  const path = await space();
  const { body } = await create(path, "a");
  const watched = await watch(path, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  assert.equal((await watched.next())?.type, "ADDED");
  const mark = await watched.next();
  assert.equal(mark?.type, "BOOKMARK");
  assert.deepEqual(mark.object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
  assert.equal(mark.object.kind, "GitRepository");
  assert.ok(Number(mark.object.metadata.resourceVersion) >= Number(body.metadata.resourceVersion));
  await server.ask("PATCH", `${path}/a`, { body: { metadata: { labels: { x: "y" } } }, type: MERGE });
  assert.equal((await watched.next())?.type, "MODIFIED");
  watched.close();
});

test("a watch ends after its time with a bookmark, and can be taken up there", async () => {
  const path = await space();
  await create(path, "a");
  const watched = await watch(path, "&timeoutSeconds=1&allowWatchBookmarks=true");
  assert.equal((await watched.next())?.type, "ADDED");
  const mark = await watched.next();
  assert.equal(mark?.type, "BOOKMARK");
  assert.equal(await watched.next(), undefined);
  await create(path, "b");
  const resumed = await watch(path, `&resourceVersion=${mark.object.metadata.resourceVersion}`);
  assert.equal((await resumed.next())?.object.metadata.name, "b");
  resumed.close();
});

test("who leaves a selection is told as deleted, who enters as added", async () => {
  const path = await space();
  await create(path, "a", { on: "yes" });
  const { body } = await server.ask("GET", path);
  const watched = await watch(path, `&labelSelector=on%3Dyes&resourceVersion=${body.metadata.resourceVersion}`);
  for (const on of ["no", "yes"]) await server.ask("PATCH", `${path}/a`, { body: { metadata: { labels: { on } } }, type: MERGE });
  await server.ask("DELETE", `${path}/a`);
  const types = [await watched.next(), await watched.next(), await watched.next()].map((event) => event?.type);
  assert.deepEqual(types, ["DELETED", "ADDED", "DELETED"]);
  watched.close();
});

test("one object is watched by its name", async () => {
  const path = await space();
  await create(path, "a");
  await create(path, "b");
  const watched = await watch(path, "&fieldSelector=metadata.name%3Db");
  assert.equal((await watched.next())?.object.metadata.name, "b");
  watched.close();
});

test("lists, objects and watches come as Tables and as metadata where asked for", async () => {
  const path = await space();
  await create(path, "a");
  const table = (await server.ask("GET", path, { headers: AS_TABLE })).body;
  assert.deepEqual(
    [table.kind, table.columnDefinitions[0].name, table.rows[0].cells[0], table.rows[0].object.kind],
    ["Table", "Name", "a", "PartialObjectMetadata"],
  );
  assert.equal((await server.ask("GET", `${path}/a`, { headers: AS_TABLE })).body.rows.length, 1);
  const none = await server.ask("GET", `${path}?includeObject=None`, { headers: AS_TABLE });
  assert.equal(none.body.rows[0].object, undefined);
  const metadata = (await server.ask("GET", path, { headers: AS_METADATA_LIST })).body;
  assert.deepEqual(
    [metadata.kind, metadata.items[0].kind, metadata.items[0].spec],
    ["PartialObjectMetadataList", "PartialObjectMetadata", undefined],
  );
  const tables = await watch(path, "", AS_TABLE);
  const event = await tables.next();
  assert.deepEqual([event?.type, event?.object.kind, event?.object.rows[0].cells[0]], ["ADDED", "Table", "a"]);
  tables.close();
  const partial = await watch(path, "", AS_METADATA);
  assert.equal((await partial.next())?.object.kind, "PartialObjectMetadata");
  partial.close();
});

test("protobuf first and JSON second in Accept gives JSON", async () => {
  const answer = await server.ask("GET", "/api/v1/namespaces", {
    headers: { accept: "application/vnd.kubernetes.protobuf,application/json" },
  });
  assert.deepEqual([answer.code, answer.headers.get("content-type")], [200, "application/json"]);
});

test("a large list is written whole, zipped where the client takes it", async () => {
  const path = await space();
  const filler = { "example.com/filler": "x".repeat(2000) };
  for (let at = 0; at < 120; at++)
    await server.ask("POST", path, {
      body: {
        apiVersion: "slipway.dev/v1alpha1",
        kind: "GitRepository",
        metadata: { name: `r${at}`, annotations: filler },
        spec: { url: "https://a.example/b.git" },
      },
    });
  const plain = await raw(path, {});
  const zipped = await raw(path, { "accept-encoding": "gzip" });
  assert.equal(zipped.headers["content-encoding"], "gzip");
  assert.ok(zipped.body.length < plain.body.length / 3);
  assert.deepEqual(JSON.parse(gunzipSync(zipped.body).toString()), JSON.parse(plain.body.toString()));
  assert.equal(JSON.parse(plain.body.toString()).items.length, 120);
});

async function raw(
  path: string,
  headers: Record<string, string>,
): Promise<{ readonly headers: IncomingMessage["headers"]; readonly body: Buffer }> {
  const asked = request(server.url + path, { headers: { authorization: "Bearer admin-token", ...headers } });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { headers: response.headers, body: Buffer.concat(await response.toArray()) };
}

test("health needs no identity, everything else does", async () => {
  for (const path of ["/healthz", "/livez", "/readyz"]) {
    const answer = await server.ask("GET", path, { token: "" });
    assert.deepEqual([answer.code, answer.text], [200, "ok"]);
  }
  assert.match((await server.ask("GET", "/readyz?verbose", { token: "" })).text, /\[\+\]ping ok/);
  for (const path of ["/", "/api", "/apis", "/version", "/metrics", "/openapi/v3", "/nothing", "/api/v1/namespaces"])
    assert.equal((await server.ask("GET", path, { token: "" })).code, 401, path);
  assert.equal((await server.ask("GET", "/metrics", { token: "limited-token" })).code, 403);
  assert.equal((await server.ask("GET", "/api", { token: "limited-token" })).code, 200);
});

test("a check that fails makes the server not ready, by name and without the reason", async () => {
  const sick = await startApiServer({
    checks: [{ name: "store", for: "ready", check: () => Promise.reject(new Error("password=hunter2")) }],
  });
  try {
    const answer = await sick.ask("GET", "/readyz", { token: "" });
    assert.equal(answer.code, 503);
    assert.match(answer.text, /\[-\]store failed/);
    assert.doesNotMatch(answer.text, /hunter2/);
    assert.equal((await sick.ask("GET", "/livez", { token: "" })).code, 200);
  } finally {
    await sick.close();
  }
});

test("a server that stops ends its watches after a whole line and takes no more requests", async () => {
  const stopping = await startApiServer();
  const asked = request(`${stopping.url}/api/v1/namespaces?watch=true`, { headers: { authorization: "Bearer admin-token" }, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const lines = linesOf(response);
  await lines.next();
  const ended = lines.next().then(async function rest(line): Promise<boolean> {
    return line.done === true || rest(await lines.next());
  });
  await stopping.close();
  assert.equal(await ended, true);
  await assert.rejects(stopping.ask("GET", "/readyz"));
});

test("discovery is kept by its ETag", async () => {
  const first = await server.ask("GET", "/apis");
  const etag = first.headers.get("etag") ?? "";
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"])
    assert.equal((await server.ask("GET", "/apis", { headers: { "if-none-match": known } })).code, 304, known);
  assert.equal((await server.ask("GET", "/apis", { headers: { "if-none-match": '"other"' } })).code, 200);
  const aggregated = await server.ask("GET", "/apis", {
    headers: { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json" },
  });
  assert.equal(aggregated.body.kind, "APIGroupDiscoveryList");
  assert.match(aggregated.headers.get("content-type") ?? "", /as=APIGroupDiscoveryList/);
});
