import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { instant } from "../../domain/units.ts";
import { fastImport } from "./commit.ts";
import { failureOf } from "./failures.ts";
import { gitConfig } from "./home.ts";
import { parseLog } from "./history.ts";
import { pushVerdict } from "./push.ts";
import { withoutSecrets } from "./secrets.ts";
import { parseBatch, parseListing } from "./tree.ts";

describe("what is said to Git and what it says", () => {
  test("a listing is read whatever the names are", () => {
    const line = (name: Buffer) => Buffer.concat([Buffer.from(`100644 blob ${"a".repeat(40)}      12\t`), name, Buffer.from([0])]);
    const names = [Buffer.from("a.yaml"), Buffer.from("a\tb\nc"), Buffer.from([0xff, 0xfe]), Buffer.from("")];
    assert.deepEqual(
      parseListing(Buffer.concat(names.map(line))).map(({ name, size }) => [name, size]),
      names.map((name) => [name, 12]),
    );
    assert.deepEqual(
      parseListing(Buffer.from(`160000 commit ${"b".repeat(40)}       -\tsub\0`)).map(({ mode, size }) => [mode, size]),
      [["160000", 0]],
    );
    assert.deepEqual(parseListing(Buffer.from("cut of")), []);
  });

  test("law: contents come back as they were, even if they look like the protocol", () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.tuple(
            fc.stringMatching(/^[0-9a-f]{40}$/),
            fc.oneof(fc.uint8Array(), fc.constant(new TextEncoder().encode(`${"a".repeat(40)} blob 3\nabc\n`))),
          ),
          { selector: ([id]) => id },
        ),
        (blobs) => {
          const stream = Buffer.concat(
            blobs.flatMap(([id, bytes]) => [Buffer.from(`${id} blob ${bytes.length}\n`), bytes, Buffer.from("\n")]),
          );
          assert.deepEqual(
            [...parseBatch(stream)].map(([id, bytes]) => [id, Buffer.from(bytes)]),
            blobs.map(([id, bytes]) => [id, Buffer.from(bytes)]),
          );
        },
      ),
    ));

  test("a missing blob is not there, and the rest is", () => {
    assert.deepEqual([...parseBatch(Buffer.from(`${"a".repeat(40)} missing\n${"b".repeat(40)} blob 1\nx\n`)).keys()], ["b".repeat(40)]);
  });

  test("a log is read by its nine fields", () => {
    const commits = parseLog(
      [
        "1".repeat(40),
        "2".repeat(40),
        "A",
        "a@x",
        "10",
        "C",
        "c@x",
        "20",
        "Subject\n\nK: v\n",
        "2".repeat(40),
        "",
        "A",
        "a@x",
        "5",
        "C",
        "c@x",
        "5",
        "First\n",
        "",
      ].join("\0"),
    );
    assert.deepEqual(
      commits.map(({ id, parents, trailers, author }) => [id[0], parents.length, trailers.length, author.at]),
      [
        ["1", 1, 1, 10_000],
        ["2", 0, 0, 5000],
      ],
    );
  });

  test("a commit is said to fast-import with sizes and quotes", () => {
    const draft = {
      parent: "p",
      files: new Map<string, { readonly bytes: Buffer; readonly executable: boolean } | "delete">([
        ['a"\\b', { bytes: Buffer.from("x\ny"), executable: true }],
        ["c", "delete"],
      ]),
      author: { name: "A\nB", email: "a@x" },
      committer: { name: "S", email: "s@x" },
      message: "m\n",
      at: instant(1500),
    };
    assert.equal(
      fastImport(draft, "refs/x").toString(),
      'commit refs/x\nmark :1\nauthor A B <a@x> 1 +0000\ncommitter S <s@x> 1 +0000\ndata 2\nm\n\nfrom p\nM 100755 inline "a\\"\\\\b"\ndata 3\nx\ny\nD "c"\n\nget-mark :1\ndone\n',
    );
  });

  const ended = { how: "exit" as const, code: 1 };
  for (const [says, verdict] of [
    [" \tabc:refs/heads/main\tabc..def", "pushed"],
    ["=\tabc:refs/heads/main\t[up to date]", "pushed"],
    ["!\tabc:refs/heads/main\t[rejected] (stale info)", "overtaken"],
    ["!\tabc:refs/heads/main\t[rejected] (fetch first)", "overtaken"],
    ["!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)", "overtaken"],
    ["!\tabc:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)", "overtaken"],
    ["!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)", "declined"],
    ["!\tabc:refs/heads/main\t[remote failure] (remote failed to report status)", "unknown"],
    ["", "unknown"],
  ] as const)
    test(`a push that says ${JSON.stringify(says.split("\t").at(-1))} is ${verdict}`, () =>
      assert.equal(pushVerdict({ ended, stdout: Buffer.from(`To x\n${says}\nDone`) }, "refs/heads/main"), verdict));

  for (const [stderr, outcome, reason] of [
    ["fatal: unable to access 'https://h/x': Could not resolve host: h", "notDone", "Unreachable"],
    ["fatal: unable to access 'https://h/x': The requested URL returned error: 503", "notDone", "Unreachable"],
    ["fatal: unable to access 'https://h/x': The requested URL returned error: 403", "refused", "AuthenticationFailed"],
    ["fatal: could not read Username for 'https://h': terminal prompts disabled", "refused", "AuthenticationFailed"],
    ["git@h: Permission denied (publickey).\r\nfatal: Could not read from remote repository.", "refused", "AuthenticationFailed"],
    ["Host key verification failed.\r\nfatal: Could not read from remote repository.", "refused", "HostKeyRejected"],
    ["fatal: '/x' does not appear to be a git repository", "refused", "RepositoryNotFound"],
    ["remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "refused", "RepositoryNotFound"],
    ["fatal: unable to access 'https://h/x': SSL certificate problem: self-signed certificate", "refused", "CertificateRejected"],
    ["fatal: transport 'ext' not allowed", "refused", "ProtocolRefused"],
    ["error: object 1: hasDotgit: contains '.git'\nfatal: fsck error in packed object", "refused", "HostileContent"],
    ["fatal: write error: No space left on device", "notDone", "DiskFull"],
    ["fatal: early EOF", "notDone", "Unreachable"],
    ["fatal: something new", "notDone", "GitFailed"],
  ] as const)
    test(`${JSON.stringify(stderr.slice(0, 60))} is ${outcome} ${reason}`, () => {
      const error = failureOf(
        { ended: { how: "exit", code: 128 }, stdout: Buffer.alloc(0), stderr },
        { what: "fetch from", url: "https://h/x", limitSeconds: 1, hidden: [] },
      );
      assert.deepEqual([error.outcome, error.reason], [outcome, reason]);
      assert.match(error.message, /^cannot fetch from https:\/\/h\/x: .+; .+/);
    });

  test("law: no secret, address with a password or control character is shown", () =>
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 4 }), fc.string(), (before, secret, after) => {
        const shown = withoutSecrets(`${before}${secret}${after} https://u:p4ss@h/x Authorization: Basic abc=`, [secret]);
        assert.ok(!shown.includes("p4ss") && !shown.includes("abc="));
        if (!"***".includes(secret) && !`${before}***${after}`.includes(secret)) assert.ok(!shown.includes(secret));
        assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f\u202e]/);
      }),
    ));

  test("the configuration allows one protocol, scopes the helper to one origin and quotes paths", () => {
    const https = gitConfig({ kind: "https", url: "https://h:1/x", origin: "https://h:1", host: "h" });
    assert.match(https, /\[credential "https:\/\/h:1"\]\n\thelper = "!f\(\)/);
    assert.match(https, /\[protocol\]\n\tallow = never\n\[protocol "https"\]\n\tallow = always/);
    assert.match(gitConfig({ kind: "path", url: '/a "b"\\c' }), /directory = "\/a \\"b\\"\\\\c"\n/);
  });
});
