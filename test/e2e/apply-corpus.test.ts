import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SchemaNode } from "../../src/domain/apply/schema.ts";
import type { CorpusFile, Json, JsonObject, Response } from "../fixtures/apply-corpus/corpus.ts";
import { fill, normalObject, normalStatus, timesChanged } from "../fixtures/apply-corpus/normalise.ts";
import { metadataOf, textOf } from "../fixtures/apply-corpus/server.ts";
import { thinServer, type Reply } from "./apply-corpus-server.ts";

/** Cases that ask for what is not decided by these functions; the server's own replay has them. By file and name, with the reason. */
const elsewhere: Readonly<Record<string, string>> = {};

const folder = join(import.meta.dirname, "../fixtures/apply-corpus");

for (const file of globSync("*.json", { cwd: folder }).sort()) {
  const content = JSON.parse(readFileSync(join(folder, file), "utf8")) as CorpusFile;
  if (!("cases" in content)) continue;
  describe(`${file}: ${content.title} (${content.source})`, () => {
    for (const each of content.cases) {
      const skip = elsewhere[`${file}: ${each.name}`] ?? false;
      test(each.name, { skip }, () => replay(content, each));
    }
  });
}

function replay({ kind, schema }: CorpusFile, { steps }: CorpusFile["cases"][number]): void {
  const server = thinServer(kind, schema as SchemaNode);
  let first = "";
  for (const [index, { request, response }] of steps.entries()) {
    const before = server.stored();
    const now = `2026-01-01T00:00:${String(index).padStart(2, "0")}Z`;
    const reply = server.send({ ...request, body: fill(request.body, before, first) }, now);
    if (first === "") first = textOf(metadataOf(server.stored())["resourceVersion"]);
    const what = `step ${String(index + 1)}: ${request.verb} by ${request.manager ?? "nobody"}`;
    assert.deepEqual(seen(reply, before, server.stored()), expected(response), what);
  }
}

function seen(reply: Reply, before: JsonObject | undefined, after: JsonObject | undefined): Json {
  return {
    code: reply.code,
    ...(reply.object === undefined ? {} : { object: normalObject(reply.object) }),
    ...(reply.code === 409 && reply.causes !== undefined ? conflict(reply.message ?? "", reply.causes) : {}),
    resourceVersionChanged: metadataOf(before)["resourceVersion"] !== metadataOf(after)["resourceVersion"],
    timesChanged: timesChanged(before, after),
  };
}

function expected({ code, object, status, resourceVersionChanged, timesChanged }: Response): Json {
  const details = status?.["details"];
  const causes = typeof details === "object" && details !== null && "causes" in details ? details.causes : undefined;
  const isConflict = code === 409 && Array.isArray(causes) && String(status?.["message"]).startsWith("Apply failed");
  return {
    code,
    ...(object === undefined ? {} : { object }),
    ...(isConflict ? conflict(String(status?.["message"]), causes as JsonObject[]) : {}),
    resourceVersionChanged,
    timesChanged,
  };
}

/** Causes come in no fixed order from a real server. */
function conflict(message: string, causes: readonly JsonObject[]): JsonObject {
  const sorted = causes.map((cause) => JSON.stringify([cause["reason"], cause["message"], cause["field"]])).sort();
  return { message: textOf(normalStatus({ message }, undefined)["message"]), causes: sorted };
}
