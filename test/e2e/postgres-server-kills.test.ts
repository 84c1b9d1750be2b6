import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { embeddedPostgres } from "../../src/adapters/postgres/server/embedded-postgres.ts";
import { processState } from "../../src/adapters/postgres/server/process-state.ts";
import { inFolder, installed, memoryLog, sharedBinaries, until } from "../fixtures/postgres-server/directory.ts";
import { runDriver } from "../fixtures/postgres-server/run-driver.ts";
import type { Driver, Ready } from "../fixtures/postgres-server/run-driver.ts";

const full = process.env["SLIPWAY_TEST_FULL"] === "1";
const root = process.geteuid?.() === 0;
const proc = process.platform === "linux";

/** What is killed with SIGKILL in a round. The driver stands for the control plane. */
const victims = ["control plane", "postmaster", "both", "a backend", "everything"] as const;

async function kill(victim: (typeof victims)[number], driver: Driver, server: Ready): Promise<void> {
  const backends = await childrenOf(server.pid);
  switch (victim) {
    case "control plane":
      driver.kill("SIGKILL");
      return;
    case "postmaster":
      process.kill(server.pid, "SIGKILL");
      return;
    case "both":
      driver.kill("SIGKILL");
      process.kill(server.pid, "SIGKILL");
      return;
    case "a backend":
      killAll(backends.slice(-1));
      return;
    case "everything":
      driver.kill("SIGKILL");
      killAll([server.pid, ...backends]);
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids)
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // ended in the meantime
    }
}

/** The processes of one postmaster: those whose parent it is. Without /proc the postmaster alone is killed. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  if (!proc) return [];
  const { stdout } = spawn("ps", ["-o", "pid=", "--ppid", String(pid)], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const chunk of stdout) text += String(chunk);
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(Number);
}

async function stored(server: Ready): Promise<ReadonlySet<string>> {
  const client = new pg.Client({ ...server.connection });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>("SELECT id FROM acknowledged");
    return new Set(rows.map(({ id }) => id));
  } finally {
    await client.end();
  }
}

const rounds = full ? 30 : 4;

test(
  `${rounds} kill -9 of the control plane, of PostgreSQL, of both, under write load: no acknowledged row is lost`,
  { timeout: rounds * 60_000 },
  (t) =>
    inFolder(async (folder) => {
      const data = join(folder, "data directory");
      const acknowledged = new Set<string>();
      let driver = runDriver(data);
      t.after(() => driver.kill("SIGKILL"));
      let server = await driver.ready;
      const seen = { adopted: 0, slowestMs: 0 };
      for (let round = 0; round < rounds; round += 1) {
        const victim = victims[round % victims.length] ?? "both";
        const before = driver.acknowledged.size;
        await until("rows are acknowledged", () => driver.acknowledged.size > before + 20);
        await sleep(Math.random() * 300);
        const healths = driver.healths.length;
        const told = driver.acknowledged.size;
        await kill(victim, driver, server);
        if (victim === "postmaster")
          await until("the control plane saw it come back", () => driver.healths.slice(healths).includes("ready"));
        if (victim === "a backend") await until("rows are acknowledged again", () => driver.acknowledged.size > told + 20);
        // A live control plane goes on: it is killed at last, so that each round ends with a new one on the old data.
        driver.kill("SIGKILL");
        await driver.ended;
        for (const id of driver.acknowledged) acknowledged.add(id);
        const begun = performance.now();
        driver = runDriver(data);
        server = await driver.ready;
        seen.slowestMs = Math.max(seen.slowestMs, Math.round(performance.now() - begun));
        if (server.adopted) seen.adopted += 1;
        const there = await stored(server);
        const lost = [...acknowledged].filter((id) => !there.has(id));
        assert.deepEqual(lost, [], `round ${round}, ${victim}: ${lost.length} of ${acknowledged.size} acknowledged rows are lost`);
      }
      t.diagnostic(
        `${acknowledged.size} acknowledged rows in ${rounds} rounds, adopted ${seen.adopted} times, back within ${seen.slowestMs} ms at worst`,
      );
      driver.kill("SIGTERM");
      assert.equal(await driver.ended, 0, driver.errors());
      assert.notEqual(await processState(server.pid), "running", "SIGTERM ended the control plane, not PostgreSQL");
    }),
);

const starts = full ? 20 : 4;

test(`killed ${starts} times at random moments of the first start, it begins anew and gets there`, { timeout: starts * 60_000 }, (t) =>
  inFolder(async (folder) => {
    const data = join(folder, "data");
    const reached: string[] = [];
    for (let time = 0; time < starts; time += 1) {
      const driver = runDriver(data);
      // From before the directory is there to after the first rows: a first start takes about 1.5 s with the start of Node.
      await Promise.race([sleep(300 + (2000 * (time + Math.random())) / starts), driver.ended]);
      driver.kill("SIGKILL");
      await driver.ended;
      const names: string[] = await readdir(join(data, "postgres")).catch(() => []);
      reached.push(names.includes("data") ? "whole" : names.some((name) => name.startsWith("data-incomplete")) ? "half-way" : "before");
    }
    t.diagnostic(`killed: ${reached.join(", ")}`);
    const last = runDriver(data);
    t.after(() => last.kill("SIGKILL"));
    await last.ready;
    await until("rows are acknowledged", () => last.acknowledged.size > 5);
    last.kill("SIGTERM");
    assert.equal(await last.ended, 0, last.errors());
    assert.deepEqual(
      (await readdir(join(data, "postgres"))).filter((name) => name.includes("incomplete")),
      [],
    );
  }),
);

test("two control planes started at once on one new directory: one serves, the other says who does", () =>
  inFolder(async (folder) => {
    const data = join(folder, "data");
    const drivers = [runDriver(data), runDriver(data), runDriver(data)];
    const outcomes = await Promise.allSettled(drivers.map(({ ready }) => ready));
    const serving = drivers.filter((_, index) => outcomes[index]?.status === "fulfilled");
    assert.equal(
      serving.length,
      1,
      outcomes.map((outcome) => String(outcome.status === "rejected" ? outcome.reason : "serves")).join("\n"),
    );
    for (const driver of drivers.filter((each) => !serving.includes(each)))
      assert.match(driver.errors(), new RegExp(`in use by another Slipway server \\((process ${serving[0]?.pid}|another process)\\)`));
    serving[0]?.kill("SIGTERM");
    await serving[0]?.ended;
  }));

test("a postmaster.pid that names a living process of somebody else, or nothing readable, does not keep the server from starting", () =>
  inFolder(async (folder) => {
    const directory = join(folder, "postgres");
    const other = spawn("sleep", ["300"], root ? { uid: 65_534, gid: 65_534 } : {});
    try {
      const first = await embeddedPostgres({ directory, binaries: await sharedBinaries(), log: memoryLog() });
      await first.stop();
      for (const text of [
        `${other.pid}\n${directory}/data\n1700000000\n5432\n${directory}/run\n\n  1234 1\nready   \n`,
        "",
        "12\0garbage",
      ]) {
        await writeFile(join(directory, "data", "postmaster.pid"), text);
        const log = memoryLog();
        const server = await embeddedPostgres({ directory, binaries: await sharedBinaries(), log });
        assert.equal(server.adopted, false);
        assert.match(log.lines.join("\n"), /moved aside/);
        await server.stop();
      }
      assert.equal(await processState(other.pid ?? 0), "running", "a process of somebody else was ended");
    } finally {
      other.kill("SIGKILL");
    }
  }));

test("a killed server whose parent never asks for its status (a zombie) is treated as ended", { skip: !proc && "needs /proc" }, () =>
  inFolder(async (folder) => {
    const directory = join(folder, "postgres");
    const first = await embeddedPostgres({ directory, binaries: await sharedBinaries(), log: memoryLog() });
    await first.stop();
    // A shell that starts a process and never waits for it, as a container's first process may do.
    const parent = spawn("/bin/sh", ["-c", "sleep 0.01 & echo $!; exec sleep 300"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
      const zombie = Number(String(chunk));
      await until("it is a zombie", async () => (await processState(zombie)) === "zombie");
      await writeFile(
        join(directory, "data", "postmaster.pid"),
        `${zombie}\n${directory}/data\n1700000000\n5432\n${directory}/run\n\n  1234 1\nready   \n`,
      );
      const server = await embeddedPostgres({ directory, binaries: await sharedBinaries(), log: memoryLog() });
      await server.stop();
    } finally {
      parent.kill("SIGKILL");
    }
  }),
);

test(
  "an ordinary user needs no copy and no other user: started, killed, adopted, stopped",
  { skip: !root && "the other tests run as an ordinary user" },
  () =>
    inFolder(async (folder) => {
      const user = { uid: 65_534, gid: 65_534 };
      const data = join(folder, "data");
      await chmod(folder, 0o755);
      await chown(folder, user.uid, user.gid);
      const first = runDriver(data, { user });
      const { pid } = await first.ready;
      first.kill("SIGKILL");
      await first.ended;
      const second = runDriver(data, { user });
      assert.deepEqual([(await second.ready).pid, (await second.ready).adopted], [pid, true]);
      if (proc) assert.match(await readlink(`/proc/${pid}/exe`), /postgres$/);
      second.kill("SIGTERM");
      assert.equal(await second.ended, 0, second.errors());
      assert.notEqual(await processState(pid), "running");
    }),
);

for (const { major, binaries } of installed.slice(1))
  test(`PostgreSQL ${major} is adopted after a kill of the control plane, and recovers after a kill of both`, () =>
    inFolder(async (folder) => {
      const data = join(folder, "data");
      const first = runDriver(data, { binaries });
      const { pid } = await first.ready;
      await until("rows are acknowledged", () => first.acknowledged.size > 20);
      first.kill("SIGKILL");
      await first.ended;
      const second = runDriver(data, { binaries });
      assert.equal((await second.ready).pid, pid);
      second.kill("SIGKILL");
      process.kill(pid, "SIGKILL");
      await second.ended;
      const third = runDriver(data, { binaries });
      const there = await stored(await third.ready);
      assert.deepEqual(
        [...first.acknowledged, ...second.acknowledged].filter((id) => !there.has(id)),
        [],
      );
      third.kill("SIGTERM");
      assert.equal(await third.ended, 0, third.errors());
    }));
