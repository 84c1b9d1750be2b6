import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { catalog } from "../../src/api/catalog.ts";
import { apiVersionOf, type Kind } from "../../src/api/kind.ts";
import { bindingSpec, makeWorld, type Actor } from "../fixtures/authorization/actors.ts";
import { isAllowed, ONLY, pathIsAllowed, PROJECT, type Question } from "../fixtures/authorization/oracle.ts";
import { sender, type Received, type Sender } from "../fixtures/fuzz/send.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

/** JSON of an answer, for looking into. */
type Json = ReturnType<typeof JSON.parse>;

let server: RunningServer;
let sending: Sender;
let admin = "";
let actors: readonly Actor[] = [];

before(async () => {
  server = await runningServer();
  const config = JSON.parse(await readFile(server.kubeconfig, "utf8"));
  admin = config.users[0].user.token;
  sending = sender(server.url, Buffer.from(config.clusters[0].cluster["certificate-authority-data"], "base64").toString("utf8"), 10_000);
  actors = await makeWorld(asAdmin);
});
after(async () => {
  sending.close();
  await server.close();
});

interface Cell {
  readonly what: string;
  readonly asked: Question;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
}

test("every verb on every kind, subresource and action is allowed to exactly those to whom the documented roles give it", async () => {
  const cells = (await Promise.all(catalog.kinds.map(cellsOf))).flat();
  const surprises: string[] = [];
  let asked = 0;
  const work = actors.flatMap((actor) => cells.map((cell) => ({ actor, cell })));
  await inParallel(work, async ({ actor, cell }) => {
    asked += 1;
    const answer = await send(actor, cell);
    const surprise = judge(actor, isAllowed(actor.level, actor.user, cell.asked), cell, answer);
    if (surprise !== undefined) surprises.push(surprise);
  });
  console.log(`  authorisation: ${actors.length} callers × ${cells.length} requests = ${asked} cells, ${surprises.length} surprises`);
  assert.ok(surprises.length === 0, shownSurprises(surprises));
  assert.ok(asked > 4000);
});

test("what SelfSubjectAccessReview says is what is then done, for the verbs of releases too", async () => {
  const known = actors.filter(({ level }) => level !== "stranger");
  const environments = ["get", "update", "promote", "approve", "rollback", "hold"].flatMap((verb) =>
    [PROJECT, "other", ""].map((namespace): Question => ({
      verb,
      group: "slipway.dev",
      resource: "environments",
      subresource: "",
      namespace,
      name: "production",
    })),
  );
  const questions = [...(await Promise.all(catalog.kinds.map(cellsOf))).flat().map(({ asked }) => asked), ...environments];
  const surprises: string[] = [];
  await inParallel(
    known.flatMap((actor) => questions.map((asked) => ({ actor, asked }))),
    async ({ actor, asked }) => {
      const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec: { resourceAttributes: asked } };
      const { code, text } = await send(actor, { method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body });
      const expected = isAllowed(actor.level, actor.user, asked);
      if (code !== 201 || JSON.parse(text).status.allowed !== expected)
        surprises.push(`${actor.name}: ${JSON.stringify(asked)} should be ${String(expected)}: ${code} ${text.slice(0, 300)}`);
    },
  );
  console.log(
    `  access reviews: ${known.length} callers × ${questions.length} questions = ${known.length * questions.length} cells, ${surprises.length} surprises`,
  );
  assert.ok(surprises.length === 0, shownSurprises(surprises));
});

test("paths that are no resources: who is known sees what is served, nobody else anything but health", async () => {
  const paths = [
    "/",
    "/metrics",
    "/metrics/",
    "/api",
    "/api/",
    "/apis",
    "/api/v1",
    "/apis/slipway.dev",
    "/apis/slipway.dev/v1alpha1",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/api/v1",
    "/version",
    "/logs",
    "/debug/pprof",
    "/healthz",
    "/healthz/ping",
    "/livez",
    "/readyz",
    "/readyz/store",
    "/healthz/none",
  ];
  const surprises: string[] = [];
  await inParallel(
    actors.flatMap((actor) =>
      ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"].flatMap((method) => paths.map((path) => ({ actor, path, method }))),
    ),
    async ({ actor, path, method }) => {
      const { code, text } = await send(actor, { method, path });
      const reads = method === "GET" || method === "HEAD";
      // Nothing there can be written: whatever the method, nobody gets through. "none" is no check of health.
      const isSeen = pathIsAllowed(actor.level, path) && path !== "/healthz/none";
      const isRight = !reads
        ? code >= 400
        : isSeen
          ? ![401, 403].includes(code)
          : code === actor.refusal || (path === "/healthz/none" && code >= 400) || isTurnedAway(actor, code, text);
      if (!isRight) surprises.push(`${actor.name}: ${method} ${path}: ${code} ${text.slice(0, 200)}`);
    },
  );
  console.log(`  paths: ${actors.length * 6 * paths.length} cells, ${surprises.length} surprises`);
  assert.ok(surprises.length === 0, shownSurprises(surprises));
});

test("impersonation takes the right to it, of each part; the scope of a token stays", async () => {
  const account = `system:serviceaccount:${PROJECT}:delivery`;
  const refused: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["viewer", { "impersonate-user": "editor" }],
    ["viewer", { "impersonate-user": account }],
    ["project admin", { "impersonate-user": "boss" }],
    ["project admin", { "impersonate-user": "system:slipway:tokens" }],
    ["project admin", { "impersonate-user": "system:serviceaccount:other:x" }],
    ["project admin", { "impersonate-user": account, "impersonate-group": "system:masters" }],
    ["project admin", { "impersonate-user": account, "impersonate-group": "slipway:admins" }],
    ["project admin", { "impersonate-user": account, "impersonate-uid": "1" }],
    ["project admin", { "impersonate-user": account, "impersonate-extra-a": "1" }],
    ["editor", { "impersonate-user": "editor" }],
    ["editor", { "impersonate-user": "system:serviceaccount:shop:delivery:x" }],
    ["service account with slipway:sync", { "impersonate-user": account }],
    ["scoped token of the administrator", { "impersonate-user": "editor" }],
    ["somebody without rights", { "impersonate-user": "somebody" }],
  ];
  for (const [name, headers] of refused) {
    const { code, text } = await send(
      { ...actorOf(name), headers: Object.entries(headers) },
      { method: "GET", path: `/apis/slipway.dev/v1alpha1/namespaces/${PROJECT}/syncs` },
    );
    assert.equal(code, 403, `${name} with ${JSON.stringify(headers)}: ${code} ${text}`);
    assert.match(JSON.parse(text).message, /cannot impersonate resource/, name);
  }
  const broken: readonly Readonly<Record<string, string>>[] = [
    { "impersonate-group": "system:masters" },
    { "impersonate-uid": "1" },
    { "impersonate-user": "" },
    { "impersonate-user": "a", "impersonate-nothing": "1" },
  ];
  for (const headers of broken) {
    const { code } = await send(
      { ...actorOf("administrator"), headers: Object.entries(headers) },
      { method: "GET", path: "/api/v1/namespaces" },
    );
    assert.equal(code, 400, JSON.stringify(headers));
  }
});

const actorOf = (name: string): Actor => {
  const found = actors.find((actor) => actor.name === name);
  assert.ok(found, name);
  return found;
};

/** Very many unknown tokens in a second are told to wait instead of being looked up. */
const isTurnedAway = ({ level }: Actor, code: number, text: string): boolean =>
  level === "stranger" && code === 503 && (text === "" || text.includes("too many unknown tokens"));

/** Nothing when the answer is as it must be. Who may do it gets it done (dry); who may not is told so in the words of the API server. */
function judge(actor: Actor, expected: boolean, { what, asked, method }: Cell, { code, text, problem }: Received): string | undefined {
  const line = `${actor.name}: ${what}: expected ${expected ? "allowed" : String(actor.refusal)}, got ${code} ${problem ?? ""} ${text.slice(0, 250)}`;
  // 409: somebody else's dry run or a controller came between; a conflict is told only to who may write
  if (expected) return (code >= 200 && code < 300) || code === 409 ? undefined : line;
  if (isTurnedAway(actor, code, text)) return undefined;
  if (code !== actor.refusal) return line;
  if (code === 401 || method === "HEAD") return undefined;
  const resource = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  return text.includes(`cannot ${asked.verb} resource \\"${resource}\\" in API group \\"${asked.group}\\"`)
    ? undefined
    : `${line} (another reason)`;
}

/** The first of each caller, so that one cause does not hide the others. */
function shownSurprises(surprises: readonly string[]): string {
  const seen = new Map<string, number>();
  return surprises
    .filter((surprise) => {
      const who = surprise.slice(0, surprise.indexOf(":"));
      seen.set(who, (seen.get(who) ?? 0) + 1);
      return (seen.get(who) ?? 0) <= 4;
    })
    .join("\n");
}

const SHORT = 1;

/** All that can be asked of one kind: in the project, in another, and across all. */
async function cellsOf(kind: Kind): Promise<readonly Cell[]> {
  const places = kind.namespaced ? [PROJECT, "other"] : [""];
  const cells: Cell[] = [];
  for (const namespace of places) {
    if (isReview(kind)) cells.push(reviewCell(kind, namespace));
    else for (const name of await namesIn(kind, namespace)) cells.push(...(await objectCells(kind, namespace, name)));
    if (!isReview(kind)) cells.push(...collectionCells(kind, namespace));
  }
  if (kind.namespaced && !isReview(kind)) cells.push(...collectionCells(kind, "").filter(({ method }) => method === "GET"));
  return cells;
}

/** Records make themselves: any that are there will do. */
async function namesIn(kind: Kind, namespace: string): Promise<readonly string[]> {
  if (serves(kind, "create")) return ["x", ONLY].map((which) => nameOf(kind, which));
  const list = await asAdmin("GET", `${collectionPath(kind, namespace)}?limit=2`);
  assert.ok(kind.resource === "timelinerecords" || list["items"].length > 0, `there are ${kind.resource} in ${namespace}`);
  return list["items"].map((item: { metadata: { name: string } }) => item.metadata.name);
}

const isReview = (kind: Kind): boolean => kind.verbs?.includes("get") === false;
const serves = (kind: Kind, verb: string): boolean => kind.verbs === undefined || kind.verbs.some((served) => served === verb);
const rootOf = (kind: Kind): string => (kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`);
const collectionPath = (kind: Kind, namespace: string): string =>
  `${rootOf(kind)}${namespace === "" ? "" : `/namespaces/${namespace}`}/${kind.resource}`;

function question(kind: Kind, verb: string, namespace: string, name: string, subresource = ""): Question {
  return {
    verb,
    group: kind.group,
    resource: kind.resource,
    subresource,
    namespace: kind.resource === "namespaces" ? name : namespace,
    name,
  };
}

function cell(kind: Kind, asked: Question, method: string, path: string, rest: Pick<Cell, "body" | "type"> = {}): Cell {
  return {
    what: `${asked.verb} ${kind.resource}${asked.subresource === "" ? "" : `/${asked.subresource}`} ${asked.namespace}/${asked.name} (${method} ${path})`,
    asked,
    method,
    path,
    ...rest,
  };
}

async function objectCells(kind: Kind, namespace: string, name: string): Promise<readonly Cell[]> {
  const path = `${collectionPath(kind, namespace)}/${name}`;
  const object = await asAdmin("GET", path);
  assert.equal(object["kind"], kind.kind, `${path}: ${JSON.stringify(object)}`);
  const dry = `${path}?dryRun=All`;
  const labelled = { ...object, metadata: { ...object["metadata"], labels: { ...object["metadata"].labels, touched: "yes" } } };
  const merge = { body: { metadata: { labels: { touched: "yes" } } }, type: "application/merge-patch+json" };
  const apply = {
    body: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, labels: { touched: "yes" } } },
    type: "application/apply-patch+yaml",
  };
  const narrowed = `${collectionPath(kind, namespace)}?fieldSelector=metadata.name%3D${encodeURIComponent(name)}`;
  const asked = (verb: string, subresource = ""): Question => question(kind, verb, namespace, name, subresource);
  const all: (Cell | false)[] = [
    cell(kind, asked("get"), "GET", path),
    cell(kind, asked("get"), "HEAD", path),
    cell(kind, asked("list"), "GET", narrowed),
    serves(kind, "watch") && cell(kind, asked("watch"), "GET", `${narrowed}&watch=1&timeoutSeconds=${SHORT}`),
    // A token is never changed but in its description; labels are nobody's right.
    serves(kind, "update") && cell(kind, asked("update"), "PUT", dry, { body: labelled }),
    serves(kind, "patch") && cell(kind, asked("patch"), "PATCH", dry, merge),
    serves(kind, "patch") &&
      cell(kind, asked("patch"), "PATCH", dry, {
        body: [{ op: "add", path: "/metadata/annotations", value: { a: "b" } }],
        type: "application/json-patch+json",
      }),
    serves(kind, "patch") && cell(kind, asked("patch"), "PATCH", `${dry}&fieldManager=table`, apply),
    kind.group !== "slipway.dev" &&
      serves(kind, "patch") &&
      cell(kind, asked("patch"), "PATCH", dry, { ...merge, type: "application/strategic-merge-patch+json" }),
    serves(kind, "delete") && cell(kind, asked("delete"), "DELETE", dry),
    serves(kind, "delete") &&
      cell(kind, asked("delete"), "DELETE", path, {
        body: { kind: "DeleteOptions", apiVersion: "v1", dryRun: ["All"], propagationPolicy: "Foreground" },
      }),
  ];
  if (kind.hasStatus)
    all.push(
      cell(kind, asked("get", "status"), "GET", `${path}/status`),
      cell(kind, asked("update", "status"), "PUT", `${path}/status?dryRun=All`, { body: labelled }),
      cell(kind, asked("patch", "status"), "PATCH", `${path}/status?dryRun=All`, merge),
    );
  for (const action of kind.actions ?? []) {
    const apiVersion = action.body.group === "" ? action.body.version : `${action.body.group}/${action.body.version}`;
    if (action.name === "finalize")
      all.push(cell(kind, asked("update", "finalize"), "PUT", `${path}/finalize?dryRun=All`, { body: object }));
    else
      all.push(
        cell(kind, asked("create", action.name), "POST", `${path}/${action.name}?dryRun=All`, {
          body: { apiVersion, kind: action.body.kind, spec: {} },
        }),
      );
  }
  return all.filter((one) => one !== false);
}

function collectionCells(kind: Kind, namespace: string): readonly Cell[] {
  const path = collectionPath(kind, namespace);
  const asked = (verb: string): Question => ({ ...question(kind, verb, namespace, ""), namespace: kind.namespaced ? namespace : "" });
  const cells = [cell(kind, asked("list"), "GET", path), cell(kind, asked("list"), "HEAD", `${path}?limit=1`)];
  if (serves(kind, "watch")) cells.push(cell(kind, asked("watch"), "GET", `${path}?watch=1&timeoutSeconds=${SHORT}`));
  if (serves(kind, "deletecollection"))
    cells.push(cell(kind, asked("deletecollection"), "DELETE", `${path}?dryRun=All&labelSelector=none%3Dhere`));
  // Only the token issuer makes AccessTokens; that is a case of its own.
  if (kind.resource !== "accesstokens" && serves(kind, "create"))
    cells.push(cell(kind, asked("create"), "POST", `${path}?dryRun=All`, { body: newObject(kind) }));
  return cells;
}

function newObject(kind: Kind): object {
  const typed = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name: kind.resource === "releasebindings" ? "new.production" : "new" },
  };
  switch (kind.resource) {
    case "events":
      return { ...typed, involvedObject: { kind: "Sync", name: "x" }, reason: "A", message: "a", type: "Normal" };
    case "rolebindings":
      return { ...typed, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" }, subjects: [] };
    case "clusterrolebindings":
      return { ...typed, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" }, subjects: [] };
    case "gitrepositories":
      return { ...typed, spec: { url: "https://git.example.org/b.git", suspend: true } };
    case "syncs":
      return { ...typed, spec: { source: { repository: "absent" }, serviceAccountName: "x", suspend: true } };
    case "releasebindings":
      return { ...typed, spec: bindingSpec("new") };
    case "users":
      return { ...typed, spec: {} };
    default:
      return typed;
  }
}

const nameOf = (kind: Kind, which: string): string =>
  kind.resource === "namespaces"
    ? which === "x"
      ? PROJECT
      : "other"
    : kind.resource === "releasebindings"
      ? `${which}.production`
      : which;

function reviewCell(kind: Kind, namespace: string): Cell {
  const attributes = { verb: "get", resource: "secrets", namespace };
  const specs: Readonly<Record<string, object>> = {
    selfsubjectaccessreviews: { resourceAttributes: attributes },
    subjectaccessreviews: { user: "x", resourceAttributes: attributes },
    localsubjectaccessreviews: { user: "x", resourceAttributes: attributes },
    selfsubjectrulesreviews: { namespace: PROJECT },
    tokenreviews: { token: "x" },
  };
  const body = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {},
    ...(specs[kind.resource] === undefined ? {} : { spec: specs[kind.resource] }),
  };
  return cell(kind, question(kind, "create", namespace, ""), "POST", collectionPath(kind, namespace), { body });
}

async function send(
  { token, headers }: Pick<Actor, "token" | "headers">,
  { method, path, body, type = "application/json" }: Pick<Cell, "method" | "path" | "body" | "type">,
): Promise<Received> {
  const all = [...headers, ...(body === undefined ? [] : [["content-type", type] as const])];
  return sending.send({
    method,
    path,
    headers: all,
    who: "admin",
    token,
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
}

/** As the administrator of the kubeconfig; "IMPERSONATED POST" as the keeper of tokens. Throws on an error other than "not found". */
async function asAdmin(how: string, path: string, body?: object): Promise<Record<string, Json>> {
  const [method, isKeeper] = [how.replace("IMPERSONATED ", ""), how.startsWith("IMPERSONATED ")];
  const headers: [string, string][] = isKeeper ? [["impersonate-user", "system:slipway:tokens"]] : [];
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const { code, text } = await send({ token: admin, headers }, { method, path, type, ...(body === undefined ? {} : { body }) });
  if (code >= 400) throw new Error(`${how} ${path}: ${code} ${text}`);
  return JSON.parse(text);
}

async function inParallel<T>(list: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = list[next++]; item !== undefined; item = list[next++]) await each(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
