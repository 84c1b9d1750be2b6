import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { authorship, changeFault, commitsByKey, judgeChange } from "./change.ts";
import type { Content, GitChange } from "./change.ts";
import { cleanIdentity, joinedMessage, keysOf, messageWith, parseTrailers } from "./commit-message.ts";
import { shownName } from "./left-out.ts";
import { parseRevision, refNameFault } from "./ref-name.ts";
import { isLoopbackHost, parseRemoteUrl } from "./remote-url.ts";
import { looksLikeGit, normalTreePath, treePathFault } from "./tree-path.ts";

const parse = (url: string, allowPlainHttp = false) => parseRemoteUrl(url, { field: "spec.url", allowPlainHttp });
const limits = { depth: 32, pathBytes: 1024 };

describe("repository addresses", () => {
  for (const [url, kind] of [
    ["/srv/git/shop.git", "path"],
    ["/srv/with space/ü.git", "path"],
    ["file:///srv/git/shop%20a.git", "path"],
    ["file://localhost/srv/x", "path"],
    ["https://github.com/o/r", "https"],
    ["https://host:8443/a/b.git", "https"],
    ["https://[::1]:8443/x", "https"],
    ["HTTPS://Host/x%20y", "https"],
    ["ssh://git@host/o/r.git", "ssh"],
    ["ssh://host:2222/~/r", "ssh"],
    ["git@github.com:o/r.git", "ssh"],
    ["git@host:/abs/path", "ssh"],
    ["deploy@10.0.0.1:r", "ssh"],
  ] as const)
    test(`${url} is ${kind}`, () => {
      const parsed = parse(url);
      assert.ok("address" in parsed, JSON.stringify(parsed));
      assert.equal(parsed.address.kind, kind);
    });

  test("a path is handed on without its trailing slash, file:// decoded", () => {
    assert.deepEqual(parse("file:///srv/a%20b/"), { address: { kind: "path", url: "/srv/a b" } });
    assert.deepEqual(parse("file:///a%zz"), {
      problem: {
        path: "spec.url",
        code: "invalid",
        message: "spec.url: is a file URL without an absolute path",
        hint: "write file:///absolute/path",
      },
    });
  });

  test("plain http passes only where it was asked for", () => {
    assert.ok("problem" in parse("http://host/x"));
    assert.ok("address" in parse("http://host/x", true));
  });

  test("a password in the address is never repeated", () => {
    for (const url of ["https://u:hunter2@host/x", "https://hunter2@host/x", "ssh://git:hunter2@host/x", "ftp://u:hunter2@host/x"])
      assert.doesNotMatch(JSON.stringify(parse(url)), /hunter2/);
  });

  for (const url of [
    "",
    " https://h/x",
    "https://h/x ",
    "https://h/x\n",
    "https://h\\x/y",
    "-x",
    "--x",
    "ext::a",
    "EXT::a",
    "fd::1/x",
    "a::b",
    "ssh://-x/y",
    "ssh://h/-x",
    "git@-h:x",
    "git@h:-x",
    "-git@h:x",
    "git://h/x",
    "rsync://h/x",
    "ssh://h",
    "https://",
    "https://h",
    "https://-h/x",
    "https://h/x?y",
    "https://h/x#y",
    "https://h/%0dx",
    "C:\\x",
    "x",
    "..",
    "/..",
    "//",
    "file://h/x",
    "file:x",
    "https://h/\u202ex",
    "git@h:x\u0000",
    "/x\u0000",
    "a".repeat(3000),
  ])
    test(`${JSON.stringify(url.slice(0, 30))} is refused with the field and a way out`, () => {
      const parsed = parse(url, true);
      assert.ok("problem" in parsed, JSON.stringify(parsed));
      assert.match(parsed.problem.message, /^spec\.url: /);
      assert.ok((parsed.problem.hint ?? "").length > 5);
    });

  test("law: what passes is no option, starts no helper, and holds no control character", () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: fc.constantFrom(...Array.from("abz/:@-.~%0[]\n\r\0 ?#\\")), maxLength: 30 }),
          fc.webUrl(),
          fc.string().map((text) => `git@${text}`),
          fc.string().map((text) => `ssh://${text}`),
        ),
        (url) => {
          const parsed = parse(url, true);
          if ("problem" in parsed) return;
          assert.doesNotMatch(parsed.address.url, /^-|^[^/]*::|[\u0000-\u001f]|@-|:\/\/-/);
          assert.match(parsed.address.url, /^(?:\/|https?:\/\/|ssh:\/\/|[A-Za-z0-9_][\w.-]*@)/i);
        },
      ),
    ));

  test("loopback is told from the rest", () => {
    assert.deepEqual(
      ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "128.0.0.1", "localhost.evil.com", "127.0.0.1.evil.com"].map(isLoopbackHost),
      [true, true, true, true, false, false, false],
    );
  });
});

describe("revisions", () => {
  test("a branch, a full name, HEAD and a commit id", () => {
    assert.deepEqual(parseRevision("main", "f"), { revision: { kind: "ref", ref: "refs/heads/main" } });
    assert.deepEqual(parseRevision("release/1.0", "f"), { revision: { kind: "ref", ref: "refs/heads/release/1.0" } });
    assert.deepEqual(parseRevision("refs/tags/v1", "f"), { revision: { kind: "ref", ref: "refs/tags/v1" } });
    assert.deepEqual(parseRevision("HEAD", "f"), { revision: { kind: "ref", ref: "HEAD" } });
    for (const id of ["a".repeat(40), "0".repeat(64)])
      assert.deepEqual(parseRevision(id, "f"), { revision: { kind: "commit", commit: id } });
    assert.deepEqual(parseRevision("a".repeat(39), "f"), { revision: { kind: "ref", ref: `refs/heads/${"a".repeat(39)}` } });
  });

  test("law: a name that passes has nothing that Git gives a meaning to", () =>
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("ab/.@{}~^:?*[\\- \n")), maxLength: 12 }), (name) => {
        if (refNameFault(name) === undefined) assert.doesNotMatch(name, /^-|[\s~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/);
      }),
    ));
});

describe("paths in a tree", () => {
  for (const name of [
    ".git",
    ".GIT",
    ".Git",
    "git~1",
    "GIT~1",
    ".git ",
    ".git.",
    ".git. .",
    ".git::$INDEX_ALLOCATION",
    ".g\u200cit",
    "\ufeff.git",
  ])
    test(`${JSON.stringify(name)} looks like .git`, () => assert.equal(looksLikeGit(name), true));
  for (const name of [".gitignore", ".github", "git", "x.git", "git~2", ".git2", "..git"])
    test(`${JSON.stringify(name)} does not`, () => assert.equal(looksLikeGit(name), false));

  test("faults", () => {
    const fault = (path: string) => treePathFault(path, limits);
    assert.deepEqual(["a/b.yaml", "ü/ö", "-x", "a b", "..a"].map(fault), Array(5).fill(undefined));
    assert.deepEqual(["", "/a", "a/", "a//b", "./a", "a/../b", ".."].map(fault), Array(7).fill("escapes"));
    assert.deepEqual(["a\nb", "a\u007f", "\u0085", "a\u202eb"].map(fault), Array(4).fill("controlCharacter"));
    assert.deepEqual([fault("a/".repeat(40) + "b"), fault("é".repeat(600)), fault("a/.git/b")], ["tooDeep", "tooLong", "looksLikeGit"]);
  });

  test("a path as people write it", () => {
    assert.deepEqual(["", ".", "./", "./a/", "a", "././a//", "../a", "/a", ".a"].map(normalTreePath), [
      "",
      "",
      "",
      "a",
      "a",
      "a",
      "../a",
      "/a",
      ".a",
    ]);
  });

  test("law: a shown name cannot move a cursor or change the direction of reading", () =>
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) =>
        assert.doesNotMatch(shownName(name), /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/),
      ),
    ));
});

describe("messages and trailers", () => {
  test("trailers are the last paragraph, if all of it is", () => {
    assert.deepEqual(parseTrailers("Subject\n\nBody\n\nA: 1\nB-c: two\n words\n"), [
      { name: "A", value: "1" },
      { name: "B-c", value: "two words" },
    ]);
    for (const message of ["Subject: x", "Subject\n\nNot a trailer", "Subject\n\nA: 1\nnot one", "Subject\n\nA: 1\n\nBody", ""])
      assert.deepEqual(parseTrailers(message), [], message);
  });

  test("law: trailers come back as they were given, and no text can forge one", () =>
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(
          fc.record({ name: fc.stringMatching(/^[A-Z][a-z]{1,8}$/), value: fc.stringMatching(/^[a-z0-9]([a-z0-9 :]{0,20}[a-z0-9])?$/) }),
          { minLength: 1, maxLength: 5 },
        ),
        (text, trailers) => {
          assert.deepEqual(
            parseTrailers(messageWith(text, trailers)).map(({ name, value }) => [name, value]),
            trailers.map(({ name, value }) => [name, value]),
          );
        },
      ),
    ));

  test("a line end in a value stays inside the value", () => {
    assert.deepEqual(
      keysOf(
        messageWith("x\n\nSlipway-Key: forged", [
          { name: "Why", value: "b\nSlipway-Key: other" },
          { name: "Slipway-Key", value: "k" },
        ]),
      ),
      ["k"],
    );
  });

  test("one message stays as it is, several become a list", () => {
    assert.equal(joinedMessage(["One\n\nBecause."]), "One\n\nBecause.");
    assert.equal(joinedMessage(["One", "Two\nmore"]), "2 changes to desired state\n\n- One\n- Two\n  more");
  });

  test("law: an identity cannot break out of a commit header", () =>
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, email) => {
        const clean = cleanIdentity({ name, email });
        assert.doesNotMatch(`${clean.name}${clean.email}`, /[<>\n\r\0]/);
        assert.ok(clean.name !== "" && clean.email !== "");
      }),
    ));
});

describe("changes", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const base = { key: "k", author: { name: "A", email: "a@x" }, message: "m" };
  const at =
    (files: Readonly<Record<string, string>>) =>
    (path: string): Content =>
      files[path] === undefined ? "absent" : { blob: `id-${files[path]}`, bytes: bytes(files[path]) };

  test("all edits are made, or none", () => {
    const change: GitChange = {
      ...base,
      edits: [
        { path: "a", expect: { bytes: bytes("1") }, next: bytes("2") },
        { path: "b", expect: "absent", next: bytes("n") },
      ],
    };
    assert.equal(judgeChange(change, at({ a: "1" }), "tip").kind, "write");
    assert.deepEqual(judgeChange(change, at({ a: "1", b: "x" }), "tip"), {
      kind: "settled",
      outcome: { outcome: "changed", path: "b", found: bytes("x") },
    });
    assert.deepEqual(judgeChange(change, at({ a: "2", b: "n" }), "tip"), {
      kind: "settled",
      outcome: { outcome: "already", commit: "tip" },
    });
    const half = judgeChange(change, at({ a: "2" }), "tip");
    assert.deepEqual(half.kind === "write" && [...half.edits.keys()], ["b"]);
  });

  test("law: a change that was made is already made", () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("a", "b", "c"), fc.string()),
        fc.uniqueArray(fc.record({ path: fc.constantFrom("a", "b", "c"), next: fc.option(fc.string()) }), {
          selector: ({ path }) => path,
          minLength: 1,
        }),
        (files, wishes) => {
          const edits = wishes.map(({ path, next }) => ({
            path,
            expect: files[path] === undefined ? ("absent" as const) : { bytes: bytes(files[path]) },
            next: next === null ? ("delete" as const) : bytes(next),
          }));
          const verdict = judgeChange({ ...base, edits }, at(files), "tip");
          const after: Record<string, string> = { ...files };
          if (verdict.kind === "write")
            for (const [path, next] of verdict.edits)
              if (next === "delete") Reflect.deleteProperty(after, path);
              else after[path] = new TextDecoder().decode(next);
          assert.deepEqual(judgeChange({ ...base, edits }, at(after), "tip"), {
            kind: "settled",
            outcome: { outcome: "already", commit: "tip" },
          });
          for (const { path, next } of wishes) assert.equal(after[path], next ?? undefined);
        },
      ),
    ));

  test("keys are found in the newest commit that has them", () => {
    const history = [
      { id: "2", message: messageWith("x", [{ name: "Slipway-Key", value: "k" }]) },
      { id: "1", message: "x\n\nSlipway-Key: k\nSlipway-Key: l" },
    ];
    assert.deepEqual(
      [...commitsByKey(history)],
      [
        ["k", "2"],
        ["l", "1"],
      ],
    );
  });

  test("one author writes in person, several are co-authors", () => {
    const change = (key: string, name: string): GitChange => ({ ...base, key, author: { name, email: `${name}@x` }, edits: [] });
    assert.equal(authorship([change("1", "a"), change("2", "a")], { name: "S", email: "s@x" }).author.name, "a");
    const joined = authorship([change("1", "a"), change("2", "b")], { name: "S", email: "s@x" });
    assert.equal(joined.author.name, "S");
    assert.match(joined.message, /Co-authored-by: a <a@x>\nCo-authored-by: b <b@x>\nSlipway-Key: 1\nSlipway-Key: 2\n$/);
  });

  test("a change that makes no sense is told before anything is looked up", () => {
    const edit = { path: "a", expect: "absent" as const, next: bytes("x") };
    const fault = (branch: string, more: Partial<GitChange>) => changeFault(branch, { ...base, edits: [edit], ...more }, limits);
    assert.equal(fault("main", {}), undefined);
    for (const branch of ["", "-x", "refs/heads/main", "HEAD", "a..b"]) assert.match(fault(branch, {}) ?? "", /branch/);
    for (const key of ["", "a b", "a\nb", "x".repeat(300)]) assert.match(fault("main", { key }) ?? "", /key/);
    assert.match(fault("main", { edits: [] }) ?? "", /no edit/);
    assert.match(fault("main", { edits: [edit, edit] }) ?? "", /twice/);
    assert.match(fault("main", { edits: [{ ...edit, path: "../x" }] }) ?? "", /part/);
  });
});
