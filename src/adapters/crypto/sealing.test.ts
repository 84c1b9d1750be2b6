import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { KeyStore } from "../../ports/key-store.ts";
import { PortError } from "../../ports/port-error.ts";
import { masterKey, type MasterKeys } from "./master-key.ts";
import { masterKeyFromText } from "./master-key-file.ts";
import { sealer } from "./sealer.ts";
import { wrappedKeys } from "./wrapped-keys.ts";

const key = (byte: number) => masterKey(new Uint8Array(32).fill(byte));
const keys = (current: number, ...old: readonly number[]): MasterKeys => ({ current: key(current), old: old.map(key) });
const isSecret = ({ group, resource }: Pick<ObjectKey, "group" | "resource">): boolean => group === "" && resource === "secrets";
const at = (name: string, namespace = "shop"): ObjectKey => ({ group: "", resource: "secrets", namespace, name });

const refusedWith = (message: RegExp) => (error: unknown) =>
  error instanceof PortError && error.outcome === "refused" && message.test(error.message);

test("what was sealed comes back, and cannot be read from what is stored", () => {
  const seal = sealer(keys(1), isSecret);
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 200 }).filter((text) => text.isWellFormed()),
      (text) => {
        const sealed = seal.seal(text, at("a"));
        assert.equal(seal.open(sealed, at("a")), text);
        assert.match(sealed, /^slipway-sealed-1:[A-Za-z0-9+/]+=*$/);
        assert.notEqual(seal.seal(text, at("a")), sealed);
      },
    ),
  );
  assert.ok(!Buffer.from(seal.seal("password=hunter2", at("a")).slice(17), "base64").includes("hunter2"));
});

test("only the resources named are sealed", () => {
  const seal = sealer(keys(1), isSecret);
  assert.deepEqual([seal.seals(at("a")), seal.seals({ group: "slipway.dev", resource: "syncs" })], [true, false]);
});

test("a sealed text moved to another object does not open", () => {
  const seal = sealer(keys(1), isSecret);
  const sealed = seal.seal("x", at("a"));
  for (const other of [at("b"), at("a", "web"), { ...at("a"), group: "x" }])
    assert.throws(() => seal.open(sealed, other), refusedWith(/altered in the store, or moved there/));
});

test("a text with any byte altered does not open", () => {
  const seal = sealer(keys(1), isSecret);
  const bytes = Buffer.from(seal.seal("attack at dawn", at("a")).slice("slipway-sealed-1:".length), "base64");
  for (let place = 0; place < bytes.length; place += 1) {
    const altered = Buffer.from(bytes);
    altered[place] = (altered[place] ?? 0) ^ 1;
    assert.throws(
      () => seal.open(`slipway-sealed-1:${altered.toString("base64")}`, at("a")),
      refusedWith(/^secrets "a" in the namespace "shop" /),
      `byte ${place}`,
    );
  }
  for (const short of [
    "",
    "slipway-sealed-1:",
    "slipway-sealed-1:AQ==",
    "slipway-sealed-2:AAAA",
    '{"data":{}}',
    `slipway-sealed-1:${bytes.subarray(0, 36).toString("base64")}`,
  ])
    assert.throws(() => seal.open(short, at("a")), refusedWith(/secrets "a"/), short);
});

test("the wrong master key names both keys and the way out", () => {
  const sealed = sealer(keys(1), isSecret).seal("x", at("a"));
  assert.throws(
    () => sealer(keys(2, 3), isSecret).open(sealed, at("a")),
    (error: Error) => {
      for (const fingerprint of [1, 2, 3].map((byte) => key(byte).fingerprint)) assert.ok(error.message.includes(fingerprint));
      return refusedWith(/start it with that key, or give that one as an old key/)(error);
    },
  );
});

test("after a change of the master key the old one still reads, and the new one writes", () => {
  const before = sealer(keys(1), isSecret).seal("x", at("a"));
  const after = sealer(keys(2, 1), isSecret);
  assert.equal(after.open(before, at("a")), "x");
  assert.equal(sealer(keys(2), isSecret).open(after.seal("y", at("a")), at("a")), "y");
});

function plainStore(): KeyStore & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    read: (name) => Promise.resolve(kept.get(name)),
    putIfAbsent(name, value) {
      if (!kept.has(name)) kept.set(name, value);
      return Promise.resolve(kept.get(name) ?? value);
    },
  };
}

test("a kept key comes back to everybody with the master key, and the store never has it in clear", async () => {
  const store = plainStore();
  const [first, second] = [wrappedKeys(store, keys(1)), wrappedKeys(store, keys(2, 1))];
  assert.equal(await first.read("ca"), undefined);
  assert.equal(Buffer.from(await first.putIfAbsent("ca", Buffer.from("the key"))).toString(), "the key");
  assert.equal(Buffer.from(await second.putIfAbsent("ca", Buffer.from("another"))).toString(), "the key");
  assert.equal(Buffer.from((await second.read("ca")) ?? []).toString(), "the key");
  assert.ok(!Buffer.from(store.kept.get("ca") ?? []).includes("the key"));
});

test("a key that was put under another name, or sealed as an object, does not open", async () => {
  const store = plainStore();
  await wrappedKeys(store, keys(1)).putIfAbsent("ca", Buffer.from("the key"));
  store.kept.set("other", store.kept.get("ca") ?? new Uint8Array());
  await assert.rejects(wrappedKeys(store, keys(1)).read("other"), refusedWith(/the key "other"/));
  await assert.rejects(wrappedKeys(store, keys(2)).read("ca"), refusedWith(new RegExp(key(2).fingerprint)));
  store.kept.set("ca", Buffer.from(sealer(keys(1), isSecret).seal("x", at("a")).slice(17), "base64"));
  await assert.rejects(wrappedKeys(store, keys(1)).read("ca"), refusedWith(/altered/));
});

test("a master key may be given as base64 or hex, and nothing else passes for one", () => {
  const bytes = Buffer.alloc(32, 7);
  for (const text of [
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    `${bytes.toString("hex").toUpperCase()}\n`,
  ])
    assert.equal(masterKeyFromText(text, "SLIPWAY_MASTER_KEY").fingerprint, key(7).fingerprint);
  for (const text of [
    "",
    "password",
    bytes.toString("hex").slice(1),
    bytes.subarray(1).toString("base64"),
    Buffer.alloc(33, 7).toString("base64"),
    `${bytes.toString("base64")} x`,
    "é".repeat(43),
  ])
    assert.throws(
      () => masterKeyFromText(text, "SLIPWAY_MASTER_KEY"),
      (error: Error) => refusedWith(/^SLIPWAY_MASTER_KEY is no master key/)(error) && (text === "" || !error.message.includes(text)),
    );
});
