import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { GitIdentity } from "../domain/git/commit-message.ts";
import type { GitChange, GitRemote, GitSource, GitWriter, TreeReading, WriteOutcome } from "./git.ts";
import { PortError } from "./port-error.ts";

/** What the suite needs of an adapter: repositories that somebody else owns, and several writers that know nothing of each other. */
export interface GitWorld {
  readonly source: GitSource;
  readonly writer: GitWriter;
  /** A writer as another process would have it. */
  anotherWriter(): GitWriter;
  create(): Promise<OwnedRepository>;
  /** An address where nothing is. */
  readonly nowhere: GitRemote;
  close(): Promise<void>;
}

/** A repository from the side of a person who pushes to it. */
export interface OwnedRepository {
  readonly remote: GitRemote;
  /** Pushes onto the branch as it is at that moment, again if others were quicker. null deletes. */
  push(
    branch: string,
    files: Readonly<Record<string, string | null>>,
    about?: { readonly message?: string; readonly author?: GitIdentity },
  ): Promise<string>;
  rewrite(branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  tag(name: string, commit: string): Promise<void>;
  log(branch: string): Promise<readonly { readonly id: string; readonly message: string }[]>;
  file(branch: string, path: string): Promise<string | undefined>;
}

/** What every source and writer of Git keeps. `rounds`: writes per writer in the concurrent case. */
export function gitContract(name: string, open: () => Promise<GitWorld>, rounds = 3): void {
  describe(`git: ${name}`, () => {
    let world: GitWorld;
    before(async () => {
      world = await open();
    });
    after(() => world.close());
    readingPromises(() => world);
    writingPromises(() => world);
    test("eight writers and a foreign pusher at once: nothing is lost, each edit is made once", () => crowd(world, rounds));
  });
}

const calm = new AbortController().signal;
const author: GitIdentity = { name: "Ann Author", email: "ann@example.com" };
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);
const refusal = (reason: string, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PortError, String(error));
  assert.equal(error.outcome, "refused", error.message);
  assert.equal(error.reason, reason, error.message);
  assert.match(error.message, says);
  return true;
};

function filesOf(reading: TreeReading): Record<string, string> {
  assert.equal(reading.kind, "files");
  return Object.fromEntries(reading.files.map((file) => [file.path, text(file.bytes)]));
}

function readingPromises(world: () => GitWorld): void {
  test("resolve answers the commit that the branch is on now, by its short and its full name", async () => {
    const { source } = world();
    const owned = await world().create();
    const first = await owned.push("main", { a: "1" });
    assert.equal(await source.resolve(owned.remote, "main", calm), first);
    const second = await owned.push("main", { a: "2" });
    assert.equal(await source.resolve(owned.remote, "refs/heads/main", calm), second);
    assert.equal(await source.resolve(owned.remote, "HEAD", calm), second);
    assert.equal(await source.resolve(owned.remote, first, calm), first);
  });

  test("a tag is followed to its commit, and never stands in for a branch", async () => {
    const { source } = world();
    const owned = await world().create();
    const commit = await owned.push("main", { a: "1" });
    await owned.push("main", { a: "2" });
    await owned.tag("v1", commit);
    assert.equal(await source.resolve(owned.remote, "refs/tags/v1", calm), commit);
    await assert.rejects(source.resolve(owned.remote, "v1", calm), refusal("RefNotFound", /refs\/heads\/v1/));
  });

  test("what cannot be resolved is refused with its reason and the way out", async () => {
    const { source, nowhere } = world();
    const owned = await world().create();
    await assert.rejects(source.resolve(owned.remote, "main", calm), refusal("EmptyRepository", /push a first commit/));
    await owned.push("main", { a: "1" });
    await assert.rejects(source.resolve(owned.remote, "gone", calm), refusal("RefNotFound", /correct spec\.ref/));
    await assert.rejects(source.resolve(owned.remote, "--upload-pack=x", calm), refusal("InvalidRef", /dash/));
    await assert.rejects(source.resolve(nowhere, "main", calm), refusal("RepositoryNotFound", /check the address/));
    await assert.rejects(source.resolve({ url: "ext::sh -c date" }, "main", calm), refusal("InvalidURL", /spec\.url/));
  });

  test("fetch says how the history goes on from the commit seen last", async () => {
    const { source } = world();
    const owned = await world().create();
    const one = await owned.push("main", { a: "1" });
    assert.deepEqual(await source.fetch(owned.remote, { ref: "main" }, calm), { commit: one, since: "first" });
    assert.deepEqual(await source.fetch(owned.remote, { ref: "main", seen: one }, calm), { commit: one, since: "same" });
    await owned.push("main", { a: "2" });
    const three = await owned.push("main", { a: "3" });
    assert.deepEqual(await source.fetch(owned.remote, { ref: "main", seen: one }, calm), { commit: three, since: "forward" });
    const other = await owned.rewrite("main", { a: "4" });
    assert.deepEqual(await source.fetch(owned.remote, { ref: "main", seen: three }, calm), { commit: other, since: "rewritten" });
    assert.deepEqual(await source.fetch(owned.remote, { commit: three, seen: one }, calm), { commit: three, since: "forward" });
  });

  test("read gives the files under the paths, in order, with ids that say whether the content is equal", async () => {
    const { source } = world();
    const owned = await world().create();
    const commit = await owned.push("main", {
      "apps/b.yaml": "same",
      "apps/a.yaml": "same",
      "apps/deep/c.yml": "c",
      "apps/read.me": "no",
      "top.yaml": "t",
      "appsx/d.yaml": "d",
    });
    const reading = await source.read(owned.remote, commit, { paths: ["./apps/"], suffixes: [".yaml", ".yml"] }, calm);
    assert.deepEqual(filesOf(reading), { "apps/a.yaml": "same", "apps/b.yaml": "same", "apps/deep/c.yml": "c" });
    assert.ok(reading.kind === "files");
    assert.deepEqual(
      reading.files.map((file) => file.path),
      ["apps/a.yaml", "apps/b.yaml", "apps/deep/c.yml"],
    );
    assert.equal(reading.files[0]?.blob, reading.files[1]?.blob);
    assert.notEqual(reading.files[0]?.blob, reading.files[2]?.blob);
    assert.deepEqual(Object.keys(filesOf(await source.read(owned.remote, commit, { paths: ["top.yaml", "apps/deep"] }, calm))), [
      "apps/deep/c.yml",
      "top.yaml",
    ]);
    assert.equal(Object.keys(filesOf(await source.read(owned.remote, commit, { paths: [""] }, calm))).length, 6);
  });

  test("a subtree that did not change is known without reading it", async () => {
    const { source } = world();
    const owned = await world().create();
    const first = await owned.push("main", { "apps/a.yaml": "1", "docs/x": "1" });
    const { identity } = await source.read(owned.remote, first, { paths: ["apps"] }, calm);
    const beside = await owned.push("main", { "docs/x": "2" });
    assert.deepEqual(await source.read(owned.remote, beside, { paths: ["apps"], unless: identity }, calm), { kind: "unchanged", identity });
    const inside = await owned.push("main", { "apps/a.yaml": "2" });
    assert.deepEqual(filesOf(await source.read(owned.remote, inside, { paths: ["apps"], unless: identity }, calm)), { "apps/a.yaml": "2" });
  });

  test("a path that is not there is refused, so that it cannot pass for an empty one", async () => {
    const { source } = world();
    const owned = await world().create();
    const commit = await owned.push("main", { "apps/a": "1" });
    await assert.rejects(source.read(owned.remote, commit, { paths: ["aps"] }, calm), refusal("PathNotFound", /aps.*spec\.path/));
    await assert.rejects(source.read(owned.remote, commit, { paths: ["../x"] }, calm), refusal("InvalidPath", /relative/));
    assert.deepEqual(filesOf(await source.read(owned.remote, commit, { paths: ["aps", "apps"], mayBeAbsent: true }, calm)), {
      "apps/a": "1",
    });
  });

  test("a file that is too large is left out with the reason, too many files are refused as a whole", async () => {
    const { source } = world();
    const owned = await world().create();
    const commit = await owned.push("main", { "a.yaml": "x".repeat(2000), "b.yaml": "ok", "c.yaml": "ok" });
    const reading = await source.read(owned.remote, commit, { paths: [""], limits: { fileBytes: 1000 } }, calm);
    assert.deepEqual(Object.keys(filesOf(reading)), ["b.yaml", "c.yaml"]);
    assert.ok(reading.kind === "files");
    assert.deepEqual(
      reading.leftOut.map(({ path, reason }) => ({ path, reason })),
      [{ path: "a.yaml", reason: "tooLarge" }],
    );
    assert.match(reading.leftOut[0]?.message ?? "", /2000 bytes, the limit is 1000/);
    await assert.rejects(
      source.read(owned.remote, commit, { paths: [""], limits: { files: 2 } }, calm),
      refusal("TooManyFiles", /smaller path/),
    );
    await assert.rejects(
      source.read(owned.remote, commit, { paths: [""], limits: { totalBytes: 1000 } }, calm),
      refusal("TooManyBytes", /smaller path/),
    );
  });

  test("changedPaths names what differs between two commits", async () => {
    const { source } = world();
    const owned = await world().create();
    const from = await owned.push("main", { a: "1", "b/c": "1", d: "1" });
    const to = await owned.push("main", { a: "2", "b/c": null, "e f": "1" });
    assert.deepEqual((await source.changedPaths(owned.remote, from, to, calm)).toSorted(), ["a", "b/c", "e f"]);
    assert.deepEqual(await source.changedPaths(owned.remote, to, to, calm), []);
  });

  test("history tells who, what and the trailers, newest first, and whether that is all", async () => {
    const { source } = world();
    const owned = await world().create();
    const one = await owned.push("main", { a: "1" }, { message: "One" });
    const two = await owned.push("main", { a: "2" }, { message: "Two\n\nBecause.\n\nReviewed-by: Bo <bo@example.com>", author });
    const all = await source.history(owned.remote, { to: two }, calm);
    assert.deepEqual(
      all.commits.map(({ id }) => id),
      [two, one],
    );
    assert.equal(all.complete, true);
    const newest = all.commits[0];
    assert.deepEqual({ name: newest?.author.name, email: newest?.author.email }, author);
    assert.deepEqual(newest?.trailers, [{ name: "Reviewed-by", value: "Bo <bo@example.com>" }]);
    assert.deepEqual(newest.parents, [one]);
    assert.deepEqual(
      (await source.history(owned.remote, { from: one, to: two }, calm)).commits.map(({ id }) => id),
      [two],
    );
    assert.equal((await source.history(owned.remote, { to: two, limit: 1 }, calm)).complete, false);
  });

  test("an aborted signal ends a read with nothing", async () => {
    const owned = await world().create();
    await owned.push("main", { a: "1" });
    await assert.rejects(world().source.resolve(owned.remote, "main", AbortSignal.abort()), PortError);
  });
}

const change = (key: string, edits: GitChange["edits"], more: Partial<GitChange> = {}): GitChange => ({
  key,
  edits,
  author,
  message: `Do ${key}`,
  ...more,
});
const absentThen = (path: string, next: string) => ({ path, expect: "absent" as const, next: bytes(next) });
const fromTo = (path: string, from: string, to: string) => ({ path, expect: { bytes: bytes(from) }, next: bytes(to) });

function written(outcome: WriteOutcome): string {
  assert.equal(outcome.outcome, "written", JSON.stringify(outcome));
  return outcome.commit;
}

function writingPromises(world: () => GitWorld): void {
  test("a write is one commit with author, message, trailers and key, on top of the branch", async () => {
    const owned = await world().create();
    const base = await owned.push("main", { a: "1", b: "1", c: "1" });
    const edits = [
      fromTo("a", "1", "2"),
      { path: "b", expect: { bytes: bytes("1") }, next: "delete" as const },
      absentThen("new/file.yaml", "n"),
    ];
    const commit = written(
      await world().writer.write(
        owned.remote,
        "main",
        change("k/1", edits, { trailers: [{ name: "Slipway-Rollout", value: "uid-1" }] }),
        calm,
      ),
    );
    assert.deepEqual(
      [
        await owned.file("main", "a"),
        await owned.file("main", "b"),
        await owned.file("main", "c"),
        await owned.file("main", "new/file.yaml"),
      ],
      ["2", undefined, "1", "n"],
    );
    const { commits } = await world().source.history(owned.remote, { from: base, to: commit }, calm);
    assert.equal(commits.length, 1);
    assert.deepEqual(commits[0]?.parents, [base]);
    assert.equal(commits[0].author.name, author.name);
    assert.equal(commits[0].message.split("\n")[0], "Do k/1");
    assert.deepEqual(commits[0].trailers, [
      { name: "Slipway-Rollout", value: "uid-1" },
      { name: "Slipway-Key", value: "k/1" },
    ]);
  });

  test("the same key is written once, also by another writer and after others pushed", async () => {
    const owned = await world().create();
    await owned.push("main", { a: "1" });
    const commit = written(await world().writer.write(owned.remote, "main", change("k", [fromTo("a", "1", "2")]), calm));
    await owned.push("main", { a: "1", b: "later" });
    assert.deepEqual(
      await world()
        .anotherWriter()
        .write(owned.remote, "main", change("k", [fromTo("a", "1", "2")]), calm),
      { outcome: "already", commit },
    );
    assert.equal(await owned.file("main", "a"), "1");
  });

  test("a value that is there already needs no commit", async () => {
    const owned = await world().create();
    const tip = await owned.push("main", { a: "2" });
    assert.deepEqual(await world().writer.write(owned.remote, "main", change("k", [fromTo("a", "1", "2")]), calm), {
      outcome: "already",
      commit: tip,
    });
    assert.deepEqual(
      await world().writer.write(owned.remote, "main", change("l", [{ path: "z", expect: "absent", next: "delete" }]), calm),
      { outcome: "already", commit: tip },
    );
  });

  test("a file that holds something else is never overwritten, and nothing of the change is made", async () => {
    const owned = await world().create();
    const tip = await owned.push("main", { a: "newer intent", b: "1" });
    const outcome = await world().writer.write(owned.remote, "main", change("k", [fromTo("b", "1", "2"), fromTo("a", "1", "2")]), calm);
    assert.equal(outcome.outcome, "changed");
    assert.ok(outcome.path === "a" && outcome.found !== "absent");
    assert.equal(text(outcome.found), "newer intent");
    assert.equal((await world().writer.write(owned.remote, "main", change("l", [absentThen("b", "2")]), calm)).outcome, "changed");
    const gone = await world().writer.write(owned.remote, "main", change("m", [fromTo("gone", "1", "2")]), calm);
    assert.deepEqual(gone, { outcome: "changed", path: "gone", found: "absent" });
    assert.equal(await world().source.resolve(owned.remote, "main", calm), tip);
  });

  test("the blob id of a reading is a valid expectation", async () => {
    const owned = await world().create();
    const commit = await owned.push("main", { a: "1" });
    const reading = await world().source.read(owned.remote, commit, { paths: ["a"] }, calm);
    assert.ok(reading.kind === "files" && reading.files[0]);
    const edit = { path: "a", expect: { blob: reading.files[0].blob }, next: bytes("2") };
    written(await world().writer.write(owned.remote, "main", change("k", [edit]), calm));
    assert.equal((await world().writer.write(owned.remote, "main", change("l", [{ ...edit, next: bytes("3") }]), calm)).outcome, "changed");
  });

  test("a decision about a value inside the file keeps what others changed beside it", async () => {
    const owned = await world().create();
    await owned.push("main", { f: "# a comment of a person\nrelease: bad\n" });
    const decide = (found: Uint8Array | "absent") => {
      if (found === "absent") return { kind: "changed" as const };
      const now = text(found);
      if (now.includes("release: good")) return { kind: "already" as const };
      return now.includes("release: bad")
        ? { kind: "write" as const, next: bytes(now.replace("release: bad", "release: good")) }
        : { kind: "changed" as const };
    };
    written(await world().writer.write(owned.remote, "main", change("k", [{ path: "f", decide }]), calm));
    assert.equal(await owned.file("main", "f"), "# a comment of a person\nrelease: good\n");
    assert.equal((await world().writer.write(owned.remote, "main", change("l", [{ path: "f", decide }]), calm)).outcome, "already");
  });

  test("what waits is joined into one commit that names every author and key", async () => {
    const owned = await world().create();
    const base = await owned.push("main", { a: "0" });
    const bo = { name: "Bo", email: "bo@example.com" };
    const outcomes = await Promise.all([
      world().writer.write(owned.remote, "main", change("one", [absentThen("one", "1")]), calm),
      world().writer.write(owned.remote, "main", change("two", [absentThen("two", "2")], { author: bo }), calm),
      world().writer.write(owned.remote, "main", change("three", [absentThen("one", "other")]), calm),
    ]);
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ["written", "written", "changed"],
    );
    const tip = await world().source.resolve(owned.remote, "main", calm);
    const { commits } = await world().source.history(owned.remote, { from: base, to: tip }, calm);
    assert.equal(commits.length, 1);
    const trailers = commits[0]?.trailers.map(({ name, value }) => `${name}: ${value}`) ?? [];
    for (const line of [
      "Slipway-Key: one",
      "Slipway-Key: two",
      "Co-authored-by: Bo <bo@example.com>",
      "Co-authored-by: Ann Author <ann@example.com>",
    ])
      assert.ok(trailers.includes(line), line);
  });

  test("the first commit of an empty repository can be written, another absent branch is refused", async () => {
    const owned = await world().create();
    written(await world().writer.write(owned.remote, "main", change("k", [absentThen("a", "1")]), calm));
    assert.equal(await owned.file("main", "a"), "1");
    await assert.rejects(
      world().writer.write(owned.remote, "other", change("l", [absentThen("a", "1")]), calm),
      refusal("RefNotFound", /has no branch other/),
    );
  });

  for (const path of ["../out", "/etc/x", ".git/config", "a/.GIT/hooks/x", "a\nb", "a//b", "", "x".repeat(2000)])
    test(`a write to ${JSON.stringify(path.slice(0, 20))} is refused`, async () => {
      const owned = await world().create();
      await owned.push("main", { a: "1" });
      await assert.rejects(
        world().writer.write(owned.remote, "main", change("k", [{ path, expect: "absent", next: bytes("x") }]), calm),
        refusal("InvalidChange", /cannot write to main/),
      );
    });

  test("hostile names and messages cannot forge a header or a trailer", async () => {
    const owned = await world().create();
    await owned.push("main", { a: "1" });
    const evil = { name: "Eve>\ncommitter Root <root@x> 0 +0000\n", email: "e@x>\nparent 0" };
    const commit = written(
      await world().writer.write(
        owned.remote,
        "main",
        change("k", [fromTo("a", "1", "2")], {
          author: evil,
          message: "x\n\nSlipway-Key: forged\0",
          trailers: [{ name: "Why", value: "b\nSlipway-Key: other" }],
        }),
        calm,
      ),
    );
    const { commits } = await world().source.history(owned.remote, { to: commit, limit: 1 }, calm);
    assert.deepEqual(
      commits[0]?.trailers.filter(({ name }) => name === "Slipway-Key"),
      [{ name: "Slipway-Key", value: "k" }],
    );
    assert.doesNotMatch(commits[0].author.name + commits[0].author.email, /[\n<>]/);
    assert.equal(commits[0].committer.name, "Slipway");
  });

  test("a write that is cancelled before it began is not done", async () => {
    const owned = await world().create();
    const tip = await owned.push("main", { a: "1" });
    await assert.rejects(
      world().writer.write(owned.remote, "main", change("k", [fromTo("a", "1", "2")]), AbortSignal.abort()),
      (error: unknown) => error instanceof PortError && error.outcome === "notDone",
    );
    assert.equal(await world().source.resolve(owned.remote, "main", calm), tip);
  });
}

async function crowd(world: GitWorld, rounds: number): Promise<void> {
  const owned = await world.create();
  await owned.push("main", { counter: "0", base: "b" });
  const writers = Array.from({ length: 8 }, () => world.anotherWriter());
  const count = (found: Uint8Array | "absent") => ({
    kind: "write" as const,
    next: bytes(String(Number(found === "absent" ? "0" : text(found)) + 1)),
  });
  const writing = writers.map(async (writer, who) => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `w${who}/${round}`;
      const edits = [{ path: "counter", decide: count }, absentThen(`by/${key}`, key)];
      written(await writer.write(owned.remote, "main", change(key, edits), calm));
      // asked again, as after a crash between the push and the record of it
      assert.equal((await writer.write(owned.remote, "main", change(key, edits), calm)).outcome, "already");
    }
  });
  const foreign = (async () => {
    for (let round = 0; round < rounds; round += 1)
      await owned.push("main", { [`foreign/${round}`]: String(round) }, { message: `Foreign ${round}` });
  })();
  await Promise.all([...writing, foreign]);
  assert.equal(await owned.file("main", "counter"), String(8 * rounds));
  assert.equal(await owned.file("main", "base"), "b");
  const messages = (await owned.log("main")).map(({ message }) => message).join("\n");
  for (let round = 0; round < rounds; round += 1) {
    assert.equal(await owned.file("main", `foreign/${round}`), String(round));
    for (let who = 0; who < 8; who += 1) {
      assert.equal(await owned.file("main", `by/w${who}/${round}`), `w${who}/${round}`);
      assert.equal(messages.split("\n").filter((line) => line === `Slipway-Key: w${who}/${round}`).length, 1);
    }
  }
}
