import assert from "node:assert/strict";
import test from "node:test";
import protobuf from "protobufjs/light.js";
import { catalog } from "../api/catalog.ts";
import { openApiV2 } from "./openapi-v2.ts";
import { openApiV2Protobuf } from "./openapi-v2-protobuf.ts";

/** The length-delimited fields of a message with one number, read by the wire format alone: https://protobuf.dev/programming-guides/encoding/ */
function fields(bytes: Uint8Array, wanted: number): readonly Uint8Array[] {
  const reader = protobuf.Reader.create(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === ((wanted << 3) | 2)) found.push(reader.bytes().slice());
    else reader.skipType(tag & 7);
  }
  return found;
}

const [DEFINITIONS, ENTRIES, NAME, VALUE, REF, REQUIRED, TYPE, PROPERTIES, EXTENSIONS, YAML] = [9, 1, 1, 2, 1, 19, 22, 25, 31, 2];
const only = (bytes: Uint8Array, field: number): Uint8Array => fields(bytes, field)[0] ?? new Uint8Array();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
const entries = (bytes: Uint8Array): ReadonlyMap<string, Uint8Array> =>
  new Map(fields(bytes, ENTRIES).map((entry) => [text(only(entry, NAME)), only(entry, VALUE)]));

const document = openApiV2(catalog, "1.2.3");
const definitions = entries(only(openApiV2Protobuf(document), DEFINITIONS));

test("every definition of the JSON document is in the protobuf one", () => {
  assert.deepEqual([...definitions.keys()], Object.keys(Object(document["definitions"])));
});

test("a kind is found by its group, version and kind, with its fields, their types and what is required", () => {
  const sync = definitions.get("dev.slipway.v1alpha1.Sync") ?? new Uint8Array();
  const extensions = new Map(fields(sync, EXTENSIONS).map((entry) => [text(only(entry, NAME)), text(only(only(entry, VALUE), YAML))]));
  assert.equal(
    extensions.get("x-kubernetes-group-version-kind"),
    JSON.stringify([{ group: "slipway.dev", version: "v1alpha1", kind: "Sync" }]),
  );
  const properties = entries(only(sync, PROPERTIES));
  assert.equal(
    text(only(properties.get("metadata") ?? new Uint8Array(), REF)),
    "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
  );
  const spec = properties.get("spec") ?? new Uint8Array();
  assert.equal(text(only(only(spec, TYPE), ENTRIES)), "object");
  assert.deepEqual(fields(spec, REQUIRED).map(text), ["source", "serviceAccountName"]);
  assert.equal(text(only(only(entries(only(spec, PROPERTIES)).get("path") ?? new Uint8Array(), TYPE), ENTRIES)), "string");
});
