import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fingerprint } from "./fingerprint.ts";

test("it is 16 hex digits, the same for the same texts", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => {
      assert.match(fingerprint(texts), /^[0-9a-f]{16}$/);
      assert.equal(fingerprint(texts), fingerprint([...texts]));
    }),
  );
});

test("where one text ends and the next begins counts", () => {
  const lists = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"], [], [""], ["c", "ab"]];
  assert.equal(new Set(lists.map(fingerprint)).size, lists.length);
});

test("it is FNV-1a", () => {
  // http://www.isthe.com/chongo/tech/comp/fnv/: the empty text is the offset basis
  assert.equal(fingerprint([]), "cbf29ce484222325");
});
