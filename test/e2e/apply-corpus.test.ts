import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SchemaNode } from "../../src/domain/apply/schema.ts";
import type { CorpusFile, JsonObject, Response } from "../fixtures/apply-corpus/corpus.ts";
import { fill, normalObject, normalStatus, timesChanged } from "../fixtures/apply-corpus/normalise.ts";
import { metadataOf, textOf } from "../fixtures/apply-corpus/server.ts";
import { thinServer, type Reply } from "./apply-corpus-server.ts";

const byValidation = "validation against the schema or of metadata refuses it";
const byZeroValue =
  "Go's zero value of a built-in kind has spec {} or rules null, so nobody comes to own them; an object here starts from nothing";
const byRequest = "the server looks at query parameters, names, namespaces and preconditions before it applies";

/** Cases and single steps that the functions under test do not decide; the server's own replay has them. By file, case and step, with the reason. */
const elsewhere: Readonly<Record<string, string>> = {
  "list-maps.json: two items with the same key are refused for an existing object and by update: 3": byValidation,
  "list-maps.json: an absent key without default is refused: 1": byValidation,
  "list-maps.json: a second key that is missing is refused: 1": byValidation,
  "managed-fields.json: managedFields with a manager name that is too long are refused: 2": byValidation,
  "sets-and-atomics.json: a set with a member twice is refused for an existing object and by update: 3": byValidation,
  "status.json: two conditions of one type are refused: 3": byValidation,
  "status.json: an invalid status is refused: 2": byValidation,
  "metadata.json: two owners that both control are refused": byValidation,
  "metadata.json: a label with an invalid key or value is refused": byValidation,
  "metadata.json: an owner without a uid is refused": "refused here already, as a list item without its key",
  "role.json: no rules": byZeroValue,
  "namespace.json: apply creates it with its label and finalizer: 2": byZeroValue,
  "namespace.json: apply creates it with its label and finalizer: 3": byZeroValue,
  "namespace.json: apply creates it with its label and finalizer: 4": byZeroValue,
  "namespace.json: a create, then an apply": byZeroValue,
  "role.json: a rule without verbs is refused": byValidation,
  "rolebinding.json: roleRef cannot change: 2": byValidation,
  "rolebinding.json: roleRef cannot change: 3": byValidation,
  "rolebinding.json: no roleRef is refused": byValidation,
  "rolebinding.json: a dropped roleRef: 2": byValidation,
  "rolebinding.json: an unknown kind of subject is refused": byValidation,
  "serviceaccount.json: a wrong type: 2": "decoding a body is the server's",
  "serviceaccount.json: a strategic merge patch merges secrets by name": "strategic merge is the server's",
  "namespace.json: conditions in status are a map by type":
    "a condition without a time gets Go's zero time, null, before ownership is looked at",
  "values.json: a float in int-or-string is refused: 1": byValidation,
  "values.json: a string in an integer field is refused: 2": byValidation,
  "values.json: a value outside the enum is refused: 1": byValidation,
  "managed-fields.json: an entry of an apiVersion that is not served takes its neighbours with it: 2":
    "kube-apiserver then drops every entry of a custom resource; here only that entry goes",
  "managed-fields.json: an entry of an apiVersion that is not served takes its neighbours with it: 3": "follows from the step before",
  "managed-fields.json: an entry of an apiVersion that is not served takes its neighbours with it: 4": "follows from the step before",
  "requests.json: unknown fields in create, update and merge patch": "strict decoding is the server's",
  "requests.json: an unknown value of fieldValidation is refused": byRequest,
  "requests.json: an unknown value of dryRun is refused": byRequest,
  "requests.json: no field manager is refused": byRequest,
  "requests.json: an empty field manager is refused": byRequest,
  "requests.json: a field manager of 129 characters is refused": byRequest,
  "requests.json: a field manager with characters that do not print is refused": byRequest,
  "requests.json: force with another verb is refused": byRequest,
  "requests.json: no name in the body is refused": byRequest,
  "requests.json: no metadata in the body is refused": byRequest,
  "requests.json: another name than the URL's is refused": byRequest,
  "requests.json: another namespace than the URL's is refused": byRequest,
  "requests.json: a namespace that does not exist is refused": byRequest,
  "requests.json: generateName alone is refused": byRequest,
  "requests.json: a name that is no DNS name is refused": byValidation,
  "requests.json: a body that is no object is refused": byRequest,
  "requests.json: another kind is refused": byRequest,
  "requests.json: another apiVersion is refused": byRequest,
  "requests.json: another group is refused": byRequest,
  "requests.json: a resourceVersion in the body guards the apply: 5": byRequest,
  "requests.json: a resourceVersion in the body guards the apply: 6": byRequest,
  "requests.json: a uid for an absent object is refused": byRequest,
  "requests.json: a uid that is not the live one is refused, the live one accepted: 2": byRequest,
};

const known = new Set<string>();
const folder = join(import.meta.dirname, "../fixtures/apply-corpus");

test("every exception names a case of the corpus", () => {
  const unknown = Object.keys(elsewhere).filter((key) => !known.has(key) && !known.has(key.replace(/: \d+$/, "")));
  assert.deepEqual(unknown, []);
});

for (const file of globSync("*.json", { cwd: folder }).sort()) {
  const content = JSON.parse(readFileSync(join(folder, file), "utf8")) as CorpusFile;
  if (!("cases" in content)) continue;
  describe(`${file}: ${content.title} (${content.source})`, () => {
    for (const each of content.cases) {
      known.add(`${file}: ${each.name}`);
      test(each.name, { skip: elsewhere[`${file}: ${each.name}`] ?? false }, (t) => {
        const steps = each.steps.map((step, index) => ({ ...step, elsewhere: elsewhere[`${file}: ${each.name}: ${index + 1}`] }));
        for (const { elsewhere: reason, request } of steps)
          if (reason !== undefined) t.diagnostic(`${request.verb} passed over: ${reason}`);
        replay(content, steps);
      });
    }
  });
}

type Step = CorpusFile["cases"][number]["steps"][number] & { readonly elsewhere: string | undefined };

function replay({ kind, schema }: CorpusFile, steps: readonly Step[]): void {
  const server = thinServer(kind, schema as SchemaNode);
  let first = "";
  for (const [index, { request, response, elsewhere: reason }] of steps.entries()) {
    if (reason !== undefined) continue;
    const before = server.stored();
    const now = `2026-01-01T00:00:${String(index).padStart(2, "0")}Z`;
    const reply = server.send({ ...request, body: fill(request.body, before, first) }, now);
    if (first === "") first = textOf(metadataOf(server.stored())["resourceVersion"]);
    const what = `step ${String(index + 1)}: ${request.verb} by ${request.manager ?? "nobody"}`;
    const wanted = expected(response);
    assert.deepEqual(naming(seen(reply, before, server.stored()), wanted), wanted, what);
  }
}

function seen(reply: Reply, before: JsonObject | undefined, after: JsonObject | undefined): JsonObject {
  return {
    code: reply.code,
    ...(reply.object === undefined ? {} : { object: normalObject(reply.object) }),
    ...(reply.code === 500 || reply.code === 400 ? { message: plainly(reply.message ?? "") } : {}),
    ...(reply.code === 409 && reply.causes !== undefined ? conflict(reply.message ?? "", reply.causes) : {}),
    resourceVersionChanged: metadataOf(before)["resourceVersion"] !== metadataOf(after)["resourceVersion"],
    timesChanged: timesChanged(before, after),
  };
}

function expected({ code, object, status, resourceVersionChanged, timesChanged }: Response): JsonObject {
  const details = status?.["details"];
  const causes = typeof details === "object" && details !== null && "causes" in details ? details.causes : undefined;
  const isConflict = code === 409 && Array.isArray(causes) && textOf(status?.["message"]).startsWith("Apply failed");
  return {
    code,
    ...(object === undefined ? {} : { object }),
    ...(code === 500 || code === 400 ? { message: plainly(textOf(status?.["message"])) } : {}),
    ...(isConflict ? conflict(textOf(status?.["message"]), causes as JsonObject[]) : {}),
    resourceVersionChanged,
    timesChanged,
  };
}

/** kube-apiserver names one of several unknown fields, whichever it meets first; all are named here. */
function naming(found: JsonObject, wanted: JsonObject): JsonObject {
  const cause = textOf(wanted["message"]).split("): ")[1];
  const isNamed = cause !== undefined && textOf(found["message"]).split("\n").includes(`  ${cause}`);
  return isNamed ? { ...found, message: textOf(wanted["message"]) } : found;
}

/** kube-apiserver prints the Go value it got, Slipway names its type: both without it. */
function plainly(message: string): string {
  return message.replace(/, got .*/, "");
}

/** Causes come in no fixed order from a real server. */
function conflict(message: string, causes: readonly JsonObject[]): JsonObject {
  const sorted = causes.map((cause) => JSON.stringify([cause["reason"], cause["message"], cause["field"]])).sort();
  return { message: textOf(normalStatus({ message }, undefined)["message"]), causes: sorted };
}
