import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { catalog, catalogOf, type Catalog } from "../../src/api/catalog.ts";
import type { Kind } from "../../src/api/kind.ts";
import type { SchemaNode } from "../../src/domain/apply/schema.ts";
import { instant, type Instant } from "../../src/domain/units.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { startApiServer, type Asked, type TestServer } from "../fixtures/api-server.ts";
import type { CorpusFile, JsonObject, Request, Response } from "../fixtures/apply-corpus/corpus.ts";
import { fill, normalObject, timesChanged } from "../fixtures/apply-corpus/normalise.ts";
import { metadataOf, textOf } from "../fixtures/apply-corpus/server.ts";

const seenCases = new Set<string>();
const folder = join(import.meta.dirname, "../fixtures/apply-corpus");

/** Each step of the corpus was recorded in a later second than the one before. */
class SteppingClock implements Clock {
  #now = 1_767_225_600_000;
  now(): Instant {
    return instant(this.#now);
  }
  until(_at: Instant, signal: AbortSignal): Promise<void> {
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        reject(new Error("cancelled"));
      });
    });
  }
  step(): void {
    this.#now += 1000;
  }
}

function kindOf({ kind, schema }: CorpusFile): Kind {
  const known = catalog.byKind(kind.group === "" ? kind.version : `${kind.group}/${kind.version}`, kind.kind);
  if (known !== undefined) return known;
  return {
    group: kind.group,
    version: kind.version,
    kind: kind.kind,
    resource: `${kind.kind.toLowerCase()}s`,
    singular: kind.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: kind.scope === "Namespaced",
    description: "A kind of the corpus.",
    schema: schema as SchemaNode,
    columns: [],
    hasStatus: kind.statusSubresource,
  };
}

const TYPES: Partial<Record<Request["verb"], string>> = {
  apply: "application/apply-patch+yaml",
  "status-apply": "application/apply-patch+yaml",
  "merge-patch": "application/merge-patch+json",
  "status-merge-patch": "application/merge-patch+json",
  "json-patch": "application/json-patch+json",
  "strategic-merge-patch": "application/strategic-merge-patch+json",
};

async function send(server: TestServer, kind: Kind, request: Request): Promise<Asked> {
  const namespace = kind.namespaced ? `/namespaces/${request.namespace ?? "corpus"}` : "";
  const collection = `${kind.group === "" ? "/api" : `/apis/${kind.group}`}/${kind.version}${namespace}/${kind.resource}`;
  const isStatus = request.verb.startsWith("status-");
  const path = request.verb === "create" ? collection : `${collection}/${request.name ?? "sample"}${isStatus ? "/status" : ""}`;
  const method = request.verb === "create" ? "POST" : request.verb === "get" ? "GET" : request.verb.endsWith("update") ? "PUT" : "PATCH";
  const headers = { "user-agent": request.userAgent ?? "recorder/1" };
  return server.ask(method, `${path}?${queryOf(request)}`, {
    ...(request.verb === "get"
      ? {}
      : { body: request.body === "" ? "" : JSON.stringify(request.body), type: TYPES[request.verb] ?? "application/json" }),
    headers,
  });
}

function queryOf({ query, manager, force, dryRun, fieldValidation }: Request): string {
  if (query !== undefined) return query;
  return new URLSearchParams({
    ...(manager === undefined ? {} : { fieldManager: manager }),
    ...(force === true ? { force: "true" } : {}),
    ...(dryRun === true ? { dryRun: "All" } : {}),
    ...(fieldValidation === undefined ? {} : { fieldValidation }),
  }).toString();
}

const stricter = "checked more strictly here";
const owners = "a default of the kind counts as the writer's field here; in Kubernetes it belongs to nobody";

/** Where an answer differs from the recorded one, and why that is left so. By file and case. */
const differences: Readonly<Record<string, string>> = {
  "managed-fields.json: managedFields with a manager name that is too long are refused": "entries that an update carries are not checked",
  "managed-fields.json: an entry of an apiVersion that is not served takes its neighbours with it": "only that entry goes here",
  "metadata.json: a finalizer without a domain": stricter,
  "namespace.json: apply creates it with its label and finalizer": owners,
  "namespace.json: a create, then an apply": owners,
  "namespace.json: conditions in status are a map by type": stricter,
  "requests.json: a resourceVersion in the body guards the apply": 'the version "0" counts as none here',
  "role.json: no rules": "Go's zero value writes rules: null",
  "values.json: null labels in metadata": "labels that are null are no field here, and owned in Kubernetes",
};

for (const file of globSync("*.json", { cwd: folder }).sort()) {
  const content = JSON.parse(readFileSync(join(folder, file), "utf8")) as CorpusFile;
  if (!("cases" in content)) continue;
  describe(`over HTTP: ${file}: ${content.title}`, () => {
    for (const each of content.cases) {
      seenCases.add(`${file}: ${each.name}`);
      test(each.name, { skip: differences[`${file}: ${each.name}`] ?? false }, () => replay(content, each.steps));
    }
  });
}

test("every difference names a case of the corpus", () => {
  assert.deepEqual(
    Object.keys(differences).filter((name) => !seenCases.has(name)),
    [],
  );
});

async function replay(content: CorpusFile, steps: CorpusFile["cases"][number]["steps"]): Promise<void> {
  const kind = kindOf(content);
  const served: Catalog = catalog.byKey(kind) === undefined ? catalogOf([...catalog.kinds, kind]) : catalog;
  const clock = new SteppingClock();
  const server = await startApiServer({ catalog: served, clock });
  try {
    await server.ask("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "corpus" } } });
    const key = { group: kind.group, resource: kind.resource, namespace: kind.namespaced ? "corpus" : "", name: "sample" };
    const stored = async (): Promise<JsonObject | undefined> => (await server.resources.get(key))?.object;
    let first = "";
    for (const [index, { request, response }] of steps.entries()) {
      clock.step();
      const before = await stored();
      const answer = await send(server, kind, { ...request, body: fill(request.body, before, first) });
      const after = await stored();
      if (first === "") first = textOf(metadataOf(after)["resourceVersion"]);
      assert.deepEqual(seen(answer, before, after), expected(response), `step ${index + 1}: ${request.verb}: ${answer.text.slice(0, 600)}`);
    }
  } finally {
    await server.close();
  }
}

function seen(answer: Asked, before: JsonObject | undefined, after: JsonObject | undefined): object {
  return {
    code: codeOf(answer.code),
    ...(answer.code < 300 ? { object: normalObject(answer.body as JsonObject) } : {}),
    resourceVersionChanged: metadataOf(before)["resourceVersion"] !== metadataOf(after)["resourceVersion"],
    timesChanged: timesChanged(before, after),
  };
}

/** A configuration that does not fit is 500 or 400 in Kubernetes, by where it is found; here it is told as 422 or 400. */
const codeOf = (code: number): number | string => (code === 400 || code === 422 || code === 500 ? "refused" : code);

function expected({ code, object, resourceVersionChanged, timesChanged: times }: Response): object {
  return { code: codeOf(code), ...(object === undefined ? {} : { object }), resourceVersionChanged, timesChanged: times };
}
