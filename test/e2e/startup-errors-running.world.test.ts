import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, mkdir, mkdtemp, realpath, rm, statfs } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, type Plane, spawnPlane, startPlane } from "../fixtures/load/plane.ts";
import { postmasterOf, processesOf } from "../fixtures/load/processes.ts";
import { testDatabase } from "../fixtures/postgres.ts";

// What goes away under a server that runs, or is not there yet: it says so, waits, and goes on by itself.

const NAMESPACES = "/api/v1/namespaces";
const namespace = (name: string): object => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

async function inFolder(work: (data: string) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "slipway-away-")));
  await chmod(folder, 0o711);
  const data = join(folder, "data");
  try {
    await work(data);
  } finally {
    for (const { pid } of await processesOf(data)) process.kill(pid, "SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

test("PostgreSQL that is killed and does not come back: not ready, writes say why, the log says what to mend; mended, it goes on by itself", () =>
  inFolder(async (data) => {
    const server = await startPlane({ data });
    const files = join(data, "postgres/data");
    await chmod(files, 0o777); // PostgreSQL does not start on data that everybody may write
    process.kill(await postmasterOf(data), "SIGKILL");
    await until("it is not ready", async () => (await server.ask("GET", "/readyz")).code === 503);
    const probe = await server.ask("GET", "/readyz");
    assert.match(probe.text, /\[-\]postgres failed/);
    assert.equal((await server.ask("GET", "/livez")).code, 200, "a restart would not help");
    const write = await server.ask("POST", NAMESPACES, { body: namespace("later") });
    assert.equal(write.code, 503, write.text);
    assert.match(write.text, /PostgreSQL at .*nothing listens there/);
    await until("the log says what to mend", async () =>
      /belongs to another user, or others may read it; give it back/.test(await server.log()),
    );
    assert.match(await server.log(), /"check":"postgres".*"not ready"/);
    await chmod(files, 0o700);
    await until("it is ready again", async () => (await server.ask("GET", "/readyz")).code === 200, 60_000);
    assert.equal((await server.ask("POST", NAMESPACES, { body: namespace("later") })).code, 201);
    assert.match(await server.log(), /"ready again"/);
    assert.equal((await server.end("SIGTERM")).status, 0);
  }));

test("the server of DATABASE_URL is away at the start, and again while running: waited for with a message, and used as soon as it is there", () =>
  inFolder(async (data) => {
    const database = await testDatabase();
    const way = await passage(join(database.server.socketFolder, ".s.PGSQL.5432"));
    way.close();
    const environment = { DATABASE_URL: `postgres://slipway@127.0.0.1:${way.port}/${database.name}`, SLIPWAY_DATABASE_WAIT: "40s" };
    const starting = startPlane({ data, environment });
    await sleep(3_000);
    way.open();
    const server: Plane = await starting;
    assert.match(await server.log(), /nothing listens there; start the server or correct host and port.*"waiting for the database"/);
    way.close();
    await until("it is not ready", async () => (await server.ask("GET", "/readyz")).code === 503);
    const write = await server.ask("POST", NAMESPACES, { body: namespace("later") });
    assert.equal(write.code, 503, write.text);
    assert.match(write.text, /PostgreSQL at slipway@127\.0\.0\.1:\d+/);
    way.open();
    await until("it is ready again", async () => (await server.ask("GET", "/readyz")).code === 200, 30_000);
    assert.equal((await server.ask("POST", NAMESPACES, { body: namespace("later") })).code, 201);
    assert.equal((await server.end("SIGTERM")).status, 0);
    way.close();
    const stopped = await spawnPlane({ data, environment });
    stopped.stdout?.resume();
    await sleep(3_000);
    const { ms } = await ended(stopped, "SIGTERM");
    assert.ok(ms < 5_000, "it does not wait on when it is asked to stop");
    await database.drop();
  }));

test("a disk that fills under a running server: writes are refused in words, reads go on or come back, and it goes on by itself when there is room", async (context) => {
  if (!mayMount()) {
    context.skip("needs the right to mount");
    return;
  }
  await inFolder(async (data) => {
    await mkdir(data);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=330m,mode=0711", "slipway-test", data]);
    try {
      const server = await startPlane({ data });
      assert.equal((await server.ask("POST", NAMESPACES, { body: namespace("full") })).code, 201);
      const ballast = join(data, "ballast");
      await appendFile(ballast, "");
      await fill(ballast);
      const secret = (name: string): object => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name },
        stringData: { much: "x".repeat(150_000) },
      });
      const kept: string[] = [];
      let refusal = { code: 0, text: "" };
      for (let index = 0; refusal.code === 0 && index < 500; index++) {
        const { code, text } = await server.ask("POST", `${NAMESPACES}/full/secrets`, { body: secret(`s${index}`) });
        if (code === 201) kept.push(`s${index}`);
        else refusal = { code, text };
      }
      assert.equal(refusal.code, 503, refusal.text.slice(0, 500));
      assert.match(refusal.text, /disk is full; free space|connection .* lost|recovering|nothing listens/);
      context.diagnostic(`${kept.length} writes, then: ${refusal.text.slice(0, 300)}`);
      await rm(ballast);
      await until("it is ready again", async () => (await server.ask("GET", "/readyz")).code === 200, 60_000);
      await until(
        "it takes writes again",
        async () => (await server.ask("POST", NAMESPACES, { body: namespace("roomy") })).code === 201,
        30_000,
      );
      for (const name of kept)
        assert.equal((await server.ask("GET", `${NAMESPACES}/full/secrets/${name}`)).code, 200, `${name} was acknowledged`);
      assert.equal((await server.end("SIGTERM")).status, 0);
    } finally {
      for (const { pid } of await processesOf(data)) process.kill(pid, "SIGKILL");
      await sleep(500);
      execFileSync("umount", ["-l", data]);
    }
  });
});

interface Passage {
  readonly port: number;
  open(): void;
  close(): void;
}

/** A way to a PostgreSQL that can be closed: then nothing listens, and what was connected is cut. */
async function passage(socketPath: string): Promise<Passage> {
  const sockets = new Set<Socket>();
  const serve = (): Server =>
    createServer((near) => {
      const far = connect(socketPath);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
        from.pipe(to);
      }
    });
  let server = serve().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = Number(Object(server.address()).port);
  return {
    port,
    open: () => {
      server = serve().listen(port, "127.0.0.1");
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}

async function fill(file: string): Promise<void> {
  const block = Buffer.alloc(1024 * 1024);
  for (;;) {
    const { bavail, bsize } = await statfs(file);
    if (bavail * bsize < 4 * 1024 * 1024) return;
    await appendFile(file, block);
  }
}

function mayMount(): boolean {
  if (process.geteuid?.() !== 0 || process.platform !== "linux") return false;
  try {
    execFileSync("unshare", ["-m", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => Promise<boolean>, atMostMs = 20_000): Promise<void> {
  const end = performance.now() + atMostMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${atMostMs} ms: ${what}`);
    await sleep(50);
  }
}
