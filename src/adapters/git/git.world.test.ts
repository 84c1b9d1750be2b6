import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { instant } from "../../domain/units.ts";
import { gitContract } from "../../ports/git.contract.ts";
import { PortError } from "../../ports/port-error.ts";
import { checkGit, gitRepositories } from "./git.ts";
import { takeLock } from "./machine-lock.ts";
import { realRepository, sandbox } from "./test-repository.ts";

gitContract("real repositories", async () => {
  const box = await sandbox();
  const open = (name: string) => gitRepositories({ root: join(box.path, name), environment: process.env, now: () => instant(Date.now()) });
  const { source, writer } = open("mirrors");
  let others = 0;
  let made = 0;
  return {
    source,
    writer,
    // every second one shares the mirrors, as processes of one machine do
    anotherWriter: () => open((others += 1) % 2 === 0 ? "mirrors" : `mirrors-${others}`).writer,
    nowhere: { url: join(box.path, "nowhere") },
    close: () => box.close(),
    create: () => realRepository(join(box.path, `repository ${(made += 1)}.git`)),
  };
});

const calm = new AbortController().signal;

test("a mirror stays small: old commits are dropped from it and fetched again when they are asked for", async () => {
  const box = await sandbox();
  const root = join(box.path, "mirrors");
  const { source } = gitRepositories({
    root,
    environment: process.env,
    now: () => instant(Date.now()),
    limits: { packs: 3, keptCommits: 2, historyCommits: 2 },
  });
  const repository = await realRepository(join(box.path, "r.git"));
  const commits: string[] = [];
  for (let at = 0; at < 12; at += 1) {
    commits.push(await repository.push("main", { a: String(at) }));
    await source.fetch(repository.remote, { ref: "main" }, calm);
  }
  const names = await readdir(root, { recursive: true });
  assert.ok(names.filter((name) => name.endsWith(".pack")).length <= 5, "packs pile up");
  assert.ok(names.filter((name) => /commits\/[0-9a-f]{40}$/.test(name)).length <= 6, "commits pile up");
  for (const [at, commit] of commits.entries()) {
    const reading = await source.read(repository.remote, commit, { paths: ["a"] }, calm);
    assert.equal(reading.kind === "files" && Buffer.from(reading.files[0]?.bytes ?? []).toString(), String(at));
  }
  await box.close();
});

test("a Git that is absent or too old is told with what to install", async () => {
  assert.match(await checkGit(), /^\d+\.\d+/);
  await assert.rejects(
    checkGit("/nowhere/git"),
    (error: unknown) => error instanceof PortError && error.reason === "GitMissing" && error.message.includes("install Git 2.30"),
  );
  const box = await sandbox();
  const { source } = gitRepositories({
    root: join(box.path, "m"),
    program: "/nowhere/git",
    environment: process.env,
    now: () => instant(Date.now()),
  });
  await assert.rejects(source.resolve({ url: box.path }, "main", calm), PortError);
  await box.close();
});

test("a directory that cannot be used is told, and so is a wait that was cancelled", async () => {
  const box = await sandbox();
  const repository = await realRepository(join(box.path, "r.git"));
  const commit = await repository.push("main", { a: "1" });
  await writeFile(join(box.path, "file"), "");
  const { source, writer } = gitRepositories({
    root: join(box.path, "file", "mirrors"),
    environment: process.env,
    now: () => instant(Date.now()),
  });
  const told = (error: unknown) => error instanceof PortError && error.reason === "MirrorFailed" && error.message.includes("may write to");
  await assert.rejects(source.resolve(repository.remote, "main", calm), told);
  const edits = [{ path: "a", expect: "absent" as const, next: "delete" as const }];
  await assert.rejects(
    writer.write(repository.remote, "main", { key: "k", edits, author: { name: "A", email: "a@x" }, message: "m" }, calm),
    told,
  );
  const root = join(box.path, "mirrors");
  const sound = gitRepositories({ root, environment: process.env, now: () => instant(Date.now()) }).source;
  await sound.resolve(repository.remote, "main", calm);
  const [home = ""] = await readdir(root);
  const lock = await takeLock(join(root, home), 10, calm);
  await assert.rejects(
    sound.fetch(repository.remote, { commit }, AbortSignal.timeout(100)),
    (error: unknown) => error instanceof PortError && error.reason === "Cancelled",
  );
  await lock.release();
  assert.equal((await sound.fetch(repository.remote, { commit }, calm)).commit, commit);
  await box.close();
});
