import assert from "node:assert/strict";
import { test } from "node:test";
import { apiClient, pathOf, type Client } from "./client.ts";
import { StatusError } from "./status-error.ts";
import { type ApiAnswer, type ApiRequest, ConnectError, type Transport } from "./transport.ts";
import type { Watched } from "./watch.ts";

type Scripted =
  | { readonly status?: number; readonly body: unknown; readonly headers?: Record<string, string> }
  | { readonly lines: readonly unknown[]; readonly broken?: boolean }
  | Error;

/** Answers in turn; asked once more than it has answers, it fails the test. */
function scripted(answers: readonly Scripted[]): { client: Client; asked: ApiRequest[]; waits: number[]; warnings: string[] } {
  const asked: ApiRequest[] = [];
  const waits: number[] = [];
  const warnings: string[] = [];
  const left = [...answers];
  const transport: Transport = {
    async send(request) {
      asked.push(request);
      const next = left.shift();
      assert.ok(next !== undefined, `nobody expected ${request.method} ${request.path}`);
      if (next instanceof Error) throw next;
      return answerOf(next);
    },
    close: () => undefined,
  };
  const client = apiClient({
    transport,
    userAgent: "test/1",
    wait: async (milliseconds) => void waits.push(milliseconds),
    chance: () => 0,
    onWarning: (text) => void warnings.push(text),
  });
  return { client, asked, waits, warnings };
}

function answerOf(script: Exclude<Scripted, Error>): ApiAnswer {
  const encode = (text: string) => new TextEncoder().encode(text);
  if ("lines" in script) {
    const body = async function* () {
      for (const line of script.lines) yield encode(`${JSON.stringify(line)}\n`);
      if (script.broken === true) throw new ConnectError("broken", "cut", { sent: true });
    };
    return { status: 200, headers: {}, body: body() };
  }
  const text = JSON.stringify(script.body);
  const body = async function* () {
    // in pieces that cut characters
    for (const byte of encode(text)) yield Uint8Array.of(byte);
  };
  return { status: script.status ?? 200, headers: script.headers ?? {}, body: body() };
}

const syncs = { group: "slipway.dev", version: "v1alpha1", resource: "syncs", namespaced: true };
const object = (name: string, resourceVersion: string) => ({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name, resourceVersion },
});
const list = (resourceVersion: string, names: readonly string[], next = "") => ({
  body: {
    kind: "SyncList",
    metadata: { resourceVersion, ...(next === "" ? {} : { continue: next }) },
    items: names.map((name) => object(name, "1")),
  },
});
const status = (code: number, reason: string, details: object = {}) => ({
  status: code,
  body: { kind: "Status", status: "Failure", code, reason, message: reason, details },
});

async function first(events: AsyncGenerator<Watched>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(event.type === "listed" ? `listed ${event.items.length}` : `${event.type} ${JSON.stringify(event.object["metadata"])}`);
    if (seen.length === count) break;
  }
  return seen;
}
const signal = () => new AbortController().signal;
const versionsAsked = (asked: readonly ApiRequest[]) =>
  asked.map(({ path }) => new URL(path, "https://x").searchParams.get("resourceVersion"));

test("a list is read to its last page", async () => {
  const { client, asked } = scripted([list("7", ["a", "b"], "more"), list("7", ["ü"])]);
  const { items, resourceVersion } = await client.list(syncs, { namespace: "shop", labels: "a=b" });
  assert.deepEqual([items.map((item) => (item["metadata"] as { name: string }).name), resourceVersion], [["a", "b", "ü"], "7"]);
  assert.match(asked[1]?.path ?? "", /namespaces\/shop\/syncs\?labelSelector=a%3Db&limit=500&continue=more$/);
});

test("a list whose version is forgotten between two pages is read anew as a whole", async () => {
  const { client, asked } = scripted([list("7", ["a"], "more"), status(410, "Expired"), list("9", ["a", "b"])]);
  assert.equal((await client.list(syncs, { namespace: "" })).items.length, 2);
  assert.equal(asked[2]?.path, "/apis/slipway.dev/v1alpha1/syncs");
});

test("a watch goes on from the last version it has seen, bookmarks included, after its connection broke", async () => {
  const { client, asked } = scripted([
    list("5", ["a"]),
    {
      lines: [
        { type: "MODIFIED", object: object("a", "6") },
        { type: "BOOKMARK", object: object("", "8") },
      ],
      broken: true,
    },
    new ConnectError("refused", "down", { sent: false }),
    { lines: [{ type: "DELETED", object: object("a", "9") }] },
  ]);
  const seen = await first(client.watch(syncs, { namespace: "" }, signal()), 3);
  assert.deepEqual(seen, ["listed 1", 'modified {"name":"a","resourceVersion":"6"}', 'deleted {"name":"a","resourceVersion":"9"}']);
  assert.deepEqual(versionsAsked(asked), [null, "5", "8", "8"]);
});

for (const { name, forgotten } of [
  { name: "by the answer", forgotten: status(410, "Expired") },
  {
    name: "by an event",
    forgotten: { lines: [{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } }] },
  },
])
  test(`a watch whose version is forgotten lists again, told ${name}`, async () => {
    const { client } = scripted([
      list("5", ["a"]),
      forgotten,
      list("50", ["a", "b", "c"]),
      { lines: [{ type: "ADDED", object: object("d", "51") }] },
    ]);
    assert.deepEqual(await first(client.watch(syncs, { namespace: "" }, signal()), 3), [
      "listed 1",
      "listed 3",
      'added {"name":"d","resourceVersion":"51"}',
    ]);
  });

test("a watch gives the rows of Tables and reads their version", async () => {
  const table = (name: string, version: string) => ({
    kind: "Table",
    rows: [{ cells: [name], object: { metadata: { name, resourceVersion: version } } }],
  });
  const { client, asked } = scripted([
    { body: { kind: "Table", metadata: { resourceVersion: "5" }, columnDefinitions: [{ name: "Name" }], rows: [] } },
    { lines: [{ type: "ADDED", object: table("a", "6") }] },
    { lines: [{ type: "MODIFIED", object: table("a", "7") }] },
  ]);
  const rows: unknown[] = [];
  for await (const event of client.watch(syncs, { namespace: "" }, signal(), "Table")) {
    if (event.type !== "listed") rows.push(event.object["cells"]);
    if (rows.length === 2) break;
  }
  assert.deepEqual(
    [rows, versionsAsked(asked)],
    [
      [["a"], ["a"]],
      [null, "5", "6"],
    ],
  );
});

test("a watch that may not go on says so", async () => {
  const { client } = scripted([list("5", []), status(403, "Forbidden")]);
  await assert.rejects(
    first(client.watch(syncs, { namespace: "" }, signal()), 2),
    (error) => error instanceof StatusError && error.status.code === 403,
  );
});

test("a watch that cannot begin says so", async () => {
  const { client } = scripted([new ConnectError("refused", "down", { sent: false })]);
  await assert.rejects(first(client.watch(syncs, { namespace: "" }, signal()), 1), ConnectError);
});

test("a server that keeps ending streams without a word is not asked without a pause", async () => {
  const { client, waits } = scripted([
    list("5", []),
    { lines: [] },
    { lines: [] },
    { lines: [] },
    { lines: [{ type: "ADDED", object: object("a", "6") }] },
  ]);
  await first(client.watch(syncs, { namespace: "" }, signal()), 2);
  assert.ok(waits.length === 3 && waits.every((wait, at) => wait > (waits[at - 1] ?? 0)), JSON.stringify(waits));
});

test("what the server asks to repeat is repeated after the time it names, and given up after three more", async () => {
  const busy = status(429, "TooManyRequests", { retryAfterSeconds: 2 });
  const once = scripted([busy, { body: object("a", "1") }]);
  await once.client.get(syncs, { namespace: "shop", name: "a" });
  assert.deepEqual(once.waits, [2000]);
  await assert.rejects(scripted([busy, busy, busy, busy]).client.get(syncs, { namespace: "shop", name: "a" }), StatusError);
});

test("a refusal carries the Status of the server, and a page of a proxy is quoted", async () => {
  const causes = [{ reason: "FieldManagerConflict", message: 'conflict with "kubectl"', field: ".spec.path" }];
  const conflict = await scripted([status(409, "Conflict", { causes })])
    .client.get(syncs, { namespace: "a", name: "b" })
    .catch((error: unknown) => error);
  assert.ok(conflict instanceof StatusError);
  assert.deepEqual([conflict.status.reason, conflict.status.causes], ["Conflict", causes]);
  await assert.rejects(scripted([{ status: 502, body: "bad gateway" }]).client.document("/version"), /HTTP 502: "bad gateway"/);
});

test("warnings of the server are handed on", async () => {
  const { client, warnings } = scripted([{ body: object("a", "1"), headers: { warning: '299 - "say \\"please\\"", 299 - "two"' } }]);
  await client.get(syncs, { namespace: "a", name: "b" });
  assert.deepEqual(warnings, ['say "please"', "two"]);
});

test("a server-side apply names its manager, is strict, and says what was created", async () => {
  const { client, asked } = scripted([{ status: 201, body: object("a", "1") }]);
  const { created } = await client.apply(syncs, { namespace: "shop", name: "a" }, object("a", ""), {
    manager: "m",
    force: true,
    dryRun: true,
  });
  assert.equal(created, true);
  assert.equal(
    asked[0]?.path,
    "/apis/slipway.dev/v1alpha1/namespaces/shop/syncs/a?dryRun=All&fieldManager=m&fieldValidation=Strict&force=true",
  );
  assert.equal(asked[0].headers["content-type"], "application/apply-patch+yaml");
});

test("a name cannot lead to another path", () => {
  for (const [name, path] of [
    ["../secrets/x", "..%2Fsecrets%2Fx"],
    ["..", "%2E%2E"],
    ["a?b#c", "a%3Fb%23c"],
    ["a\r\nb", "a%0D%0Ab"],
  ] as const)
    assert.equal(pathOf(syncs, "shop", name), `/apis/slipway.dev/v1alpha1/namespaces/shop/syncs/${path}`);
});
