import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { findKinds } from "../api/client/find-kind.ts";
import { ConnectError } from "../api/client/transport.ts";
import { StatusError } from "../api/client/status-error.ts";
import { completionOf } from "./complete.ts";
import { desiredOf } from "./desired.ts";
import { secondsOf } from "./duration-flag.ts";
import { explainError } from "./explain-error.ts";
import { askedFor } from "./get.ts";
import { parseManifests } from "./manifests.ts";
import { ownerOf } from "./new-token.ts";
import { changeLine, fittingLines, pictureLines, statusItem } from "./status-picture.ts";
import { timelineOf } from "./timeline-entries.ts";
import { scopeOf } from "./token.ts";
import { addVerbs } from "./verbs.ts";
import { skewOf } from "./version-skew.ts";

const served = (kind: string, resource: string, group: string, more: object = {}) => ({
  group,
  version: group === "" ? "v1" : "v1alpha1",
  kind,
  resource,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: ["all"],
  namespaced: true,
  verbs: ["list", "get", "patch"],
  subresources: [],
  ...more,
});
const kinds = [
  served("Namespace", "namespaces", "", { namespaced: false, shortNames: ["ns"], categories: [] }),
  served("Event", "events", ""),
  served("Event", "events", "events.example"),
  served("Sync", "syncs", "slipway.dev"),
  served("GitRepository", "gitrepositories", "slipway.dev", { shortNames: ["gitrepo"] }),
];

for (const [word, found] of [
  ["sync", "syncs"],
  ["SYNCS", "syncs"],
  ["gitrepo", "gitrepositories"],
  ["syncs.slipway.dev", "syncs"],
  ["sync.v1alpha1.slipway.dev", "syncs"],
  ["event", "events"],
] as const)
  test(`a kind is found by "${word}"`, () => {
    const { found: result } = findKinds(word, kinds);
    assert.ok(typeof result !== "string");
    assert.deepEqual(
      result.map(({ group, resource }) => `${resource}${group === "events.example" ? " of the wrong group" : ""}`),
      [found],
    );
  });

test("a misspelt kind is answered with the nearest", () => {
  assert.deepEqual(findKinds("sycns", kinds), { found: "none", nearest: "syncs" });
  assert.throws(() => askedFor(["gitrepositry"], kinds), /did you mean "gitrepository"\?/);
});

for (const { words, asked } of [
  { words: ["sync,ns"], asked: ["syncs", "namespaces"] },
  { words: ["sync", "a", "a", "b"], asked: ["syncs a b"] },
  { words: ["sync/a", "ns/b", "sync/c"], asked: ["syncs a c", "namespaces b"] },
  { words: ["all"], asked: ["events", "events", "syncs", "gitrepositories"] },
])
  test(`get understands ${words.join(" ")}`, () =>
    assert.deepEqual(
      askedFor(words, kinds).map(({ kind, names }) => [kind.resource, ...names].join(" ")),
      asked,
    ));

for (const words of [["sync,ns", "a"], ["sync/a", "b"], ["sync/"], ["/a"], ["sync/a/b"], ["all/x"]])
  test(`get refuses ${words.join(" ")}`, () => assert.throws(() => askedFor(words, kinds), { name: "CliError" }));

test("a scope is read as verbs, groups, resources and namespaces", () => {
  assert.deepEqual(scopeOf("get,list:slipway.dev/syncs,users/token@shop,prod"), {
    verbs: ["get", "list"],
    apiGroups: ["slipway.dev"],
    resources: ["syncs", "users/token"],
    namespaces: ["shop", "prod"],
  });
  assert.deepEqual(scopeOf("get:/secrets"), { verbs: ["get"], apiGroups: [""], resources: ["secrets"] });
  for (const bad of ["get", "get:secrets", ":a/b", "get:a/", "get:a/b@"]) assert.throws(() => scopeOf(bad), /write for example/, bad);
});

test("the owner of a token is a user or a service account", () => {
  assert.deepEqual(ownerOf("jane"), { kind: "User", name: "jane" });
  assert.deepEqual(ownerOf("serviceaccount/shop/deployer"), { kind: "ServiceAccount", namespace: "shop", name: "deployer" });
  for (const bad of ["", "a/b", "sa/b", "serviceaccount//x", "sa/a/b/c"]) assert.throws(() => ownerOf(bad), /neither a user/, bad);
});

test("lengths of time are read with days and more", () => {
  assert.deepEqual(
    ["90d", "1h30m", "2w"].map((text) => secondsOf("--expires", text)),
    [7_776_000, 5400, 1_209_600],
  );
  for (const bad of ["", "90", "-1d", "1.5h", "d"]) assert.throws(() => secondsOf("--expires", bad), /no length of time/, bad);
});

for (const [client, server, kind] of [
  ["0.4.1", "0.4.9", "same"],
  ["0.4.0", "0.5.0", "supported"],
  ["0.5.0", "0.3.0", "tooFar"],
  ["1.0.0", "0.9.0", "tooFar"],
  ["1.0.0", "v1.35.0", "unknown"],
] as const)
  test(`client ${client} with server ${server}: ${kind}`, () => assert.equal(skewOf(client, server).kind, kind));

for (const { name, text, says } of [
  { name: "broken YAML", text: "a: b\nc: [\n", says: /^f\.yaml:\d+:\d+: / },
  { name: "a key twice", text: "apiVersion: v1\nkind: X\nkind: Y\n", says: /f\.yaml:3:1: / },
  {
    name: "no object, second document",
    text: "apiVersion: v1\nkind: X\nmetadata: {name: a}\n---\nfoo: 1\n",
    says: /f\.yaml:5:1: this is no object/,
  },
  { name: "no name", text: "apiVersion: v1\nkind: X\nmetadata: {}\n", says: /f\.yaml:1:1: this X has no metadata.name/ },
  {
    name: "an alias bomb",
    text: `a: &a [x]\n${"bcdefghij"
      .split("")
      .map(
        (key, at) =>
          `${key}: &${key} [${Array(9)
            .fill(`*${"abcdefghi"[at] ?? ""}`)
            .join(",")}]`,
      )
      .join("\n")}\n`,
    says: /f\.yaml:1:1: /,
  },
])
  test(`a file is refused with its place: ${name}`, () =>
    assert.rejects(parseManifests("f.yaml", text), (error: Error) => says.test(error.message)));

const manifest = (kind: string, metadata: object, apiVersion = "slipway.dev/v1alpha1") => ({
  object: { apiVersion, kind, metadata } as never,
  where: "f:1:1",
});
const inShop = { asked: undefined, otherwise: "shop" };

test("Namespaces are applied first, and objects go where the file, the flag or the context says", () => {
  const all = [
    manifest("Sync", { name: "a" }),
    manifest("Sync", { name: "b", namespace: "other" }),
    manifest("Namespace", { name: "other" }, "v1"),
  ];
  assert.deepEqual(
    desiredOf(all, kinds, inShop).map(({ place }) => `${place.namespace}/${place.name}`),
    ["/other", "shop/a", "other/b"],
  );
});

for (const { name, of, namespace, says } of [
  {
    name: "a kind in the wrong version",
    of: manifest("Sync", { name: "a" }, "slipway.dev/v1"),
    namespace: inShop,
    says: /f:1:1: .*did you mean Sync in slipway.dev\/v1alpha1\?/,
  },
  { name: "a misspelt kind", of: manifest("Snyc", { name: "a" }), namespace: inShop, says: /did you mean Sync/ },
  {
    name: "two namespaces",
    of: manifest("Sync", { name: "a", namespace: "x" }),
    namespace: { asked: "y", otherwise: "shop" },
    says: /remove one of them/,
  },
  {
    name: "a namespace where there is none",
    of: manifest("Namespace", { name: "a", namespace: "x" }, "v1"),
    namespace: inShop,
    says: /remove metadata.namespace/,
  },
])
  test(`a manifest is refused with the way out: ${name}`, () => assert.throws(() => desiredOf([of], kinds, namespace), says));

const where = { server: "https://h:1", kubeconfig: "/k", user: "jane" };
const status = (code: number, message: string) => new StatusError({ code, reason: "", message, causes: [] });
for (const { name, error, exit, says } of [
  {
    name: "no server",
    error: new ConnectError("refused", "", { sent: false }),
    exit: "notFound",
    says: /https:\/\/h:1 \(from \/k\); start it with `slipway serve`/,
  },
  {
    name: "another CA",
    error: new ConnectError("untrusted", "", { sent: false }),
    exit: "forbidden",
    says: /another CA than the one in \/k/,
  },
  {
    name: "too slow, perhaps done",
    error: new ConnectError("timedOut", "late", { sent: true }),
    exit: "timedOut",
    says: /may have been done/,
  },
  {
    name: "an expired token",
    error: status(401, "Unauthorized: the token has expired"),
    exit: "forbidden",
    says: /token of "jane" in \/k: the token has expired; .*slipway token create jane/,
  },
  {
    name: "a user who was shut out",
    error: status(401, 'Unauthorized: the user "jane" is disabled'),
    exit: "forbidden",
    says: /"jane" is disabled; an administrator may let the user in again with `kubectl patch user jane /,
  },
  {
    name: "a missing right",
    error: status(403, 'syncs is forbidden: User "jane" cannot list resource "syncs" in API group "slipway.dev" in the namespace "shop"'),
    exit: "forbidden",
    says: /\{verbs: \[list\], apiGroups: \["slipway.dev"\], resources: \[syncs\]\}; .* Role in namespace shop/,
  },
  { name: "not there", error: status(404, "no"), exit: "notFound", says: /^no$/ },
  { name: "a conflict", error: status(409, "no"), exit: "conflict", says: /^no$/ },
] as const)
  test(`an error names the thing and the way out: ${name}`, () => {
    const explained = explainError(error, where);
    assert.equal(explained?.exit, exit);
    assert.match(explained.message, says);
  });

test("what is no answer of a port is a fault of the program", () => assert.equal(explainError(new TypeError("x"), where), undefined));

const program = new Command("slipway");
addVerbs(program, { release: "0.0.0", dataDirectory: async () => "/nowhere" });
for (const { words, completion } of [
  { words: ["get", ""], completion: { of: "kinds" } },
  { words: ["get", "-n", "shop", "sync", ""], completion: { of: "names", kind: "sync" } },
  { words: ["get", "-o", ""], completion: { of: "words", words: ["json", "yaml", "wide", "name"] } },
  { words: ["get", "--namespace", ""], completion: { of: "namespaces" } },
  { words: ["why", "sync/"], completion: { of: "kindAndName" } },
  { words: ["apply", "-f", ""], completion: { of: "files" } },
  { words: ["user", "disable", ""], completion: { of: "users" } },
  { words: ["user", ""], completion: { of: "words", words: ["create", "list", "disable", "delete"] } },
])
  test(`completion of "${words.join(" ")}"`, () => assert.deepEqual(completionOf(program, words).completion, completion));

test("completion of the context takes the flags that are there already", () => {
  assert.deepEqual(completionOf(program, ["get", "--kubeconfig", "/k", "-n", "shop", "sync", ""]).flags, {
    kubeconfig: "/k",
    namespace: "shop",
  });
});

const item = statusItem({
  apiVersion: "slipway.dev/v1alpha1",
  kind: "Sync",
  metadata: { name: "shop", namespace: "shop", creationTimestamp: "2026-01-31T12:00:00Z" },
  status: {
    conditions: [{ type: "Ready", status: "False", reason: "Refused", message: "not \x1b[2J allowed", lastTransitionTime: "" }],
    commit: "a".repeat(40),
    counts: { objects: 1 },
  },
});

test("the picture says what is in the way below what is not ready, safely", () => {
  assert.deepEqual(
    pictureLines([item], Date.parse("2026-01-31T12:05:00Z"), (_style, text) => text, { withNamespace: false }),
    [
      "KIND   NAME   READY   APPLIED                   AGE",
      "Sync   shop   False   aaaaaaaaaaaa (1 object)   5m",
      "  because: not \\x1b[2J allowed",
    ],
  );
  assert.equal(changeLine("T", item), "T sync/shop ready=False reason=Refused applied=aaaaaaaaaaaa (1 object): not \\x1b[2J allowed");
});

test("the picture never needs more lines or columns than the terminal has", () => {
  const wide = { ...item, blockedBy: "word ".repeat(60) };
  const lines = fittingLines(
    pictureLines(Array<typeof item>(9).fill(wide), 0, (_style, text) => text, { withNamespace: true, columns: 40 }),
    12,
  );
  assert.ok(lines.length <= 11 && lines.every((line) => line.length <= 40), lines.join("\n"));
});

test("the timeline is in the order of time; an event of a second comes after the write in it", () => {
  const at = (time: string, what: string) => ({ time, what, about: "", who: "", why: "", isWarning: false });
  const all = [
    at("2026-01-31T12:00:01Z", "event"),
    at("2026-01-31T12:00:01.500Z", "write"),
    at("bad", "x"),
    at("2026-01-31T12:00:00Z", "old"),
  ];
  assert.deepEqual(
    timelineOf(all, undefined).map(({ what }) => what),
    ["old", "write", "event"],
  );
  assert.deepEqual(
    timelineOf(all, Date.parse("2026-01-31T12:00:01.400Z")).map(({ what }) => what),
    ["write", "event"],
  );
});
