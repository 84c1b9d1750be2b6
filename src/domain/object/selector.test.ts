import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type LabelRequirement,
  type LabelSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
} from "./selector.ts";

const labels = { app: "shop", tier: "web", weight: "20", empty: "" };

for (const [text, matches] of [
  ["", true],
  ["  ", true],
  ["app", true],
  ["!app", false],
  ["! other", true],
  ["app=shop", true],
  ["app==shop", true],
  ["app = shop , tier = web", true],
  ["app=shop,tier=db", false],
  ["app!=shop", false],
  ["other!=x", true],
  ["other=", false],
  ["empty=", true],
  ["app in (a,shop)", true],
  ["app in (a, b),tier=web", false],
  ["app notin (a,b)", true],
  ["other notin (a)", true],
  ["app in ()", false],
  ["empty in ()", true],
  ["weight>10", true],
  ["weight>20", false],
  ["weight<21,weight>19", true],
  ["app>1", false],
  ["other<1", false],
  ["slipway.dev/app!=x", true],
] as const)
  test(`the selector "${text}" ${matches ? "matches" : "does not match"}`, () => {
    assert.equal(matchesLabels(parseLabelSelector(text), labels), matches);
  });

for (const text of [
  ",",
  "a,",
  "=",
  "a=b=c",
  "a b",
  "a in b",
  "a in (b",
  "in (a)",
  "a=ü",
  "-a",
  "a=-b",
  `a=${"b".repeat(64)}`,
  "a>b",
  "a>1.5",
  "UPPER.dev/x/y",
  "a!b",
  "(a)",
  "a===b",
  "__proto__",
  "a in (b,c d)",
])
  test(`"${text.slice(0, 30)}" is no selector, and the message quotes it`, () => {
    assert.throws(
      () => parseLabelSelector(text),
      (error) => error instanceof SelectorError && error.message.length > 20,
    );
  });

const names = fc.stringMatching(/^[a-z]([-a-z0-9_.]{0,10}[a-z0-9])?$/);
const values = fc.stringMatching(/^([a-zA-Z0-9]([-a-z0-9_.]{0,10}[a-z0-9])?)?$/);
const own = { noNullPrototype: true } as const;
const requirements: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ operator: fc.constantFrom("exists" as const, "notExists" as const), label: names }, own),
  fc.record(
    { operator: fc.constantFrom("in" as const, "notIn" as const), label: names, values: fc.array(values, { minLength: 1, maxLength: 3 }) },
    own,
  ),
  fc.record({ operator: fc.constantFrom("greaterThan" as const, "lessThan" as const), label: names, than: fc.integer() }, own),
);

function written(requirement: LabelRequirement): string {
  switch (requirement.operator) {
    case "exists":
      return requirement.label;
    case "notExists":
      return `!${requirement.label}`;
    case "in":
    case "notIn":
      return `${requirement.label} ${requirement.operator.toLowerCase()} (${requirement.values.join(",")})`;
    case "greaterThan":
      return `${requirement.label}>${requirement.than}`;
    case "lessThan":
      return `${requirement.label}<${requirement.than}`;
  }
}

test("a selector that is written down is read as what it was", () => {
  fc.assert(
    fc.property(fc.array(requirements, { maxLength: 5 }), (selector: LabelSelector) => {
      assert.deepEqual(parseLabelSelector(selector.map(written).join(",")), selector);
    }),
  );
});

test("each pair of opposites holds for exactly one of the two, whatever the labels are", () => {
  const someLabels = fc.dictionary(names, values, { noNullPrototype: true });
  fc.assert(
    fc.property(someLabels, names, fc.array(values, { minLength: 1 }), (of, label, list) => {
      assert.notEqual(matchesLabels([{ operator: "exists", label }], of), matchesLabels([{ operator: "notExists", label }], of));
      assert.notEqual(
        matchesLabels([{ operator: "in", label, values: list }], of),
        matchesLabels([{ operator: "notIn", label, values: list }], of),
      );
    }),
  );
});

test("more requirements never match more", () => {
  const someLabels = fc.dictionary(names, values, { noNullPrototype: true });
  fc.assert(
    fc.property(someLabels, fc.array(requirements), requirements, (of, selector, more) => {
      assert.ok(matchesLabels(selector, of) || !matchesLabels([...selector, more], of));
    }),
  );
});

test("a label that every JavaScript object answers to is absent", () => {
  assert.equal(matchesLabels([{ operator: "exists", label: "constructor" }], {}), false);
  assert.equal(matchesLabels([{ operator: "notExists", label: "toString" }], undefined), true);
});

for (const [text, matches] of [
  ["", true],
  ["metadata.name=app", true],
  ["metadata.name==app,status.phase!=Failed", true],
  ["metadata.name!=app", false],
  ["spec.absent=", true],
  ["spec.absent=x", false],
  ["toString=", true],
  ["message=a\\,b\\=c\\\\d", true],
  ["message=a", false],
] as const)
  test(`the field selector "${text}" ${matches ? "matches" : "does not match"}`, () => {
    assert.equal(
      matchesFields(parseFieldSelector(text), { "metadata.name": "app", "status.phase": "Active", message: "a,b=c\\d" }),
      matches,
    );
  });

for (const text of ["metadata.name", "=x", "a>b", "a in (b)", "!a"])
  test(`"${text}" is no field selector`, () => {
    assert.throws(() => parseFieldSelector(text), SelectorError);
  });

test("a value with commas, equals signs and backslashes is found when they are escaped", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", ",", "=", "\\", " ", "\n", "ü")).map((parts) => parts.join("")),
      (value) => {
        const [requirement] = parseFieldSelector(`f=${value.replaceAll(/[\\,=]/g, "\\$&")}`);
        assert.deepEqual(requirement, { field: "f", operator: "equals", value });
      },
    ),
  );
});
