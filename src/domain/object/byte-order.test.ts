import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareBytes, compareNames } from "./byte-order.ts";

const sign = (order: number): number => Math.sign(order);

test("texts sort as their UTF-8 bytes do", () => {
  const texts = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(texts, texts, (a, b) => assert.equal(sign(compareBytes(a, b)), sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))),
  );
  assert.equal(sign(compareBytes("\u{10000}", "\uffee")), 1);
});

test("namespaces come before names", () => {
  assert.equal(sign(compareNames({ namespace: "a", name: "z" }, { namespace: "b", name: "a" })), -1);
  assert.equal(sign(compareNames({ namespace: "a", name: "z" }, { namespace: "a", name: "a" })), 1);
  assert.equal(compareNames({ namespace: "a", name: "a" }, { namespace: "a", name: "a" }), 0);
});
