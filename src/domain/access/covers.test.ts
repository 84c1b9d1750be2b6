import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { arbitraryAsked, arbitraryRules } from "../../../test/fixtures/access/arbitrary.ts";
import { covers, rightText } from "./covers.ts";
import { allows, policyRule, type PolicyRule } from "./policy-rule.ts";

const rule = (verbs: string, resources: string, more: Partial<PolicyRule> = {}): PolicyRule =>
  policyRule({ verbs: verbs.split(" "), apiGroups: ["slipway.dev"], resources: resources.split(" "), ...more });
const paths = (verbs: string, urls: string): PolicyRule => policyRule({ verbs: verbs.split(" "), nonResourceURLs: urls.split(" ") });
const cases: readonly {
  readonly name: string;
  readonly held: readonly PolicyRule[];
  readonly granted: readonly PolicyRule[];
  readonly covered: boolean;
}[] = [
  { name: "nothing is covered by nothing", held: [], granted: [], covered: true },
  { name: "something is not covered by nothing", held: [], granted: [rule("get", "syncs")], covered: false },
  {
    name: "several rules together cover one",
    held: [rule("get", "syncs"), rule("list", "syncs")],
    granted: [rule("get list", "syncs")],
    covered: true,
  },
  { name: "one lacking verb is seen", held: [rule("get list", "syncs")], granted: [rule("get list delete", "syncs")], covered: false },
  {
    name: "a list of everything there is does not cover *",
    held: [rule("get list watch create update patch delete deletecollection", "syncs")],
    granted: [rule("*", "syncs")],
    covered: false,
  },
  { name: "* covers *", held: [rule("*", "*")], granted: [rule("*", "* */status syncs/status syncs")], covered: true },
  { name: "*/status covers the status of one", held: [rule("get", "*/status")], granted: [rule("get", "syncs/status")], covered: true },
  {
    name: "the status of one does not cover */status",
    held: [rule("get", "syncs/status")],
    granted: [rule("get", "*/status")],
    covered: false,
  },
  {
    name: "a resource does not cover its subresource",
    held: [rule("get", "syncs")],
    granted: [rule("get", "syncs/status")],
    covered: false,
  },
  {
    name: "every name covers one name",
    held: [rule("get", "syncs")],
    granted: [rule("get", "syncs", { resourceNames: ["a"] })],
    covered: true,
  },
  {
    name: "one name does not cover every name",
    held: [rule("get", "syncs", { resourceNames: ["a"] })],
    granted: [rule("get", "syncs")],
    covered: false,
  },
  {
    name: "one name does not cover another",
    held: [rule("get", "syncs", { resourceNames: ["a"] })],
    granted: [rule("get", "syncs", { resourceNames: ["a", "b"] })],
    covered: false,
  },
  {
    name: "names may come from several rules",
    held: [rule("get", "syncs", { resourceNames: ["a"] }), rule("get", "syncs", { resourceNames: ["b"] })],
    granted: [rule("get", "syncs", { resourceNames: ["a", "b"] })],
    covered: true,
  },
  {
    name: "another group is not covered",
    held: [rule("get", "syncs")],
    granted: [rule("get", "syncs", { apiGroups: [""] })],
    covered: false,
  },
  {
    name: "a path pattern covers what it matches",
    held: [paths("get", "/logs/*")],
    granted: [paths("get", "/logs/a /logs/a/* /logs/*")],
    covered: true,
  },
  { name: "a path does not cover a pattern", held: [paths("get", "/logs")], granted: [paths("get", "/logs*")], covered: false },
  { name: "resources do not cover paths", held: [rule("*", "*", { apiGroups: ["*"] })], granted: [paths("get", "/")], covered: false },
];
for (const { name, held, granted, covered } of cases) test(`coverage: ${name}`, () => assert.equal(covers(held, granted).covered, covered));

test("what is lacking is named right by right, at most ten", () => {
  const found = covers([rule("get", "syncs")], [rule("get delete", "syncs gitrepositories")]);
  assert.deepEqual(found.covered ? [] : found.lacking.map(rightText), [
    "get gitrepositories.slipway.dev",
    "delete syncs.slipway.dev",
    "delete gitrepositories.slipway.dev",
  ]);
  const many = covers([], [rule("a b c d", "e f g h")]);
  assert.equal(many.covered ? 0 : many.lacking.length, 10);
});

test("a role made to be slow to check is refused at once", () => {
  const words = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `w${at}`);
  const huge = policyRule({ verbs: words(5000), apiGroups: words(5000), resources: words(5000) });
  const began = performance.now();
  assert.deepEqual(covers([rule("get", "syncs")], [huge]), { covered: false, lacking: [], tooMany: true });
  assert.ok(performance.now() - began < 1000);
  assert.deepEqual(covers([policyRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] })], [huge]), { covered: true });
});

test("everybody has what he has", () => {
  fc.assert(fc.property(arbitraryRules, (rules) => assert.ok(covers(rules, rules).covered)));
});

test("who covers somebody covers whom he covers", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, arbitraryRules, (a, b, c) => {
      if (covers(a, b).covered && covers(b, c).covered) assert.ok(covers(a, c).covered);
    }),
    { numRuns: 2000 },
  );
});

test("parts of what somebody has are covered", () => {
  fc.assert(fc.property(arbitraryRules, arbitraryRules, (rules, more) => assert.ok(covers([...more, ...rules], rules).covered)));
});

test("whoever covers rules may do everything they allow", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, arbitraryAsked, (held, granted, asked) => {
      if (covers(held, granted).covered && allows(granted, asked)) assert.ok(allows(held, asked));
    }),
    { numRuns: 5000 },
  );
});
