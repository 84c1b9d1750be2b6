import assert from "node:assert/strict";
import { cp, mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import pg from "pg";
import { runDriver } from "../fixtures/postgres-server/run-driver.ts";
import { embeddedPostgres } from "../../src/adapters/postgres/server/embedded-postgres.ts";
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from "../../src/adapters/postgres/server/embedded-postgres.ts";
import { processState } from "../../src/adapters/postgres/server/process-state.ts";
import { inFolder, installed, memoryLog, postgres17, sharedBinaries, until } from "../fixtures/postgres-server/directory.ts";

const root = process.geteuid?.() === 0;

/** In place of a folder with programs: let it look for them. */
const search = "search";

async function withServer(options: Omit<EmbeddedPostgresOptions, "log">, work: (server: EmbeddedPostgres) => Promise<void>): Promise<void> {
  const { binaries = await sharedBinaries(), ...others } = options;
  const server = await embeddedPostgres({ log: memoryLog(), ...others, ...(binaries === search ? {} : { binaries }) });
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

async function ask<Row extends object>(server: EmbeddedPostgres, sql: string): Promise<Row | undefined> {
  const client = new pg.Client(server.connection);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows[0];
  } finally {
    await client.end();
  }
}

const optional = (binaries: string | undefined): { binaries: string } => ({ binaries: binaries ?? search });

for (const { major, binaries } of installed) {
  test(`PostgreSQL ${major}: an empty directory is ready within 10 s, one with data within 3 s, and what was written is there`, () =>
    inFolder(async (folder) => {
      const options = { directory: join(folder, "postgres"), ...optional(binaries) };
      const cold = performance.now();
      await withServer(options, async (server) => {
        assert.ok(performance.now() - cold < 10_000, `cold start took ${performance.now() - cold} ms`);
        assert.equal(Number.parseInt(server.version), major);
        await ask(server, "CREATE TABLE kept AS SELECT 'Zürich ☃' AS text");
      });
      const warm = performance.now();
      await withServer(options, async (server) => {
        assert.ok(performance.now() - warm < 3000, `warm start took ${performance.now() - warm} ms`);
        assert.deepEqual(await ask(server, "SELECT text FROM kept"), { text: "Zürich ☃" });
      });
    }));

  test(`PostgreSQL ${major}: commits are durable, text is UTF-8 sorted by code point, the log holds no statements, and no port is open`, () =>
    inFolder((folder) =>
      withServer({ directory: join(folder, "postgres"), ...optional(binaries) }, async (server) => {
        const settings = await ask<Record<string, string>>(
          server,
          "SELECT " +
            [
              "fsync",
              "synchronous_commit",
              "full_page_writes",
              "data_checksums",
              "server_encoding",
              "listen_addresses",
              "password_encryption",
            ]
              .map((name) => `current_setting('${name}') AS ${name}`)
              .join(", "),
        );
        assert.deepEqual(settings, {
          fsync: "on",
          synchronous_commit: "on",
          full_page_writes: "on",
          data_checksums: "on",
          server_encoding: "UTF8",
          listen_addresses: "",
          password_encryption: "scram-sha-256",
        });
        const sorted = await ask<{ all: string }>(
          server,
          "SELECT string_agg(t, '' ORDER BY t) AS all FROM (VALUES ('a'), ('B'), ('é'), ('_'), ('Z')) v(t)",
        );
        assert.equal(sorted?.all, "BZ_aé");
        await assert.rejects(ask(server, "SELECT 'token-that-is-secret' / 0"));
        const log = await readFile(join(folder, "postgres", "log", "server.log"), "utf8");
        assert.ok(!log.includes("token-that-is-secret"), log);
        assert.match(log, /ready to accept connections/);
      }),
    ));
}

test("only the owner of the data directory can read the password, the data, the log and the socket", () =>
  inFolder((folder) =>
    withServer({ directory: join(folder, "postgres") }, async (server) => {
      const mode = async (name: string): Promise<number> => (await stat(join(folder, "postgres", name))).mode & 0o777;
      assert.equal(await mode("password"), 0o600);
      for (const name of ["data", "log", "run"]) assert.equal(await mode(name), 0o700, name);
      assert.equal(await mode("log/server.log"), 0o600);
      const wrong = new pg.Client({ ...server.connection, password: "x" });
      await assert.rejects(wrong.connect(), /password authentication failed/);
      assert.deepEqual(
        (await readdir(join(folder, "postgres"))).filter((name) => /incomplete|\.password$/.test(name)),
        [],
      );
    }),
  ));

test("a server that is there is adopted, not started twice", () =>
  inFolder(async (folder) => {
    const directory = join(folder, "postgres");
    await withServer({ directory }, async (first) => {
      await withServer({ directory }, async (second) => {
        assert.equal(second.adopted, true);
        assert.equal(second.pid, first.pid);
        assert.deepEqual(second.connection, first.connection);
      });
      // The second one ended it; the first, which was not told to stop, brings it back.
      await until("the server is back", () => first.pid !== 0);
    });
  }));

test("a killed server is started again at the same address, and the caller is told", () =>
  inFolder(async (folder) => {
    const healths: string[] = [];
    const options = { directory: join(folder, "postgres"), onHealth: ({ state }: { state: string }) => void healths.push(state) };
    await withServer(options, async (server) => {
      const before = server.pid;
      process.kill(before, "SIGKILL");
      await until("another process serves", () => server.pid !== 0 && server.pid !== before);
      assert.deepEqual(await ask(server, "SELECT 1 AS one"), { one: 1 });
      assert.deepEqual(healths, ["down", "ready"]);
    });
    assert.deepEqual(healths, ["down", "ready", "stopped"]);
  }));

test("a backend that is deep in a query when its server is killed does not keep the next one from starting", () =>
  inFolder((folder) =>
    withServer({ directory: join(folder, "postgres") }, async (server) => {
      const before = server.pid;
      const client = new pg.Client(server.connection);
      client.on("error", () => undefined);
      await client.connect();
      // Does not wait for anything, so it does not notice that the postmaster is gone.
      const lost = client.query("SELECT count(*) FROM generate_series(1, 2000000000)").catch((error: unknown) => error);
      await until(
        "it runs",
        async () =>
          (await ask<{ n: string }>(server, "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE '%2000000000%'"))?.n === "2",
      );
      process.kill(before, "SIGKILL");
      await until("another process serves", () => server.pid !== 0 && server.pid !== before, 30);
      assert.ok((await lost) instanceof Error);
      await client.end().catch(() => undefined);
    }),
  ));

test("a server that was asked politely to end, and waits for our own connections, is ended and started again", () =>
  inFolder((folder) =>
    withServer({ directory: join(folder, "postgres") }, async (server) => {
      const before = server.pid;
      const client = new pg.Client(server.connection);
      client.on("error", () => undefined);
      await client.connect();
      process.kill(before, "SIGTERM");
      await until("another process serves", () => server.pid !== 0 && server.pid !== before);
      assert.deepEqual(await ask(server, "SELECT 1 AS one"), { one: 1 });
      await client.end().catch(() => undefined);
    }),
  ));

test("stop ends the server and all its processes, with transactions open, and twice is as good as once", () =>
  inFolder(async (folder) => {
    const server = await embeddedPostgres({ directory: join(folder, "postgres"), log: memoryLog() });
    const { pid } = server;
    const client = new pg.Client(server.connection);
    client.on("error", () => undefined);
    await client.connect();
    await client.query("BEGIN; CREATE TABLE open (n int)");
    await Promise.all([server.stop(), server.stop()]);
    assert.notEqual(await processState(pid), "running");
    assert.equal(await readFile(join(folder, "postgres/data/postmaster.pid"), "utf8").catch(() => "gone"), "gone");
    await client.end().catch(() => undefined);
  }));

test("a start that is cancelled leaves nothing running, and the next one succeeds", () =>
  inFolder(async (folder) => {
    const directory = join(folder, "postgres");
    for (const milliseconds of [5, 150, 400]) {
      const cancelled = embeddedPostgres({ directory, log: memoryLog(), signal: AbortSignal.timeout(milliseconds) });
      await cancelled.then((server) => server.stop()).catch((error: unknown) => assert.match(String(error), /Timeout|abort/i));
    }
    await withServer({ directory }, async (server) => assert.equal(server.adopted, false));
  }));

test("a wall clock that jumps a day at each look does not keep the start from ending", (t) =>
  inFolder(async (folder) => {
    let day = 0;
    const real = Date.now.bind(Date);
    t.mock.method(Date, "now", () => real() + (day = -day + (day > 0 ? 0 : 1)) * 86_400_000);
    const begun = performance.now();
    await withServer({ directory: join(folder, "postgres") }, async (server) =>
      assert.deepEqual(await ask(server, "SELECT 1 AS one"), { one: 1 }),
    );
    assert.ok(performance.now() - begun < 20_000);
  }));

for (const name of ["it's a ü-☃-日本 a,b;c 50% {x}(y)*?!&|<>#~", "-D"])
  test(`a directory named ${JSON.stringify(name)} works`, () =>
    inFolder(async (folder) => {
      await mkdir(join(folder, name), { mode: 0o711 });
      await withServer({ directory: join(folder, name, "postgres") }, async (server) =>
        assert.deepEqual(await ask(server, "SELECT 1 AS one"), { one: 1 }),
      );
    }));

test("a directory whose path is too long for a socket is served on the loopback address, at the same port each time", () =>
  inFolder(async (folder) => {
    const directory = join(folder, "l".repeat(120), "postgres");
    const seen: unknown[] = [];
    for (let time = 0; time < 2; time += 1)
      await withServer({ directory }, async (server) => {
        assert.equal(server.connection.host, "127.0.0.1");
        assert.deepEqual(await ask(server, "SHOW listen_addresses"), { listen_addresses: "127.0.0.1" });
        seen.push(server.connection.port);
      });
    assert.equal(seen[0], seen[1]);
  }));

test("a lost password file is made again: with the server running, left by a control plane that was killed, and with it stopped", (t) =>
  inFolder(async (folder) => {
    const data = join(folder, "data");
    const directory = join(data, "postgres");
    const driver = runDriver(data);
    t.after(() => driver.kill("SIGKILL"));
    await driver.ready;
    driver.kill("SIGKILL");
    await driver.ended;
    for (let lost = 0; lost < 2; lost += 1) {
      await rm(join(directory, "password"));
      await withServer({ directory, binaries: search }, async (server) => {
        assert.deepEqual(await ask(server, "SELECT count(*) >= 0 AS kept FROM acknowledged"), { kept: true });
      });
    }
  }));

test(
  "data of PostgreSQL 17 is served by a PostgreSQL 17 that the system has, though 18 comes with Slipway",
  { skip: !installed.some(({ major }) => major === 17) && `no ${postgres17}` },
  (t) =>
    inFolder(async (folder) => {
      const directory = join(folder, "postgres");
      await withServer({ directory, binaries: postgres17 }, async (server) => {
        await ask(server, "CREATE TABLE kept (n int)");
      });
      const copy = join(folder, "pg17");
      // Next to its libraries, as a package of the system has it; on PATH a program is found by its pg_ctl.
      await cp(dirname(postgres17), copy, { recursive: true, verbatimSymlinks: true });
      const path = process.env["PATH"];
      t.after(() => void (process.env["PATH"] = path));
      process.env["PATH"] = `${join(copy, "bin")}:${path ?? ""}`;
      await withServer({ directory, binaries: search }, async (server) => {
        assert.match(server.version, /^17\./);
        assert.deepEqual(await ask(server, "SELECT count(*)::int AS n FROM kept"), { n: 0 });
      });
    }),
);

test("as root the programs are copied once, belong to root, and the server runs as another user", { skip: !root && "not root" }, () =>
  inFolder(async (folder) => {
    const directory = join(folder, "postgres");
    const copies = async (): Promise<string[]> => (await readdir(directory)).filter((name) => name.startsWith("bin-"));
    await mkdir(directory);
    await mkdir(join(directory, "bin-17.0.0"));
    await withServer({ directory, binaries: search }, async (server) => {
      assert.notEqual((await stat(`/proc/${server.pid}`).catch(() => ({ uid: 1 }))).uid, 0);
      assert.match((await copies()).join(), /^bin-18[^,]*$/);
    });
    const [name = ""] = await copies();
    const program = await stat(join(directory, name, "bin", "postgres"));
    assert.equal(program.uid, 0);
    assert.equal(program.mode & 0o777, 0o755);
    await withServer({ directory, binaries: search }, async () =>
      assert.equal((await stat(join(directory, name, "bin", "postgres"))).ino, program.ino),
    );
  }),
);
