import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFile, chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { test } from "node:test";
import pg from "pg";
import { embeddedPostgres } from "../../src/adapters/postgres/server/embedded-postgres.ts";
import type { EmbeddedPostgresOptions } from "../../src/adapters/postgres/server/embedded-postgres.ts";
import { serverUser } from "../../src/adapters/postgres/server/server-user.ts";
import { PortError } from "../../src/ports/port-error.ts";
import { inFolder, installed, memoryLog, removeAtExit, sharedBinaries, until } from "../fixtures/postgres-server/directory.ts";
import { runDriver } from "../fixtures/postgres-server/run-driver.ts";

const root = process.geteuid?.() === 0;
const seventeen = installed.find(({ major }) => major === 17)?.binaries;

interface Case {
  readonly name: string;
  /** Spoils a database that was there and stopped, or a folder that is empty. */
  readonly spoil: (folder: string) => Promise<unknown>;
  readonly fresh?: boolean;
  readonly options?: Partial<EmbeddedPostgresOptions>;
  readonly reason: string;
  readonly says: readonly RegExp[];
  readonly skip?: string | false;
}

const data = (folder: string): string => join(folder, "postgres", "data");
const restore = /`slipway restore` the last backup/;

const cases: readonly Case[] = [
  {
    name: "a disk without room for a new database",
    spoil: async () => undefined,
    fresh: true,
    options: { freeBytes: () => Promise.resolve(150 * 1024 * 1024) },
    reason: "DiskFull",
    says: [/has 150 MB free, a new database needs 200 MB/, /free some, or choose another data directory/],
  },
  {
    name: "no PostgreSQL on the machine",
    spoil: (folder) => mkdir(join(folder, "nothing")),
    fresh: true,
    options: { binaries: "/nonexistent/bin" },
    reason: "NoPostgres",
    says: [/\/nonexistent\/bin\/initdb does not run/, /install PostgreSQL 15 or newer/, /DATABASE_URL/],
  },
  {
    name: "a foreign directory in the place of the data",
    spoil: async (folder) => {
      await mkdir(data(folder), { recursive: true });
      await writeFile(join(data(folder), "thesis.doc"), "");
    },
    fresh: true,
    reason: "CorruptDatabase",
    says: [/PG_VERSION is missing/, /slipway\.json is missing/, /choose another data directory/, restore],
  },
  {
    name: "PG_VERSION gone",
    spoil: (folder) => rm(join(data(folder), "PG_VERSION")),
    reason: "CorruptDatabase",
    says: [/PG_VERSION is missing/, /do not delete/, restore],
  },
  {
    name: "the mark of Slipway unreadable",
    spoil: (folder) => writeFile(join(data(folder), "slipway.json"), "\0\0\0"),
    reason: "CorruptDatabase",
    says: [/slipway\.json is missing or unreadable/, restore],
  },
  {
    name: "pg_control cut short",
    spoil: (folder) => truncate(join(data(folder), "global", "pg_control"), 4),
    reason: "CorruptDatabase",
    says: [/pg_control is missing or cut short/, restore],
  },
  {
    name: "pg_control damaged",
    spoil: async (folder) => {
      const file = join(data(folder), "global", "pg_control");
      const bytes = await readFile(file);
      await writeFile(file, bytes.fill(0x55, 16, 200));
    },
    reason: "CorruptDatabase",
    says: [/did not start/, restore, /server\.log/],
  },
  {
    name: "the write-ahead log gone",
    spoil: async (folder) => {
      const wal = join(data(folder), "pg_wal");
      for (const name of await readdir(wal)) if (/^[0-9A-F]{24}$/.test(name)) await rm(join(wal, name));
    },
    reason: "CorruptDatabase",
    says: [/checkpoint/, restore],
  },
  {
    name: "another database put in the place of ours",
    spoil: (folder) => writeFile(join(data(folder), "slipway.json"), '{"format":1,"systemIdentifier":"42"}'),
    reason: "CorruptDatabase",
    says: [/names the database 42, the files are of \d+/],
  },
  {
    name: "data of a PostgreSQL that nobody has",
    spoil: (folder) => writeFile(join(data(folder), "PG_VERSION"), "99\n"),
    reason: "WrongPostgresVersion",
    says: [
      /written by PostgreSQL 99/,
      /here is PostgreSQL 1\d\.\d+/,
      /install PostgreSQL 99 .* and start again/,
      /`slipway backup --to FILE`/,
      /`slipway restore FILE --data NEW_DIRECTORY --master-key-file OLD_DIRECTORY\/master\.key`/,
    ],
  },
  {
    name: "a program that says it is PostgreSQL in postmaster.pid, but does not answer as ours",
    spoil: (folder) =>
      writeFile(join(data(folder), "postmaster.pid"), `${imposter.pid}\n/elsewhere\n1\n5432\n/elsewhere\n\n 1 1\nready   \n`),
    reason: "DatabaseInUse",
    says: [/says that process \d+ serves this data/, /pg_ctl stop -D/],
  },
  {
    name: "data that belongs to a user who is neither slipway nor postgres",
    spoil: (folder) => chown(data(folder), 65_534, 65_534),
    reason: "NoPermission",
    says: [/belongs to the user with id 65534/, /run: chown -R \d+:\d+ '.*\/postgres\/data'/],
    skip: !root && "needs root",
  },
  {
    name: "a folder above that PostgreSQL's user may not enter",
    spoil: (folder) => chmod(folder, 0o700),
    fresh: true,
    reason: "NotReachable",
    says: [
      /the user "(slipway|postgres)", which runs PostgreSQL, may not enter \/\S*slipway-pg-\w+, a folder above/,
      /chmod o\+x/,
      /\/var\/lib\/slipway/,
    ],
    skip: !root && "needs root",
  },
];

/** Not PostgreSQL, but named so. */
const imposter = spawn("sleep", ["600"], { argv0: "postgres", stdio: "ignore" });
imposter.unref();
process.once("exit", () => imposter.kill("SIGKILL"));

for (const { name, spoil, fresh, options, reason, says, skip } of cases)
  test(`refused with the way out: ${name}`, { skip: skip ?? false }, () =>
    inFolder(async (folder) => {
      const directory = join(folder, "postgres");
      const binaries = await sharedBinaries();
      if (fresh !== true) await copyStopped(directory);
      await spoil(folder);
      const begun = performance.now();
      const error = await embeddedPostgres({ directory, log: memoryLog(), binaries, ...options }).then(
        async (server) => {
          await server.stop();
          throw new Error("it started");
        },
        (caught: unknown) => caught,
      );
      assert.ok(error instanceof PortError, String(error));
      for (const pattern of says) assert.match(error.message, pattern);
      assert.equal(error.reason, reason);
      assert.ok(performance.now() - begun < 15_000, "it took too long to say so");
      assertNoSecret(error.message, await readFile(join(directory, "password"), "utf8").catch(() => ""));
    }),
  );

let stopped: Promise<string> | undefined;

/** Copies a stopped database that all cases share, with its owner and modes. */
async function copyStopped(directory: string): Promise<void> {
  stopped ??= (async () => {
    const template = await mkdtemp(join(tmpdir(), "slipway-pg-stopped-"));
    await chmod(template, 0o711);
    removeAtExit(template);
    await (await embeddedPostgres({ directory: join(template, "postgres"), log: memoryLog(), binaries: await sharedBinaries() })).stop();
    return join(template, "postgres");
  })();
  execFileSync("cp", ["-Rp", await stopped, directory]);
}

function assertNoSecret(message: string, password: string): void {
  if (password !== "") assert.ok(!message.includes(password.trim()), "the message holds the password");
}

test(
  "data of PostgreSQL 17 where only another version is: says how to go on and how to move",
  { skip: seventeen === undefined && "PostgreSQL 17 is not installed" },
  () =>
    inFolder(async (folder) => {
      const directory = join(folder, "postgres");
      await (await embeddedPostgres({ directory, log: memoryLog(), ...(seventeen === undefined ? {} : { binaries: seventeen }) })).stop();
      await assert.rejects(
        embeddedPostgres({ directory, log: memoryLog() }),
        /written by PostgreSQL 17, and here is PostgreSQL 18\.\d+.*`slipway backup --to FILE`.*`slipway restore FILE --data NEW_DIRECTORY/,
      );
    }),
);

test("as root without a user to run PostgreSQL: the message has the command that makes one", { skip: !root && "needs root" }, async () => {
  await assert.rejects(serverUser(undefined, ["slipway-test-nobody-has-this-name"]), (error: PortError) => {
    assert.equal(error.reason, "NoServerUser");
    assert.match(error.message, /useradd --system .* slipway|sysadminctl -addUser slipway/);
    return true;
  });
  await assert.rejects(serverUser(undefined, ["root"]), /refuses to run as root/);
});

test("an ordinary user on a directory that root made is told whose it is", { skip: !root && "needs root" }, () =>
  inFolder(async (folder) => {
    await chmod(folder, 0o755);
    for (const mode of [0o700, 0o755]) {
      await mkdir(join(folder, String(mode)), { mode });
      const driver = runDriver(join(folder, String(mode)), { user: { uid: 65_534, gid: 65_534 } });
      await driver.ended;
      assert.match(driver.errors(), /belongs to the user with id 0, and this is user 65534; .*choose another data directory/);
    }
    const driver = runDriver(join(folder, "new"), { user: { uid: 65_534, gid: 65_534 } });
    await driver.ended;
    assert.match(driver.errors(), /cannot be made or written: no permission; allow this user to write in /);
  }),
);

/** A small file system in memory, where this system lets us mount one. */
async function onSmallDisk(t: { skip: (why: string) => void }, megabytes: number, work: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=711`, "tmpfs", disk], { stdio: "ignore" });
    } catch {
      t.skip("a tmpfs cannot be mounted here (needs root on Linux)");
      return;
    }
    try {
      await work(disk);
    } finally {
      execFileSync("umount", ["-l", disk], { stdio: "ignore" });
    }
  });
}

const endless = { freeBytes: () => Promise.resolve(Infinity) };

for (const [megabytes, what] of [
  [20, "while the programs or the first files are written"],
  [75, "while initdb runs"],
] as const)
  test(`a real disk that fills ${what} is told as such, and with room the start succeeds`, (t) =>
    onSmallDisk(t, megabytes, async (disk) => {
      const directory = join(disk, "postgres");
      await assert.rejects(embeddedPostgres({ directory, log: memoryLog(), ...endless }), (error: PortError) => {
        assert.equal(error.reason, "DiskFull", error.message);
        assert.match(error.message, /the disk is full; free at least 200 MB/);
        return true;
      });
      assert.deepEqual(
        (await readdir(directory)).filter((name) => name.includes("incomplete")),
        [],
        "drafts were left on a full disk",
      );
      execFileSync("mount", ["-o", "remount,size=400m", disk]);
      await (await embeddedPostgres({ directory, log: memoryLog() })).stop();
    }));

test("a real disk that fills under a running server: said so, nothing acknowledged is lost, and it goes on when there is room", (t) =>
  onSmallDisk(t, 260, async (disk) => {
    const told: string[] = [];
    const server = await embeddedPostgres({
      binaries: await sharedBinaries(),
      directory: join(disk, "postgres"),
      log: memoryLog(),
      onHealth: (health) => void told.push(health.state === "down" ? health.reason : health.state),
    });
    const pool = new pg.Pool({ ...server.connection, max: 2, connectionTimeoutMillis: 1000 });
    pool.on("error", () => undefined);
    try {
      await pool.query("CREATE TABLE kept (n int, filler text)");
      let acknowledged = 0;
      const insert = () =>
        pool.query("INSERT INTO kept SELECT $1, string_agg(md5(random()::text), '') FROM generate_series(1, 2000)", [acknowledged + 1]);
      await appendFile(join(disk, "ballast"), "");
      await fill(join(disk, "ballast"), 8 * 1024 * 1024);
      await until(
        "a write is refused",
        () =>
          insert()
            .then(
              () => void (acknowledged += 1),
              () => true,
            )
            .then((refused) => refused === true),
        60,
      );
      await fill(join(disk, "ballast"), 0);
      process.kill(server.pid, "SIGKILL");
      await until("the full disk is told", () => told.some((reason) => /the disk is full/.test(reason)), 30);
      await rm(join(disk, "ballast"));
      await until(
        "it serves again",
        () =>
          pool.query("SELECT 1").then(
            () => true,
            () => false,
          ),
        60,
      );
      const { rows } = await pool.query<{ n: number }>("SELECT count(DISTINCT n)::int AS n FROM kept WHERE n <= $1", [acknowledged]);
      assert.equal(rows[0]?.n, acknowledged);
    } finally {
      await pool.end();
      await server.stop();
    }
  }));

/** Writes until no more than `leave` bytes are free. */
async function fill(file: string, leave: number): Promise<void> {
  const block = Buffer.alloc(1024 * 1024);
  for (;;) {
    const { bavail, bsize } = await statfs(file);
    if (bavail * bsize <= leave) return;
    await appendFile(file, block.subarray(0, Math.min(block.length, bavail * bsize - leave))).catch(() => undefined);
  }
}
