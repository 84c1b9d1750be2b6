import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gitRepositories } from "../../src/adapters/git/git.ts";
import { takeLock } from "../../src/adapters/git/machine-lock.ts";
import { ownersGit, ownersText, realRepository, sandbox } from "../../src/adapters/git/test-repository.ts";
import type { Sandbox } from "../../src/adapters/git/test-repository.ts";
import { httpBackend, listen } from "../../src/adapters/git/test-server.ts";
import { instant } from "../../src/domain/units.ts";
import type { GitChange } from "../../src/ports/git.ts";
import { PortError } from "../../src/ports/port-error.ts";

// Whatever is killed, lost or damaged: a write is made exactly once, and a mirror is usable again without anybody's help.

const full = process.env["SLIPWAY_TEST_FULL"] === "1";
const calm = new AbortController().signal;
const adapter = JSON.stringify(new URL("../../src/adapters/git/git.ts", import.meta.url).href);
// One write in a process of its own, to be killed: adds one to the file `counter` and notes the key in a file.
const writerProgram = `
  import { gitRepositories } from ${adapter};
  const [root, url, key] = process.argv.slice(1);
  const { writer } = gitRepositories({ root, environment: process.env, now: () => Date.now() });
  const next = (found) => Buffer.from(String(Number(found === "absent" ? 0 : Buffer.from(found).toString()) + 1));
  const edits = [
    { path: "counter", decide: (found) => ({ kind: "write", next: next(found) }) },
    { path: "by/" + key, decide: () => ({ kind: "write", next: Buffer.from(key) }) },
  ];
  const change = { key, edits, author: { name: "Ann", email: "ann@example.com" }, message: "Write " + key };
  const outcome = await writer.write({ url }, "main", change, new AbortController().signal);
  process.stdout.write(outcome.outcome);`;

describe("crashes around Git", { timeout: full ? 900_000 : 180_000 }, () => {
  let box: Sandbox;
  let made = 0;
  before(async () => {
    box = await sandbox();
  });
  after(() => box.close());
  const create = () => realRepository(join(box.path, `r${(made += 1)}.git`));
  const open = (root = "mirrors") =>
    gitRepositories({ root: join(box.path, root), environment: process.env, now: () => instant(Date.now()) });

  /** Runs one write in a process; kills it with -9 after `killAfterMs`. */
  async function writeInProcess(root: string, url: string, key: string, killAfterMs?: number): Promise<string> {
    const child = spawn(process.execPath, ["--input-type=module", "-e", writerProgram, root, url, key], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    await new Promise((resolve) => child.on("close", resolve));
    clearTimeout(timer);
    return said;
  }

  const kills = full ? 60 : 12;
  test(`${kills} kills -9 of the process at any moment of a write: each write is made exactly once`, async () => {
    const repository = await create();
    await repository.push("main", { counter: "0" });
    const root = join(box.path, "killed");
    const began = performance.now();
    await writeInProcess(root, repository.path, "warm");
    const whole = performance.now() - began;
    const keys = Array.from({ length: kills }, (_, at) => `kill/${at}`);
    for (const [at, key] of keys.entries()) {
      await writeInProcess(root, repository.path, key, whole * (0.3 + (0.8 * at) / kills)); // spread over its life, later than the start of Node
      assert.match(await writeInProcess(root, repository.path, key), /^(?:written|already)$/);
    }
    assert.equal(await repository.file("main", "counter"), String(kills + 1));
    const lines = (await repository.log("main")).flatMap(({ message }) => message.split("\n"));
    for (const key of keys) assert.equal(lines.filter((line) => line === `Slipway-Key: ${key}`).length, 1, key);
    assert.deepEqual(await readdir(join(root, "secrets")).catch(() => []), []);
  });

  test("four processes that share the mirrors and write at once lose nothing", async () => {
    const repository = await create();
    await repository.push("main", { counter: "0" });
    const root = join(box.path, "shared");
    const said = await Promise.all(Array.from({ length: 4 }, (_, at) => writeInProcess(root, repository.path, `p${at}`)));
    assert.deepEqual(said, ["written", "written", "written", "written"]);
    assert.equal(await repository.file("main", "counter"), "4");
  });

  // What may become of a push whose answer is lost.
  const isPush = (request: IncomingMessage) => request.method === "POST" && (request.url ?? "").endsWith("git-receive-pack");
  for (const fate of ["never arrives", "arrives, but the answer is lost", "arrives only after the next attempt looked"] as const)
    test(`a push that ${fate} is still made exactly once`, async () => {
      const repository = await create();
      await repository.push("main", { counter: "0" });
      const backend = httpBackend(box.path);
      let pushes = 0;
      const handler: RequestListener = (request, response) => {
        if (!isPush(request) || (pushes += 1) > 1) backend(request, response);
        else if (fate === "never arrives") request.socket.destroy();
        else if (fate === "arrives, but the answer is lost") {
          response.write = () => true;
          response.end = (() => request.socket.destroy()) as unknown as typeof response.end; // the answer of the backend goes nowhere
          backend(request, response);
        } else void lateDelivery(request, repository.path);
      };
      const server = await listen(handler);
      try {
        const remote = { url: `${server.url}/${repository.path.split("/").at(-1) ?? ""}`, allowPlainHttp: true };
        const outcome = await open().writer.write(remote, "main", counting("k"), calm);
        assert.match(outcome.outcome, /written|already/);
        assert.equal((await open("other").writer.write(remote, "main", counting("k"), calm)).outcome, "already");
        assert.equal(await repository.file("main", "counter"), "1");
        assert.equal((await repository.log("main")).length, 2);
      } finally {
        await server.close();
      }
    });

  /** Takes the push in, drops the connection, and lets the push take effect a little later. */
  async function lateDelivery(request: IncomingMessage, path: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // a request without encoding gives buffers
    request.socket.destroy();
    await sleep(30);
    const child = spawn("git", ["-c", "safe.directory=*", "receive-pack", "--stateless-rpc", path], {
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: process.env["PATH"] ?? "", GIT_CONFIG_GLOBAL: "/dev/null" },
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(Buffer.concat(chunks));
  }

  test("a push whose outcome nobody can learn is unknown, and asking again observes first", async () => {
    const repository = await create();
    await repository.push("main", { counter: "0" });
    const backend = httpBackend(box.path);
    let away = false;
    const handler: RequestListener = (request, response) => {
      if (away) request.socket.destroy();
      else if (isPush(request)) {
        away = true; // the commit arrives, and from then on the server is away
        response.write = () => true;
        response.end = (() => request.socket.destroy()) as unknown as typeof response.end; // the answer of the backend goes nowhere
        backend(request, response);
      } else backend(request, response);
    };
    const server = await listen(handler);
    try {
      const remote = { url: `${server.url}/${repository.path.split("/").at(-1) ?? ""}`, allowPlainHttp: true };
      const { writer } = open();
      await assert.rejects(
        writer.write(remote, "main", counting("k"), calm),
        (error: unknown) => error instanceof PortError && error.outcome === "unknown",
      );
      away = false;
      assert.equal((await writer.write(remote, "main", counting("k"), calm)).outcome, "already");
      assert.equal(await repository.file("main", "counter"), "1");
    } finally {
      await server.close();
    }
  });

  const mirrorOf = async (root: string): Promise<string> => {
    const home = (await readdir(join(box.path, root))).find((name) => /^[0-9a-f]{24}$/.test(name)) ?? "";
    return join(box.path, root, home, await readFile(join(box.path, root, home, "current"), "utf8"));
  };
  const packs = async (mirror: string, end: string) =>
    (await readdir(join(mirror, "objects", "pack")))
      .filter((name) => name.endsWith(end))
      .map((name) => join(mirror, "objects", "pack", name));
  const damages: readonly { readonly name: string; readonly harm: (mirror: string) => Promise<void> }[] = [
    {
      name: "a pack cut in half",
      harm: async (mirror) => {
        for (const pack of await packs(mirror, ".pack")) {
          await chmod(pack, 0o600);
          await truncate(pack, Math.floor((await stat(pack)).size / 2));
        }
      },
    },
    {
      name: "a pack that is gone",
      harm: async (mirror) => {
        for (const pack of await packs(mirror, ".pack")) await rm(pack);
      },
    },
    {
      name: "a pack full of zeros",
      harm: async (mirror) => {
        for (const pack of await packs(mirror, ".pack")) {
          const { size } = await stat(pack);
          await chmod(pack, 0o600);
          await writeFile(pack, Buffer.alloc(size));
        }
      },
    },
    {
      name: "an index full of zeros",
      harm: async (mirror) => {
        for (const index of await packs(mirror, ".idx")) {
          await chmod(index, 0o600);
          await writeFile(index, Buffer.alloc(100));
        }
      },
    },
    { name: "no HEAD", harm: (mirror) => rm(join(mirror, "HEAD")) },
    { name: "an empty HEAD", harm: (mirror) => writeFile(join(mirror, "HEAD"), "") },
    { name: "a configuration that is none", harm: (mirror) => writeFile(join(mirror, "config"), "[[[") },
    {
      name: "empty refs, as after a power cut",
      harm: async (mirror) => {
        const folder = join(mirror, "refs", "slipway", "commits");
        for (const name of await readdir(folder)) await writeFile(join(folder, name), "");
      },
    },
    { name: "no mirror at all", harm: (mirror) => rm(mirror, { recursive: true }) },
    { name: "a `current` that is none", harm: (mirror) => writeFile(join(mirror, "..", "current"), "../../../etc") },
    {
      name: "lock files of a killed Git",
      harm: async (mirror) => {
        for (const name of ["shallow.lock", "HEAD.lock", "packed-refs.lock", "config.lock"]) await writeFile(join(mirror, name), "");
        await writeFile(join(mirror, "..", "lock.900"), "999999 0.0 dead");
      },
    },
    { name: "lock files that nobody answers for", harm: (mirror) => writeFile(join(mirror, "shallow.lock"), "") },
    { name: "a lock file that is empty, as after a power cut", harm: (mirror) => writeFile(join(mirror, "..", "lock.900"), "") },
  ];
  for (const [at, { name, harm }] of damages.entries())
    test(`a mirror with ${name} is made anew by whoever reads next, and writes go on`, async () => {
      const repository = await create();
      const first = await repository.push("main", { a: "1", counter: "0" });
      const root = `damaged-${at}`;
      await open(root).source.read(repository.remote, first, { paths: [""] }, calm);
      await harm(await mirrorOf(root));
      const second = await repository.push("main", { a: "2" });
      for (const [commit, content] of [
        [first, "1"],
        [second, "2"],
      ] as const) {
        const reading = await open(root).source.read(repository.remote, commit, { paths: ["a"] }, calm);
        assert.ok(reading.kind === "files");
        assert.equal(Buffer.from(reading.files[0]?.bytes ?? []).toString(), content);
      }
      await harm(await mirrorOf(root));
      const maybe = await open(root).source.read(repository.remote, second, { paths: ["a", "not/there"], mayBeAbsent: true }, calm);
      assert.equal(maybe.kind === "files" && maybe.files.length, 1, "damage passed for an absent path");
      assert.equal((await open(root).writer.write(repository.remote, "main", counting("k"), calm)).outcome, "written");
      assert.equal(await repository.file("main", "counter"), "1");
    });

  test("a file whose folder is damaged never passes for absent", async () => {
    const repository = await create();
    const commit = await repository.push("main", { "dir/sub/a": "1" });
    const select = { paths: ["dir/sub/a"], mayBeAbsent: true };
    await open("partly").source.read(repository.remote, commit, select, calm);
    const mirror = await mirrorOf("partly");
    for (const pack of await packs(mirror, ".pack")) {
      const bytes = await readFile(pack);
      for (const part of [...(await packs(mirror, ".idx")), ...(await packs(mirror, ".rev")), pack]) await rm(part, { force: true });
      await ownersGit(mirror, ["unpack-objects", "-q"], { stdin: bytes });
    }
    const folder = await ownersText(repository.path, ["rev-parse", `${commit}:dir`]);
    await rm(join(mirror, "objects", folder.slice(0, 2), folder.slice(2)));
    const reading = await open("partly").source.read(repository.remote, commit, select, calm);
    assert.equal(reading.kind === "files" && reading.files.length, 1);
  });

  test("the lock of a mirror is held by one at a time, and freed by the death of its holder", async () => {
    const directory = join(box.path, "lock");
    await mkdir(directory);
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const lock = await takeLock(directory, 60, calm);
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        inside -= 1;
        await lock.release();
      }),
    );
    assert.equal(most, 1);
    const program = `import { takeLock } from ${JSON.stringify(new URL("../../src/adapters/git/machine-lock.ts", import.meta.url).href)}; await takeLock(${JSON.stringify(directory)}, 60, new AbortController().signal); process.stdout.write("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await assert.rejects(
      takeLock(directory, 0.2, calm),
      (error: unknown) => error instanceof PortError && error.reason === "MirrorBusy" && error.message.includes(String(child.pid)),
    );
    child.kill("SIGKILL");
    const lock = await takeLock(directory, 20, calm);
    assert.equal(lock.inherited, true);
    await lock.release();
    assert.equal((await readdir(directory)).filter((name) => name.startsWith("lock.")).length, 1);
  });

  test(
    "kill -9 of the process ends the Git that it had started",
    { skip: process.platform === "linux" ? false : "needs /proc to look" },
    async () => {
      const server = await listen(() => undefined);
      try {
        const child = spawn(
          process.execPath,
          [
            "--disable-warning=ExperimentalWarning",
            "--input-type=module",
            "-e",
            `
        import { gitRepositories } from ${JSON.stringify(new URL("../../src/adapters/git/git.ts", import.meta.url).href)};
        const { source } = gitRepositories({ root: ${JSON.stringify(join(box.path, "orphans"))}, environment: process.env, now: () => Date.now() });
        await source.resolve({ url: ${JSON.stringify(`${server.url}/x`)}, allowPlainHttp: true }, "main", new AbortController().signal);`,
          ],
          { stdio: "ignore" },
        );
        const running = async () =>
          (
            await Promise.all(
              (await readdir("/proc"))
                .filter((name) => /^\d+$/.test(name) && name !== String(child.pid))
                .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
            )
          ).filter((line) => line.includes(server.url)).length;
        await until(async () => server.asked.length > 0 && (await running()) > 0);
        child.kill("SIGKILL");
        await until(async () => (await running()) === 0);
      } finally {
        await server.close();
      }
    },
  );
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < end, "it did not come about in 20 s");
    await sleep(20);
  }
}

const counting = (key: string): GitChange => ({
  key,
  author: { name: "Ann", email: "ann@example.com" },
  message: "Count",
  edits: [
    {
      path: "counter",
      decide: (found) => ({ kind: "write", next: Buffer.from(String(Number(found === "absent" ? 0 : Buffer.from(found).toString()) + 1)) }),
    },
  ],
});
