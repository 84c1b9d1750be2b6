import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  isDnsLabel,
  isDnsSubdomain,
  isLabelValue,
  isPathSegment,
  isQualifiedName,
  nameRuleBroken,
  nearestName,
  prefixRuleBroken,
} from "./names.ts";

const cases: readonly {
  readonly name: string;
  readonly rule: (text: string) => boolean;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}[] = [
  {
    name: "DNS label",
    rule: isDnsLabel,
    good: ["a", "a-b", "0", "a".repeat(63)],
    bad: ["", "-a", "a-", "A", "a.b", "a_b", "ä", "a".repeat(64), "a\n"],
  },
  {
    name: "DNS subdomain",
    rule: isDnsSubdomain,
    good: ["a", "a.b", "shop.production", "a-b.c", "a".repeat(253)],
    bad: ["", ".a", "a.", "a..b", "a.-b", "A", "a".repeat(254), "a b"],
  },
  {
    name: "path segment",
    rule: isPathSegment,
    good: ["system:admin", "a b", "...", "Ä"],
    bad: ["", ".", "..", "a/b", "a%b", "a".repeat(1025)],
  },
  {
    name: "qualified name",
    rule: isQualifiedName,
    good: ["a", "A_b.c", "slipway.dev/cleanup", "a".repeat(63)],
    bad: ["", "/", "a/", "/a", "a/b/c", "a//b", "A.dev/x", "-a", "a".repeat(64), `${"a".repeat(254)}/b`],
  },
  { name: "label value", rule: isLabelValue, good: ["", "a", "A_b.c-1"], bad: ["-", "a b", "a/b", "a".repeat(64)] },
];
for (const { name, rule, good, bad } of cases) {
  test(`a ${name} is told from what is none`, () => {
    assert.deepEqual(
      good.filter((text) => !rule(text)),
      [],
    );
    assert.deepEqual(
      bad.filter((text) => rule(text)),
      [],
    );
  });
}

test("a broken name is answered with what a name consists of", () => {
  assert.equal(nameRuleBroken("label", "shop"), undefined);
  assert.match(nameRuleBroken("label", "Shop") ?? "", /lower case/);
  assert.match(nameRuleBroken("pathSegment", "a/b") ?? "", /without "\/"/);
});

test("a prefix may end in what a name may not end in, and leaves room for five characters", () => {
  assert.equal(prefixRuleBroken("label", "shop-"), undefined);
  assert.equal(prefixRuleBroken("label", "a".repeat(58)), undefined);
  assert.notEqual(prefixRuleBroken("label", "a".repeat(59)), undefined);
  assert.notEqual(prefixRuleBroken("label", "Shop-"), undefined);
});

test("the nearest name is the one meant", () => {
  const known = ["interval", "path", "prune", "selfHeal", "serviceAccountName"];
  assert.equal(nearestName("intervall", known), "interval");
  assert.equal(nearestName("selfheal", known), "selfHeal");
  assert.equal(nearestName("pruen", known), "prune");
  assert.equal(nearestName("serviceAccount", known), "serviceAccountName");
  assert.equal(nearestName("replicas", known), undefined);
  assert.equal(nearestName("x".repeat(10_000), known), undefined);
  assert.equal(nearestName("", []), undefined);
});

test("a name is nearest to itself", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 64 }), { minLength: 1, selector: (name) => name.toLowerCase() }),
      fc.nat(),
      (names, at) => {
        const name = names[at % names.length] ?? "";
        assert.equal(nearestName(name, names), name);
      },
    ),
  );
});
