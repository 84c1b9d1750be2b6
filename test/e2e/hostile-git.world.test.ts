import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gitRepositories } from "../../src/adapters/git/git.ts";
import type { GitConfig } from "../../src/adapters/git/git.ts";
import { blob, commitTree, rawObject, rawTree, treeWith } from "../../src/adapters/git/test-objects.ts";
import type { HostileEntry } from "../../src/adapters/git/test-objects.ts";
import { ownersGit, ownersText, realRepository, sandbox } from "../../src/adapters/git/test-repository.ts";
import type { Sandbox } from "../../src/adapters/git/test-repository.ts";
import { yamlManifests } from "../../src/adapters/yaml/manifests.ts";
import { instant } from "../../src/domain/units.ts";
import type { GitSource, LeftOut, TreeReading } from "../../src/ports/git.ts";
import { PortError } from "../../src/ports/port-error.ts";

// What a repository may hold. Each case says what is refused or left out and with which message; in every case the sound file beside it is read
// or nothing is, nothing is executed (it would leave `pwned`), and nothing is written outside the mirrors.

const full = process.env["SLIPWAY_TEST_FULL"] === "1";
const calm = new AbortController().signal;

describe("hostile content", { timeout: 600_000 }, () => {
  let box: Sandbox;
  let made = 0;
  before(async () => {
    box = await sandbox();
  });
  after(() => box.close());

  const open = (limits: GitConfig["limits"] = {}): GitSource =>
    gitRepositories({ root: join(box.path, "mirrors"), environment: process.env, now: () => instant(Date.now()), limits }).source;
  const create = () => realRepository(join(box.path, `r${(made += 1)}.git`));
  const read = async (source: GitSource, path: string, ref = "main"): Promise<TreeReading> =>
    source.read({ url: path }, await source.resolve({ url: path }, ref, calm), { paths: [""] }, calm);
  /** Everything outside the mirrors and the repository of the case, by name. */
  const outside = async () =>
    (await readdir(box.path, { recursive: true })).filter((name) => !name.startsWith("mirrors") && !/^r\d+\.git/.test(name)).toSorted();
  const nothingHappened = async (before: readonly string[]) => {
    assert.deepEqual(await outside(), before);
    const everything = await readdir(box.path, { recursive: true });
    assert.deepEqual(
      everything.filter((name) => /(?:^|\/)pwned$/.test(name)),
      [],
    );
  };

  interface LeftOutCase {
    readonly name: string;
    readonly entries: (repository: string) => Promise<readonly HostileEntry[]>;
    readonly leftOut?: readonly Pick<LeftOut, "reason" | "path">[];
    readonly says?: RegExp;
    readonly alsoRead?: readonly string[];
  }
  const link = (name: string, target: string) => async (repository: string) => [
    { mode: "120000", name, id: await blob(repository, target) },
  ];
  const file =
    (name: string | Buffer, content = "x: 1\n") =>
    async (repository: string) => [{ mode: "100644", name, id: await blob(repository, content) }];
  const nested = (depth: number) => async (repository: string) => {
    let tree = await rawTree(repository, [{ mode: "100644", name: "deep.yaml", id: await blob(repository, "x: 1\n") }]);
    for (let level = 1; level < depth; level += 1) tree = await rawTree(repository, [{ mode: "40000", name: "d", id: tree }]);
    return [{ mode: "40000", name: "d", id: tree }];
  };
  const leftOutCases: readonly LeftOutCase[] = [
    {
      name: "a symbolic link inside the tree",
      entries: link("l.yaml", "good.yaml"),
      leftOut: [{ path: "l.yaml", reason: "symbolicLink" }],
      says: /not followed; put the file itself there/,
    },
    {
      name: "a symbolic link to /etc/passwd",
      entries: link("l.yaml", "/etc/passwd"),
      leftOut: [{ path: "l.yaml", reason: "symbolicLink" }],
    },
    {
      name: "a symbolic link out of the tree",
      entries: link("l", "../../../../../../etc"),
      leftOut: [{ path: "l", reason: "symbolicLink" }],
    },
    {
      name: "a submodule",
      entries: () => Promise.resolve([{ mode: "160000", name: "sub", id: "1".repeat(40) }]),
      leftOut: [{ path: "sub", reason: "submodule" }],
      says: /Sync of its own/,
    },
    {
      name: "a name that is not UTF-8",
      entries: file(Buffer.from([0x66, 0xff, 0x2e, 0x79])),
      leftOut: [{ path: "f\ufffd.y", reason: "notUtf8" }],
      says: /rename the file/,
    },
    {
      name: "a line end in a name",
      entries: file("a\nb.yaml"),
      leftOut: [{ path: "a\nb.yaml", reason: "controlCharacter" }],
      says: /"a\\nb\.yaml"/,
    },
    {
      name: "a terminal command in a name",
      entries: file("\u001b[2Jx.yaml"),
      leftOut: [{ path: "\u001b[2Jx.yaml", reason: "controlCharacter" }],
      says: /\\u001b/,
    },
    {
      name: "a name written right to left",
      entries: file("x\u202elmay.yaml"),
      leftOut: [{ path: "x\u202elmay.yaml", reason: "controlCharacter" }],
    },
    {
      name: "a name of 3,000 bytes",
      entries: file("n".repeat(3000)),
      leftOut: [{ path: "n".repeat(3000), reason: "tooLong" }],
      says: /n…/,
    },
    { name: "40 folders deep", entries: nested(40), leftOut: [{ path: `${"d/".repeat(40)}deep.yaml`, reason: "tooDeep" }] },
    {
      name: "a file of 2 MiB",
      entries: file("big.yaml", "x".repeat(2 << 20)),
      leftOut: [{ path: "big.yaml", reason: "tooLarge" }],
      says: /2097152 bytes, the limit is 1048576/,
    },
    {
      name: "names that differ only by case",
      entries: async (repository) => [...(await file("A.yaml")(repository)), ...(await file("a.yaml", "y: 2\n")(repository))],
      alsoRead: ["A.yaml", "a.yaml"],
    },
    {
      name: "a name with quotes, a backslash and a dollar",
      entries: file(`a"'\\$(touch pwned).yaml`),
      alsoRead: [`a"'\\$(touch pwned).yaml`],
    },
    { name: "a name that begins with a dash", entries: file("--output=pwned"), alsoRead: ["--output=pwned"] },
    { name: "a name like a pathspec", entries: file(":(top)*"), alsoRead: [":(top)*"] },
    {
      name: "a .gitignore and a .mailmap that are links",
      entries: async (repository) => [
        ...(await link(".gitignore", "/etc/passwd")(repository)),
        ...(await link(".mailmap", "/etc/passwd")(repository)),
      ],
      leftOut: [
        { path: ".gitignore", reason: "symbolicLink" },
        { path: ".mailmap", reason: "symbolicLink" },
      ],
    },
    {
      name: "an executable",
      entries: async (repository) => [{ mode: "100755", name: "run.sh", id: await blob(repository, "touch pwned\n") }],
      alsoRead: ["run.sh"],
    },
  ];
  for (const { name, entries, leftOut = [], says, alsoRead = [] } of leftOutCases)
    test(`${name}: the rest is read`, async () => {
      const before = await outside();
      const repository = await create();
      await commitTree(repository.path, await treeWith(repository.path, await entries(repository.path)));
      const reading = await read(open(), repository.path);
      assert.ok(reading.kind === "files");
      assert.deepEqual(reading.files.map(({ path }) => path).toSorted(), ["good.yaml", ...alsoRead].toSorted());
      assert.deepEqual(
        reading.leftOut.map(({ path, reason }) => ({ path, reason })),
        leftOut,
      );
      for (const { message } of reading.leftOut) {
        if (says) assert.match(message, says);
        assert.doesNotMatch(message, /[\u0000-\u001f\u202e]/);
      }
      await nothingHappened(before);
    });

  const named = (name: string) => async (repository: string) =>
    treeWith(repository, [
      { mode: "40000", name, id: await rawTree(repository, [{ mode: "100644", name: "config", id: await blob(repository, "x") }]) },
    ]);
  const modules = (text: string) => async (repository: string) =>
    treeWith(repository, [
      { mode: "100644", name: ".gitmodules", id: await blob(repository, text) },
      { mode: "160000", name: "sub", id: "1".repeat(40) },
    ]);
  const refusedTrees: readonly {
    readonly name: string;
    readonly tree: (repository: string) => Promise<string>;
    readonly reason?: string;
    readonly says: RegExp;
  }[] = [
    { name: ".git in a tree", tree: named(".git"), says: /hasDotgit/ },
    { name: ".GIT in a tree", tree: named(".GIT"), says: /hasDotgit/ },
    { name: "git~1 in a tree", tree: named("git~1"), says: /hasDotgit/ },
    { name: ".git with a letter that is not seen", tree: named(".g\u200cit"), says: /hasDotgit/ },
    { name: ".. in a tree", tree: named(".."), says: /hasDotdot/ },
    { name: ". in a tree", tree: named("."), says: /hasDot/ },
    { name: "a slash in a name", tree: named("a/b"), says: /fullPathname/ },
    { name: "an absolute name", tree: named("/etc"), says: /fullPathname/ },
    // the other end stumbles over it before it is sent
    { name: "an empty name", tree: named(""), reason: "DamagedTransfer", says: /empty filename/ },
    {
      name: "the same name twice",
      tree: async (repository) => treeWith(repository, [...(await file("a")(repository)), ...(await file("a", "2")(repository))]),
      says: /duplicateEntries/,
    },
    {
      name: "a tree out of order",
      tree: async (repository) => rawTree(repository, [...(await file("b")(repository)), ...(await file("a")(repository))]),
      says: /treeNotSorted/,
    },
    {
      name: "a submodule whose URL is an option",
      tree: modules('[submodule "sub"]\n\tpath = sub\n\turl = --upload-pack=touch pwned\n'),
      says: /gitmodulesUrl/,
    },
    {
      name: "a submodule whose name leads out",
      tree: modules('[submodule "../../x"]\n\tpath = sub\n\turl = https://example.com/x\n'),
      says: /gitmodulesName/,
    },
    {
      name: "a submodule that is updated by a command",
      tree: modules('[submodule "sub"]\n\tpath = sub\n\turl = https://example.com/x\n\tupdate = !touch pwned\n'),
      says: /gitmodulesUpdate/,
    },
    {
      name: ".gitmodules as a link",
      tree: async (repository) => treeWith(repository, await link(".gitmodules", "/etc/passwd")(repository)),
      says: /gitmodulesSymlink/,
    },
  ];
  for (const { name, tree, reason = "HostileContent", says } of refusedTrees)
    test(`${name}: the commit is refused, and what was read before stays readable`, async () => {
      const before = await outside();
      const repository = await create();
      const source = open();
      const sound = await repository.push("main", { "good.yaml": "good: true\n" });
      await source.fetch(repository.remote, { ref: "main" }, calm);
      await commitTree(repository.path, await tree(repository.path));
      await assert.rejects(read(source, repository.path), (error: unknown) => {
        assert.ok(error instanceof PortError && error.reason === reason, String(error));
        assert.match(error.message, says);
        return true;
      });
      const old = await source.read(repository.remote, sound, { paths: [""] }, calm);
      assert.equal(old.kind === "files" && old.files.length, 1);
      await nothingHappened(before);
    });

  test("a path through a symbolic link leads nowhere", async () => {
    const repository = await create();
    const inner = await rawTree(repository.path, await file("secret.yaml")(repository.path));
    await commitTree(
      repository.path,
      await treeWith(repository.path, [
        { mode: "40000", name: "real", id: inner },
        { mode: "120000", name: "via", id: await blob(repository.path, "real") },
      ]),
    );
    const source = open();
    const commit = await source.resolve(repository.remote, "main", calm);
    await assert.rejects(
      source.read(repository.remote, commit, { paths: ["via/secret.yaml"] }, calm),
      refusal("PathNotFound", /via\/secret\.yaml/),
    );
    const itself = await source.read(repository.remote, commit, { paths: ["via"] }, calm);
    assert.deepEqual(itself.kind === "files" && itself.leftOut.map(({ reason }) => reason), ["symbolicLink"]);
  });

  test("attributes run no filter and change no byte", async () => {
    const repository = await create();
    const content = "id: $Id$\r\nfmt: $Format:%H$\n";
    await repository.push("main", {
      ".gitattributes":
        "* filter=evil ident export-subst text eol=lf working-tree-encoding=UTF-16 diff=evil merge=evil\nhidden export-ignore\n",
      "a.yaml": content,
      hidden: "h",
    });
    await appendFile(
      join(repository.path, "config"),
      `[filter "evil"]\n\tsmudge = touch ${box.path}/pwned\n\tclean = touch ${box.path}/pwned\n\tprocess = touch ${box.path}/pwned\n\trequired = true\n[diff "evil"]\n\tcommand = touch ${box.path}/pwned\n\ttextconv = touch ${box.path}/pwned\n`,
    );
    const before = await outside();
    const reading = await read(open(), repository.path);
    assert.ok(reading.kind === "files");
    assert.deepEqual(reading.files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]).slice(1), [
      ["a.yaml", content],
      ["hidden", "h"],
    ]);
    await nothingHappened(before);
  });

  test("replace refs and grafts of the remote do not change what a commit is", async () => {
    const repository = await create();
    const first = await repository.push("main", { a: "1" });
    const second = await repository.push("main", { a: "2" });
    const other = await commitTree(
      repository.path,
      await treeWith(repository.path, await file("evil.yaml")(repository.path)),
      "refs/heads/other",
    );
    await ownersGit(repository.path, ["update-ref", `refs/replace/${second}`, other]);
    await mkdir(join(repository.path, "info"), { recursive: true });
    await writeFile(join(repository.path, "info", "grafts"), `${second}\n`);
    const source = open();
    const reading = await source.read(repository.remote, second, { paths: [""] }, calm);
    assert.deepEqual(reading.kind === "files" && reading.files.map(({ path }) => path), ["a"]);
    const { commits } = await source.history(repository.remote, { to: second }, calm);
    assert.deepEqual(
      commits.map(({ id }) => id),
      [second, first],
    );
  });

  test("a repository that borrows objects from another one is read, and the mirror borrows nothing", async () => {
    const lender = await create();
    const commit = await lender.push("main", { a: "1" });
    const repository = await create();
    await writeFile(join(repository.path, "objects", "info", "alternates"), `${lender.path}/objects\n`);
    await ownersGit(repository.path, ["update-ref", "refs/heads/main", commit]);
    const reading = await read(open(), repository.path);
    assert.equal(reading.kind === "files" && reading.files.length, 1);
    assert.deepEqual(
      (await readdir(join(box.path, "mirrors"), { recursive: true })).filter((name) => name.endsWith("alternates")),
      [],
    );
  });

  test("refs that lead to no commit are refused, tags of tags are followed", async () => {
    const repository = await create();
    const commit = await repository.push("main", { a: "1" });
    const content = await blob(repository.path, "x");
    const tree = await ownersText(repository.path, ["rev-parse", `${commit}^{tree}`]);
    await ownersGit(repository.path, ["update-ref", "refs/tags/blob", content]);
    await ownersGit(repository.path, ["update-ref", "refs/tags/tree", tree]);
    await ownersGit(repository.path, ["tag", "-a", "-m", "x", "tagged-blob", content]);
    await ownersGit(repository.path, ["tag", "-a", "-m", "x", "one", commit]);
    await ownersGit(repository.path, ["tag", "-a", "-m", "x", "two", "one"]);
    const source = open();
    for (const [name, type] of [
      ["blob", "blob"],
      ["tree", "tree"],
      ["tagged-blob", "blob"],
    ] as const)
      await assert.rejects(
        source.fetch(repository.remote, { ref: `refs/tags/${name}` }, calm),
        refusal("NotACommit", new RegExp(`is a ${type}, not a commit`)),
      );
    assert.equal((await source.fetch(repository.remote, { ref: "refs/tags/two" }, calm)).commit, commit);
  });

  test("a HEAD that leads nowhere and a repository without commits are told apart", async () => {
    const repository = await create();
    const source = open();
    await assert.rejects(source.resolve(repository.remote, "HEAD", calm), refusal("EmptyRepository", /push a first commit/));
    await repository.push("other", { a: "1" });
    await assert.rejects(source.resolve(repository.remote, "HEAD", calm), refusal("RefNotFound", /has no HEAD/));
    await assert.rejects(source.resolve(repository.remote, "main", calm), refusal("RefNotFound", /has no refs\/heads\/main/));
  });

  test("names of refs are data, whatever they look like", async () => {
    const repository = await create();
    const commit = await repository.push("main", { a: "1" });
    const before = await outside();
    const source = open();
    for (const name of ["$(touch${IFS}pwned)", "a;touch${IFS}pwned", "`touch`", "a|b", "x'y\"z", "üñî"]) {
      await ownersGit(repository.path, ["update-ref", `refs/heads/${name}`, commit]);
      assert.equal((await source.fetch(repository.remote, { ref: name }, calm)).commit, commit);
    }
    for (const name of [
      "-x",
      "--upload-pack=touch pwned",
      "a b",
      "a\nb",
      "a\r",
      "a..b",
      "a~1",
      "a^{tree}",
      "a:b",
      "@{-1}",
      "main@{1}",
      "refs/heads/*",
      "a.lock",
      "/a",
      "a//b",
      "\u0000",
      "x".repeat(300),
      "",
    ])
      await assert.rejects(source.resolve(repository.remote, name, calm), refusal("InvalidRef", /write a branch/));
    await nothingHappened(before);
  });

  test("20,000 refs are no trouble, and a listing over the limit is refused", async () => {
    const repository = await create();
    const commit = await repository.push("main", { a: "1" });
    await ownersGit(repository.path, ["update-ref", "--stdin"], {
      stdin: Array.from({ length: 20_000 }, (_, at) => `create refs/heads/many/${at} ${commit}\n`).join(""),
    });
    assert.equal(await open().resolve(repository.remote, "main", calm), commit);
    await assert.rejects(open({ listingBytes: 100_000 }).resolve(repository.remote, "main", calm), refusal("TooManyRefs", /listingBytes/));
  });

  test("a history of 20,000 commits is fetched only as far as the limit", async () => {
    const repository = await create();
    const lines = Array.from(
      { length: 20_000 },
      (_, at) =>
        `commit refs/heads/main\ncommitter O <o@x> ${1_600_000_000 + at} +0000\ndata 1\nx\nM 100644 inline a\ndata ${String(at).length}\n${at}\n`,
    );
    await ownersGit(repository.path, ["fast-import", "--quiet"], { stdin: lines.join("") });
    const source = open({ historyCommits: 200 });
    const { commit } = await source.fetch(repository.remote, { ref: "main" }, calm);
    const { commits, complete } = await source.history(repository.remote, { to: commit, limit: 1000 }, calm);
    assert.deepEqual([commits.length, complete], [200, false]);
    const first = await ownersText(repository.path, ["rev-list", "--max-parents=0", "main"]);
    assert.equal((await source.fetch(repository.remote, { commit, seen: first }, calm)).since, "unknown");
  });

  test("a message of 5 MB and one with commands for a terminal are only data", async () => {
    const repository = await create();
    const tree = await treeWith(repository.path, []);
    const commit = await rawObject(
      repository.path,
      "commit",
      `tree ${tree}\nauthor A <a@x> 1600000000 +0000\ncommitter A <a@x> 1600000000 +0000\n\n${"\u001b[2J".repeat(1_250_000)}`,
    );
    await ownersGit(repository.path, ["update-ref", "refs/heads/main", commit]);
    assert.equal((await open().history(repository.remote, { to: commit }, calm)).commits[0]?.message.length, 5_000_000);
    await assert.rejects(
      open({ listingBytes: 1 << 20 }).history(repository.remote, { to: commit }, calm),
      refusal("TooManyFiles", /limit/),
    );
  });

  for (const { name, commit } of [
    { name: "a commit without an author", commit: (tree: string) => `tree ${tree}\ncommitter A <a@x> 1600000000 +0000\n\nx` },
    {
      name: "a commit with NUL in its header",
      commit: (tree: string) => `tree ${tree}\nauthor A\0 <a@x> 1600000000 +0000\ncommitter A <a@x> 1600000000 +0000\n\nx`,
    },
  ])
    test(`${name} is refused`, async () => {
      const repository = await create();
      const id = await rawObject(repository.path, "commit", commit(await treeWith(repository.path, [])));
      await ownersGit(repository.path, ["update-ref", "refs/heads/main", id]);
      await assert.rejects(read(open(), repository.path), refusal("HostileContent", /fsck|missingAuthor|nulInHeader/));
    });

  test("100,000 files are refused with the way out, and a smaller path is read", async () => {
    const repository = await create();
    const files = Array.from({ length: 100_000 }, (_, at) => `M 100644 :1 many/${at % 1000}/${at}.yaml\n`).join("");
    await ownersGit(repository.path, ["fast-import", "--quiet"], {
      stdin: `blob\nmark :1\ndata 5\nx: 1\n\ncommit refs/heads/main\ncommitter O <o@x> 1600000000 +0000\ndata 1\nx\n${files}M 100644 :1 few/a.yaml\n`,
    });
    const source = open();
    const commit = await source.resolve(repository.remote, "main", calm);
    await assert.rejects(
      source.read(repository.remote, commit, { paths: [""] }, calm),
      refusal("TooManyFiles", /more than 20000 files.*smaller path/),
    );
    const few = await source.read(repository.remote, commit, { paths: ["few", "many/7"] }, calm);
    assert.equal(few.kind === "files" && few.files.length, 101);
  });

  test("a tree that unfolds to ten thousand million files is refused, soon", async () => {
    const repository = await create();
    let tree = await rawTree(repository.path, await file("a.yaml")(repository.path));
    for (let level = 0; level < 10; level += 1)
      tree = await rawTree(
        repository.path,
        Array.from({ length: 10 }, (_, at) => ({ mode: "40000", name: `d${at}`, id: tree })),
      );
    await commitTree(repository.path, tree);
    const began = performance.now();
    await assert.rejects(read(open(), repository.path), refusal("TooManyFiles", /smaller path|limits/));
    assert.ok(performance.now() - began < 30_000);
  });

  const mebibytes = full ? 1024 : 128;
  test(`a file of ${mebibytes} MiB is left out by its size and never held in memory`, async () => {
    const repository = await create();
    const big = join(box.path, "zeros");
    await writeFile(big, "");
    const { truncate, rm } = await import("node:fs/promises");
    await truncate(big, mebibytes * 1024 * 1024); // sparse: costs no disk
    const id = await ownersText(repository.path, ["-c", "core.bigFileThreshold=1m", "hash-object", "-w", big]);
    await rm(big);
    await commitTree(repository.path, await treeWith(repository.path, [{ mode: "100644", name: "big.yaml", id }]));
    const before = process.memoryUsage().rss;
    const reading = await read(open({ fetchSeconds: 300 }), repository.path);
    assert.ok(reading.kind === "files");
    assert.deepEqual([reading.files.length, reading.leftOut[0]?.reason], [1, "tooLarge"]);
    assert.ok(process.memoryUsage().rss - before < 64 << 20, "the file was read into memory");
  });

  test("a repository larger than the limit on disk is ended while it arrives", async () => {
    const repository = await create();
    const { randomBytes } = await import("node:crypto");
    const entries = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => ({
        mode: "100644",
        name: `f${at}`,
        id: await blob(repository.path, randomBytes(4 << 20)),
      })),
    );
    await commitTree(repository.path, await treeWith(repository.path, entries));
    const source = open({ repositoryBytes: 1 << 20 });
    const outcome = await read(source, repository.path).then(
      () => "read",
      (error: unknown) => error,
    );
    assert.ok(outcome instanceof PortError && outcome.reason === "RepositoryTooLarge", String(outcome));
  });

  test("damage at the remote is told, changes nothing, and is over once it is repaired", async () => {
    const repository = await create();
    const source = open();
    const sound = await repository.push("main", { "good.yaml": "1" });
    await source.fetch(repository.remote, { ref: "main" }, calm);
    const next = await repository.push("main", { "good.yaml": "2", more: "3" });
    const name = (await ownersText(repository.path, ["rev-parse", `${next}:more`])).replace(/^../, "$&/");
    const object = join(repository.path, "objects", name);
    const { chmod, readFile } = await import("node:fs/promises");
    const bytes = await readFile(object);
    await chmod(object, 0o600);
    await writeFile(object, "damage");
    await assert.rejects(
      read(source, repository.path),
      (error: unknown) => error instanceof PortError && error.message.includes(repository.path),
    );
    assert.equal((await source.read(repository.remote, sound, { paths: [""] }, calm)).kind, "files");
    await writeFile(object, bytes);
    const reading = await read(source, repository.path);
    assert.equal(reading.kind === "files" && reading.files.length, 2);
  });

  test("hostile YAML in one file leaves the objects of the others in, with file, line and column", async () => {
    const repository = await create();
    const good = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n";
    const bomb = [
      "a0: &a0 [x,x,x,x,x,x,x,x,x,x]",
      ...Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${Array(10).fill(`*a${at}`).join(",")}]`),
    ].join("\n");
    const deep = Array.from({ length: 100 }, (_, at) => `${" ".repeat(at)}a:`).join("\n");
    await repository.push("main", {
      "good.yaml": good,
      "bomb.yaml": bomb,
      "deep.yaml": deep,
      "crlf.yaml": good.replace("good", "crlf").replaceAll("\n", "\r\n"),
      "proto.yaml": `__proto__: {a: 1}\n${good}`,
      "control.yaml": `${good}x: \u0001\n`,
      "bad.yaml": "a: b\n c: d\n",
    });
    const tree = await ownersText(repository.path, ["rev-parse", "main^{tree}"]);
    await blob(repository.path, Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    assert.ok(tree);
    const reading = await read(open(), repository.path);
    assert.ok(reading.kind === "files");
    const files = [...reading.files, { path: "latin.yaml", bytes: Buffer.from([0x61, 0x3a, 0x20, 0xff]), blob: "latin" }];
    const { objects, problems } = await yamlManifests().parse(
      files.map(({ path, bytes, blob: id }) => ({ path, bytes, id })),
      calm,
    );
    assert.deepEqual(
      objects.map(({ file: from }) => from),
      ["crlf.yaml", "good.yaml"],
    );
    const told = Object.fromEntries(problems.filter(({ severity }) => severity === "error").map((problem) => [problem.file, problem.code]));
    assert.deepEqual(told, {
      "bad.yaml": "syntax",
      "bomb.yaml": "tooManyAliases",
      "control.yaml": "controlCharacter",
      "deep.yaml": "tooDeep",
      "latin.yaml": "notUtf8",
      "proto.yaml": "unsupportedValue",
    });
    assert.ok(problems.every(({ line, column, hint }) => line > 0 && column > 0 && hint !== ""));
  });

  test("a repository of the other object format (SHA-256) is read too", async () => {
    const path = join(box.path, `r${(made += 1)}.git`);
    await mkdir(path);
    await ownersGit(path, ["init", "-q", "--bare", "--object-format=sha256", path]);
    const id = await ownersText(path, ["hash-object", "-w", "--stdin"], "x: 1\n");
    const tree = await ownersText(path, ["mktree"], `100644 blob ${id}\ta.yaml\n`);
    const commit = await commitTree(path, tree);
    assert.equal(commit.length, 64);
    const reading = await read(open(), path);
    assert.equal(reading.kind === "files" && reading.files.length, 1);
  });
});

const refusal = (reason: string, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PortError, String(error));
  assert.equal(error.reason, reason, error.message);
  assert.equal(error.outcome, "refused");
  assert.match(error.message, says);
  return true;
};
