import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { allows, policyRule, readRules, ruleObject, type Asked, type PolicyRule } from "./policy-rule.ts";
import { arbitraryAsked, arbitraryRules } from "../../../test/fixtures/access/arbitrary.ts";

const sync = (more: Partial<Extract<Asked, { resource: string }>> = {}): Asked => ({
  ...{ verb: "get", group: "slipway.dev", resource: "syncs", subresource: "", namespace: "shop", name: "app" },
  ...more,
});
const rule = (more: Partial<PolicyRule>): PolicyRule =>
  policyRule({ verbs: ["get"], apiGroups: ["slipway.dev"], resources: ["syncs"], ...more });

const cases: readonly { readonly name: string; readonly rule: PolicyRule; readonly asked: Asked; readonly allowed: boolean }[] = [
  { name: "what is named is allowed", rule: rule({}), asked: sync(), allowed: true },
  { name: "another verb is not", rule: rule({}), asked: sync({ verb: "delete" }), allowed: false },
  { name: "another group is not", rule: rule({}), asked: sync({ group: "" }), allowed: false },
  { name: "* is every verb", rule: rule({ verbs: ["*"] }), asked: sync({ verb: "promote" }), allowed: true },
  { name: "* is every group", rule: rule({ apiGroups: ["*"] }), asked: sync({ group: "x" }), allowed: true },
  { name: "a resource is not its subresource", rule: rule({}), asked: sync({ subresource: "status" }), allowed: false },
  { name: "a subresource is not its resource", rule: rule({ resources: ["syncs/status"] }), asked: sync(), allowed: false },
  {
    name: "a subresource is named with its resource",
    rule: rule({ resources: ["syncs/status"] }),
    asked: sync({ subresource: "status" }),
    allowed: true,
  },
  { name: "*/status is every status", rule: rule({ resources: ["*/status"] }), asked: sync({ subresource: "status" }), allowed: true },
  { name: "*/status is no resource itself", rule: rule({ resources: ["*/status"] }), asked: sync(), allowed: false },
  {
    name: "*/status is no other subresource",
    rule: rule({ resources: ["*/status"] }),
    asked: sync({ subresource: "token" }),
    allowed: false,
  },
  { name: "* is every subresource too", rule: rule({ resources: ["*"] }), asked: sync({ subresource: "status" }), allowed: true },
  { name: "syncs/* is not a wildcard", rule: rule({ resources: ["syncs/*"] }), asked: sync({ subresource: "status" }), allowed: false },
  { name: "a name allows that object", rule: rule({ resourceNames: ["app"] }), asked: sync(), allowed: true },
  { name: "a name allows no other object", rule: rule({ resourceNames: ["app"] }), asked: sync({ name: "web" }), allowed: false },
  {
    name: "a name allows no request without one",
    rule: rule({ verbs: ["list"], resourceNames: ["app"] }),
    asked: sync({ verb: "list", name: "" }),
    allowed: false,
  },
  { name: "a name is not a pattern", rule: rule({ resourceNames: ["*"] }), asked: sync(), allowed: false },
  {
    name: "a rule on resources says nothing of paths",
    rule: rule({ verbs: ["*"], resources: ["*"] }),
    asked: { verb: "get", path: "/metrics" },
    allowed: false,
  },
  {
    name: "a path is allowed as written",
    rule: rule({ nonResourceURLs: ["/metrics"] }),
    asked: { verb: "get", path: "/metrics" },
    allowed: true,
  },
  {
    name: "a path is not its children",
    rule: rule({ nonResourceURLs: ["/metrics"] }),
    asked: { verb: "get", path: "/metrics/a" },
    allowed: false,
  },
  {
    name: "* at the end of a path is any rest",
    rule: rule({ nonResourceURLs: ["/logs/*"] }),
    asked: { verb: "get", path: "/logs/a/b" },
    allowed: true,
  },
  {
    name: "* in the middle of a path is itself",
    rule: rule({ nonResourceURLs: ["/a*b"] }),
    asked: { verb: "get", path: "/axb" },
    allowed: false,
  },
  { name: "* is every path", rule: rule({ nonResourceURLs: ["*"] }), asked: { verb: "get", path: "/" }, allowed: true },
  { name: "the empty rule gives nothing", rule: policyRule({}), asked: sync(), allowed: false },
];
for (const { name, rule: given, asked, allowed } of cases) test(`a rule: ${name}`, () => assert.equal(allows([given], asked), allowed));

test("a stored rule that is broken gives no right", () => {
  const asked = sync();
  for (const broken of [
    null,
    7,
    "x",
    {},
    [],
    [null],
    ["x"],
    [{}],
    [{ verbs: "get", apiGroups: ["*"], resources: ["*"] }],
    [{ verbs: [1], apiGroups: ["*"], resources: ["*"] }],
  ])
    assert.equal(allows(readRules(broken), asked), false, JSON.stringify(broken));
});

test("a broken list of names does not become every name", () => {
  for (const resourceNames of ["app", {}, [7], [null]])
    assert.equal(allows(readRules([{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], resourceNames }]), sync()), false);
});

test("a rule is read as it was written", () => {
  fc.assert(fc.property(arbitraryRules, (rules) => assert.deepEqual(readRules(JSON.parse(JSON.stringify(rules.map(ruleObject)))), rules)));
});

test("more rules never allow less", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, arbitraryAsked, (rules, more, asked) => {
      if (allows(rules, asked)) assert.ok(allows([...more, ...rules], asked) && allows([...rules, ...more], asked));
    }),
  );
});
