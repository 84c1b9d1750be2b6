import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { fakePostgres } from "../fixtures/fake-postgres.ts";
import { processesOf } from "../fixtures/load/processes.ts";
import { dsn, testDatabase, testServer, type TestDatabase } from "../fixtures/postgres.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

// Each way in which a start can fail, on the real program: the message names the thing and the way out, and nothing is left running.

const slipway = resolve(import.meta.dirname, "../../bin/slipway");
const root = process.geteuid?.() === 0;
/** Messages to be read by a person: SLIPWAY_SHOW=1. */
const show = process.env["SLIPWAY_SHOW"] !== undefined;

interface Order {
  readonly data: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The user to run it as. */
  readonly uid?: number;
  readonly program?: string;
}

interface Case {
  readonly name: string;
  /** Prepares the world in a folder of the case. */
  readonly given: (folder: string) => Promise<Order> | Order;
  readonly says: RegExp;
  /** Default 1: it could not start. */
  readonly code?: number;
  readonly skip?: string | false;
}

let running: RunningServer;
let database: TestDatabase;
let holder: Server;
let oldServer: Server;

/** A data directory that a server has used and left in order, for this case alone. */
async function usedDirectory(folder: string): Promise<string> {
  execFileSync("cp", ["-a", used, join(folder, "data")]);
  return join(folder, "data");
}
let used: string;
let home: string;

const fresh = (folder: string): string => join(folder, "data");
const portOf = (server: Server): number => Number(Object(server.address()).port);
const withUrl = (url: string, data: string): Order => ({ data, environment: { DATABASE_URL: url, SLIPWAY_DATABASE_WAIT: "1s" } });

async function databaseWith(...statements: readonly string[]): Promise<string> {
  const own = await testDatabase();
  made.push(own);
  const client = new pg.Client({ connectionString: own.connectionString });
  await client.connect();
  for (const statement of statements) await client.query(statement.replace("THIS", own.name));
  await client.end();
  return own.connectionString;
}
const made: TestDatabase[] = [];

/** A PATH that has a shell's tools, Node, and what a case puts there. */
async function toolsOnly(folder: string, more: Readonly<Record<string, string>>): Promise<string> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  for (const tool of ["sh", "dirname", "readlink", "cat", "ps"])
    await symlink(execFileSync("/bin/sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim(), join(bin, tool));
  if (more["node"] === undefined) await symlink(process.execPath, join(bin, "node"));
  for (const [name, script] of Object.entries(more)) await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return bin;
}

const listening: readonly Case[] = [
  {
    name: "a port that is in use",
    given: (folder) => ({ data: fresh(folder), flags: ["--listen", `127.0.0.1:${portOf(holder)}`] }),
    says: /the port \d+ of 127\.0\.0\.1 is in use, perhaps by another Slipway server.*(ss -ltnp|lsof).*--listen HOST:PORT/,
  },
  {
    name: "a port that only root may take",
    given: (folder) => ({ data: fresh(folder), flags: ["--listen", "127.0.0.1:1"], ...(root ? { uid: 65534 } : {}) }),
    says: /the port 1 of 127\.0\.0\.1 may not be listened on by this user.*1024.*--listen/,
    skip: (process.platform !== "linux" || !portsAreKept()) && "this system lets anybody listen on port 1",
  },
  {
    name: "a host that does not exist",
    given: (folder) => ({ data: fresh(folder), flags: ["--listen", "nowhere.invalid:7447"] }),
    says: /the host "nowhere\.invalid" of --listen .* cannot be found; write an address of this machine/,
  },
  {
    name: "an address of another machine",
    given: (folder) => ({ data: fresh(folder), flags: ["--listen", "192.0.2.1:7447"] }),
    says: /192\.0\.2\.1 of --listen .* does not belong to this machine/,
  },
];

const flags: readonly Case[] = [
  {
    name: "no address",
    given: (folder) => ({ data: fresh(folder), flags: ["--listen", "7447"] }),
    says: /--listen "7447" is no address; write HOST:PORT/,
    code: 2,
  },
  {
    name: "an unknown role",
    given: (folder) => ({ data: fresh(folder), flags: ["--roles", "ui"] }),
    says: /--roles names "ui"; there are api and controllers/,
    code: 2,
  },
  {
    name: "an unknown flag",
    given: (folder) => ({ data: fresh(folder), flags: ["--prot", "1"] }),
    says: /unknown option '--prot'/,
    code: 2,
  },
  {
    name: "an unknown log level",
    given: (folder) => ({ data: fresh(folder), environment: { SLIPWAY_LOG: "loud" } }),
    says: /SLIPWAY_LOG is "loud"; there are debug, info, warn/,
    code: 2,
  },
  {
    name: "a length of time that is none",
    given: (folder) => ({ data: fresh(folder), environment: { SLIPWAY_CHANGES_KEEP: "1 day" } }),
    says: /SLIPWAY_CHANGES_KEEP is "1 day", which is no length of time; write it as/,
    code: 2,
  },
];

const directories: readonly Case[] = [
  {
    name: "a directory of somebody else",
    given: async (folder) => {
      await mkdir(fresh(folder));
      await writeFile(join(fresh(folder), "thesis.tex"), "");
      return { data: fresh(folder) };
    },
    says: /not a data directory of Slipway .*"thesis\.tex".*choose an empty or new directory/,
  },
  {
    name: "a damaged mark",
    given: async (folder) => {
      const data = await usedDirectory(folder);
      await writeFile(join(data, "slipway.json"), "\0");
      return { data };
    },
    says: /slipway\.json is damaged/,
  },
  {
    name: "a damaged database",
    given: async (folder) => {
      const data = await usedDirectory(folder);
      await writeFile(join(data, "postgres/data/global/pg_control"), "");
      return { data };
    },
    says: /pg_control is missing or cut short.*slipway restore/s,
  },
  {
    name: "the data of another PostgreSQL",
    given: async (folder) => {
      const data = await usedDirectory(folder);
      await writeFile(join(data, "postgres/data/PG_VERSION"), "12\n");
      return { data };
    },
    says: /was written by PostgreSQL 12, and here is PostgreSQL \d+.*slipway backup.*slipway restore/s,
  },
  {
    name: "a second server on one directory",
    given: () => ({ data: running.data }),
    says: /in use by another Slipway server \(process \d+\).*slipway down/,
  },
  {
    name: "a kubeconfig that cannot be written",
    given: async (folder) => {
      const data = await usedDirectory(folder);
      await rm(join(data, "kubeconfig"));
      await mkdir(join(data, "kubeconfig"));
      return { data };
    },
    says: /the kubeconfig \S+\/kubeconfig cannot be written .*; (remove|make)/,
  },
  {
    name: "another master key than the data was sealed with",
    given: async (folder) => ({
      data: await usedDirectory(folder),
      environment: { SLIPWAY_MASTER_KEY: Buffer.alloc(32, 7).toString("base64") },
    }),
    says: /was sealed with the master key [0-9a-f]+, and this server has [0-9a-f]+ \(of SLIPWAY_MASTER_KEY\).*start it with that/s,
  },
  {
    name: "a master key that is none",
    given: (folder) => ({ data: fresh(folder), environment: { SLIPWAY_MASTER_KEY: "hunter2hunter2" } }),
    says: /SLIPWAY_MASTER_KEY is no master key; it must be 32 bytes/,
  },
  {
    name: "a master key file that is not there",
    given: (folder) => ({ data: fresh(folder), environment: { SLIPWAY_MASTER_KEY_FILE: join(folder, "absent.key") } }),
    says: /there is no master key at .*absent\.key/,
  },
  {
    name: "a disk without room",
    given: async (folder) => {
      await mkdir(fresh(folder));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=40m,mode=0755", "slipway-test", fresh(folder)]);
      mounted.push(fresh(folder));
      return { data: fresh(folder) };
    },
    says: /the disk that holds .* has \d+ MB free, a new database needs 200 MB; free some, or choose another data directory/,
    skip: !mayMount() && "needs the right to mount",
  },
];
const mounted: string[] = [];

const tools: readonly Case[] = [
  {
    name: "no Git",
    given: async (folder) => ({ data: fresh(folder), environment: { PATH: await toolsOnly(folder, {}) } }),
    says: /git was not found; install Git 2\.30 or later/,
  },
  {
    name: "a Git that is too old",
    given: async (folder) => ({ data: fresh(folder), environment: { PATH: await toolsOnly(folder, { git: "echo git version 2.20.1" }) } }),
    says: /git is version 2\.20\.1; Slipway needs Git 2\.30 or later/,
  },
  {
    name: "a Node that is too old",
    given: async (folder) => {
      const bin = await toolsOnly(folder, { node: "echo v20.19.0" });
      await mkdir(join(folder, "installed/bin"), { recursive: true });
      await copyFile(slipway, join(folder, "installed/bin/slipway"));
      return { data: fresh(folder), program: join(folder, "installed/bin/slipway"), environment: { PATH: bin } };
    },
    says: /needs Node 24 or newer; the one on PATH is v20\.19\.0[^]*install Node 24/,
  },
];

const databases: readonly Case[] = [
  {
    name: "no URL",
    given: (folder) => withUrl("localhost/slipway", fresh(folder)),
    says: /DATABASE_URL is not the address of a PostgreSQL database; write postgres:\/\/USER/,
  },
  {
    name: "an unknown host",
    given: (folder) => withUrl("postgres://jane:sesame@nowhere.invalid/slipway", fresh(folder)),
    says: /jane@nowhere\.invalid:5432\/slipway: the host name cannot be found.*waited for 1 s; .*SLIPWAY_DATABASE_WAIT/,
  },
  {
    name: "a port where nothing listens",
    given: (folder) => withUrl("postgres://jane:sesame@127.0.0.1:1/slipway", fresh(folder)),
    says: /jane@127\.0\.0\.1:1\/slipway: nothing listens there; start the server or correct host and port.*waited for 1 s/,
  },
  {
    name: "a port where something else listens",
    given: (folder) => withUrl(`postgres://jane:sesame@127.0.0.1:${portOf(holder)}/slipway`, fresh(folder)),
    says: /PostgreSQL at jane@127\.0\.0\.1:\d+\/slipway: .*correct DATABASE_URL if that is not your PostgreSQL/,
  },
  {
    name: "a wrong password",
    given: (folder) =>
      withUrl(`postgres://slipway:sesame@${encodeURIComponent(join(running.data, "postgres/run"))}/postgres`, fresh(folder)),
    says: /user or password is wrong.*correct DATABASE_URL/,
  },
  {
    name: "no such database",
    given: async (folder) => withUrl(dsn(await testServer(), "nothing_here"), fresh(folder)),
    says: /there is no such database; create it \(createdb\)/,
  },
  {
    name: "TLS where the server has none",
    given: (folder) => withUrl(`${database.connectionString}?sslmode=require`, fresh(folder)),
    says: /does not offer TLS.*sslmode/,
  },
  {
    name: "a schema of somebody else",
    given: async (folder) => withUrl(await databaseWith("CREATE SCHEMA slipway", "CREATE TABLE slipway.invoices (id int)"), fresh(folder)),
    says: /the schema "slipway" in the database .* belongs to something else \(it has invoices\)/,
  },
  {
    name: "the schema of a newer Slipway",
    given: async (folder) =>
      withUrl(
        await databaseWith(
          "CREATE SCHEMA slipway",
          "CREATE TABLE slipway.schema_version (name text, timestamp text)",
          "INSERT INTO slipway.schema_version VALUES ('9999-future', '')",
        ),
        fresh(folder),
      ),
    says: /was written by a newer Slipway .*9999-future/,
  },
  {
    name: "a database that is read-only",
    given: async (folder) => withUrl(await databaseWith("ALTER DATABASE THIS SET default_transaction_read_only = on"), fresh(folder)),
    says: /the server is read-only .*primary/,
  },
  {
    name: "a PostgreSQL that is too old",
    given: (folder) => withUrl(`postgres://jane:sesame@127.0.0.1:${portOf(oldServer)}/slipway`, fresh(folder)),
    says: /is version 14\.9; Slipway needs 15 or newer: upgrade that server, or unset DATABASE_URL/,
  },
];

describe("a start that cannot succeed says what is wrong and the way out, in words, and leaves nothing running", { concurrency: 2 }, () => {
  before(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), "slipway-errors-")));
    await chmod(home, 0o777);
    const first = await runningServer();
    await first.stop();
    used = join(home, "used");
    execFileSync("cp", ["-a", first.data, used]);
    await first.close();
    running = await runningServer();
    database = await testDatabase();
    holder = createServer((socket) => socket.on("error", () => undefined).end("SSH-2.0-OpenSSH_9.2\r\n")).listen(0, "127.0.0.1");
    oldServer = fakePostgres("140009", "14.9").listen(0, "127.0.0.1");
    await Promise.all([once(holder, "listening"), once(oldServer, "listening")]);
  });
  after(async () => {
    holder.close();
    oldServer.close();
    for (const path of mounted) execFileSync("umount", [path]);
    for (const own of [database, ...made]) await own.drop();
    await running.close();
    await rm(home, { recursive: true, force: true });
  });
  for (const [group, cases] of Object.entries({ listening, flags, directories, tools, databases }))
    for (const { name, given, says, code = 1, skip = false } of cases)
      test(`${group}: ${name}`, { skip, timeout: 60_000 }, async (context) => {
        const folder = await mkdtemp(join(home, "case-"));
        await chmod(folder, 0o777);
        const order = await given(folder);
        const before = new Set((await processesOf(order.data)).map(({ pid }) => pid));
        const ended = await serve(order);
        if (show) context.diagnostic(`[${ended.code}] ${ended.err}`);
        assert.match(ended.err, says);
        assert.equal(ended.code, code, ended.err);
        assert.doesNotMatch(ended.err, /^\s+at |"level":50|sesame|hunter2|AggregateError/m, "a stack trace, a fault or a secret was shown");
        assert.doesNotMatch(ended.out, /slipway is ready/);
        assert.deepEqual(
          (await processesOf(order.data)).filter(({ pid }) => !before.has(pid)),
          [],
          "something was left running",
        );
      });
});

function serve({
  data,
  flags = [],
  environment = {},
  uid,
  program = slipway,
}: Order): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const own = Object.entries(process.env).filter(([name]) => !/^(SLIPWAY_|DATABASE_URL$|NODE_TEST_CONTEXT$|NODE_OPTIONS$)/.test(name));
  const listen = flags.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const child = spawn(program, ["serve", "--data", data, ...listen, ...flags], {
    cwd: "/",
    env: { ...Object.fromEntries(own), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const late = setTimeout(() => child.kill("SIGTERM"), 45_000);
  let [out, err] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (out += text.toString()));
  child.stderr.on("data", (text: Buffer) => (err += text.toString()));
  return new Promise((done, refuse) => {
    child.once("error", refuse);
    child.once("close", (code) => {
      clearTimeout(late);
      done({ code, out, err });
    });
  });
}

function portsAreKept(): boolean {
  try {
    return Number(execFileSync("cat", ["/proc/sys/net/ipv4/ip_unprivileged_port_start"], { encoding: "utf8" })) > 1;
  } catch {
    return false;
  }
}

function mayMount(): boolean {
  if (!root || process.platform !== "linux") return false;
  try {
    const folder = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "slipway-test", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    execFileSync("rmdir", [folder]);
    return true;
  } catch {
    return false;
  }
}
