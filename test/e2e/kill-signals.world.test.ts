import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { connect } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, runVerb, spawnPlane, startPlane } from "../fixtures/load/plane.ts";
import { processesOf } from "../fixtures/load/processes.ts";
import { credentialsIn, Watcher } from "../fixtures/load/watcher.ts";

// What the signals of an operator do to a server on its own PostgreSQL.

async function inFolder(work: (data: string) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "slipway-signals-")));
  await chmod(folder, 0o711);
  const data = join(folder, "data");
  try {
    await work(data);
  } finally {
    for (const { pid } of await processesOf(data)) process.kill(pid, "SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const NAMESPACES = "/api/v1/namespaces";

test("SIGTERM: watches end cleanly, PostgreSQL ends, exit code 0 within seconds; down does the same", () =>
  inFolder(async (data) => {
    for (const how of ["SIGTERM", "SIGINT", "slipway down"] as const) {
      const over = new AbortController();
      const server = await startPlane({ data });
      const watcher = new Watcher(() => ({ ...server, path: NAMESPACES }), 1, over.signal);
      await until("the watch has begun", () => Promise.resolve(watcher.seen.length > 0));
      if (how === "slipway down") {
        const said = await runVerb("down", "--data", data);
        assert.deepEqual([said.code, said.out], [0, `slipway of ${data} has stopped\n`]);
      }
      const { status, ms } = await ended(server.child, how === "slipway down" ? "SIGCONT" : how);
      assert.equal(status, 0, (await server.log()).slice(-2000));
      assert.ok(ms < 5_000, `${how} took ${ms.toFixed(0)} ms`);
      await until("the watch has ended", () => Promise.resolve(watcher.cleanEnds > 0));
      over.abort();
      assert.deepEqual(await processesOf(data), []);
    }
    const again = await runVerb("down", "--data", data);
    assert.deepEqual([again.code, again.out], [0, `no slipway is running on ${data}\n`]);
  }));

test("a second SIGTERM ends it at once, and PostgreSQL with it; nothing acknowledged is lost by that", () =>
  inFolder(async (data) => {
    const server = await startPlane({ data });
    const made = await server.ask("POST", NAMESPACES, { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "kept" } } });
    assert.equal(made.code, 201);
    const { authority, token } = await credentialsIn(server.kubeconfig);
    const { port } = new URL(server.url);
    // A request that is not whole: a server that stops in order waits for the rest of it.
    const slow = connect({ host: "127.0.0.1", port: Number(port), ca: authority });
    slow.on("error", () => undefined);
    await once(slow, "secureConnect");
    slow.write(
      `POST ${NAMESPACES} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    );
    await sleep(200);
    server.child.kill("SIGTERM");
    await sleep(500);
    assert.equal(server.child.exitCode, null, "it waits for the request");
    const { status, ms } = await ended(server.child, "SIGTERM");
    assert.equal(status, 1);
    assert.ok(ms < 1_000, `it took ${ms.toFixed(0)} ms`);
    assert.match(await server.log(), /ended at once by a second SIGTERM; what was not committed is done again at the next start/);
    await until("PostgreSQL has ended", async () => (await processesOf(data)).length === 0);
    slow.destroy();
    const next = await startPlane({ data });
    assert.equal((await next.ask("GET", `${NAMESPACES}/kept`)).code, 200);
    assert.equal((await next.end("SIGTERM")).status, 0);
  }));

test("SIGTERM at any moment of a start ends it in order, with nothing left running, and the next start succeeds", () =>
  inFolder(async (data) => {
    for (const after of [200, 1000, 1800, 2600, 3400]) {
      const child = await spawnPlane({ data });
      child.stdout?.resume();
      await sleep(after);
      const { status, ms } = await ended(child, "SIGTERM");
      // While the program is still being loaded nothing listens for signals, and nothing has been started.
      assert.ok(status === 0 || status === "SIGTERM", `${String(status)} after ${after} ms`);
      assert.ok(ms < 10_000, `it took ${ms.toFixed(0)} ms`);
      assert.deepEqual(await processesOf(data), [], `after ${after} ms`);
    }
    const server = await startPlane({ data });
    assert.equal((await server.end("SIGTERM")).status, 0);
  }));

test("down says what to do with a server that hangs, and stops the PostgreSQL that a killed one left", () =>
  inFolder(async (data) => {
    const server = await startPlane({ data });
    const pid = /"pid":(\d+)/.exec(await readFile(join(data, "control-plane.json"), "utf8"))?.[1] ?? "";
    process.kill(Number(pid), "SIGSTOP");
    const said = await runVerb("down", "--data", data, "--timeout", "1");
    assert.equal(said.code, 4);
    assert.match(said.err, new RegExp(`process ${pid}\\) has not stopped within 1 s.*"kill -9 ${pid}", then "slipway down" again`));
    process.kill(Number(pid), "SIGKILL");
    await ended(server.child, "SIGKILL");
    assert.notDeepEqual(await processesOf(data), [], "PostgreSQL lives on");
    const second = await runVerb("down", "--data", data);
    assert.equal(second.code, 0, second.err);
    assert.match(second.out, /the PostgreSQL that an earlier one left has been stopped/);
    assert.deepEqual(await processesOf(data), []);
  }));

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within 10 s: ${what}`);
    await sleep(20);
  }
}
