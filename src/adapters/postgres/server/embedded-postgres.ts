import { chmod, chown, mkdir, open, readFile, realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Log } from "../../../ports/log.ts";
import { PortError } from "../../../ports/port-error.ts";
import { adopt } from "./adopt.ts";
import { chooseBinaries, removeOtherCopies } from "./binaries.ts";
import type { Binaries } from "./binaries.ts";
import { assertRoom, createCluster, freeBytesOf, inspectCluster, readPassword, removeDrafts } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import { keepRunning } from "./keep-running.ts";
import type { ServerHealth } from "./keep-running.ts";
import type { SystemUser } from "./run-as.ts";
import { serverLog } from "./server-log.ts";
import { assertReachable, serverUser } from "./server-user.ts";
import type { Running, Site } from "./site.ts";
import { setPassword, start } from "./start.ts";
import { folderError } from "./start-failure.ts";
import { clientConfig, socketIn } from "./settings.ts";
import type { Address, ClientConfig } from "./settings.ts";

export interface EmbeddedPostgresOptions {
  /** A folder that is this server's alone, DATA/postgres; made when absent. The caller holds the lock of the data directory. */
  readonly directory: string;
  readonly log: Log;
  /** Told when the server ends without being asked to, and when it is back. */
  readonly onHealth?: (health: ServerHealth) => void;
  /** Ends a start that is under way, and what it started. */
  readonly signal?: AbortSignal;
  /** A folder with `initdb` and `postgres` to use, in place of the search. */
  readonly binaries?: string;
  readonly freeBytes?: (path: string) => Promise<number>;
}

/** A PostgreSQL of our own. While it is not stopped it is started again, with backoff, whenever it ends. */
export interface EmbeddedPostgres {
  /** For a `pg` pool; the same over restarts of the server. Holds the password. */
  readonly connection: ClientConfig;
  /** Of the programs, such as "18.4". */
  readonly version: string;
  /** True when the server was left by an earlier control plane and is used on. */
  readonly adopted: boolean;
  /** Of the postmaster; after a restart another one, 0 while it is down. */
  readonly pid: number;
  /** Ends the server, at most 50 s; safe to call twice. */
  stop(): Promise<void>;
}

const littleBytes = 100 * 1024 * 1024;

/**
 * Brings up the PostgreSQL of a data directory: makes the database when there is none, adopts a server that is still there, else starts one. Ready when the
 * promise resolves. Throws `PortError` that says what is wrong, where, and the way out; then nothing that it started is left running.
 */
export async function embeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const signal = options.signal ?? new AbortController().signal;
  const { site, fixedAddress } = await prepare(options, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw folderError("preparing PostgreSQL", options.directory, cause);
  });
  const first = (await adopt(site, signal)) ?? (await startFirst(options.directory, site, fixedAddress, signal));
  if (!first.adopted) await removeOtherCopies(options.directory, site.binaries.bin).catch(() => undefined); // they only take room
  const running = keepRunning(site, first, options.onHealth ?? (() => undefined));
  return {
    connection: clientConfig(first.address, site.password),
    version: site.binaries.version,
    adopted: first.adopted,
    get pid() {
      return running.pid();
    },
    stop: () => running.stop(),
  };
}

async function startFirst(directory: string, site: Site, socket: Address | undefined, signal: AbortSignal): Promise<Running> {
  for (let left = 3; ; left -= 1) {
    const address = socket ?? { kind: "loopback" as const, port: await choosePort(directory) };
    try {
      return await start(site, address, signal);
    } catch (error) {
      const reason = error instanceof PortError && left > 0 ? error.reason : "";
      if (reason === "WrongPassword") await renewPassword(site);
      else if (reason !== "AddressInUse" || address.kind !== "loopback") throw error;
    }
  }
}

/** The file with the password was lost, or came from elsewhere. Whoever can write it owns the data as well, so nobody gains by that. */
async function renewPassword(site: Site): Promise<void> {
  site.log.warn({ folder: site.data }, "the database did not know the password of its file; it is set anew");
  await setPassword(site);
}

async function prepare(options: EmbeddedPostgresOptions, signal: AbortSignal): Promise<{ site: Site; fixedAddress: Address | undefined }> {
  const { directory, log } = options;
  await makeFolder(directory);
  const data = join(directory, "data");
  const found = await inspectCluster(data);
  const user = await serverUser(found === "absent" ? undefined : data);
  await assertReachable(user, await realpath(directory));
  await removeDrafts(directory);
  const free = await (options.freeBytes ?? freeBytesOf)(directory);
  if (found === "absent") assertRoom(directory, free);
  else if (free < littleBytes)
    log.warn({ directory, freeMegabytes: Math.floor(free / 1024 / 1024) }, "the disk of the data directory is almost full");
  const binaries = await programs(options, user, found);
  const password = await readPassword(directory);
  const cluster = found === "absent" ? await createCluster({ directory, data, user, binaries, password, signal }) : found;
  const socketFolder = await makeSocketFolder(directory, user);
  const output = await serverLog(join(directory, "log"));
  const site: Site = { data: await realpath(data), cluster, binaries, user, password, output, log };
  return { site, fixedAddress: socketIn(socketFolder) };
}

async function makeFolder(directory: string): Promise<void> {
  const root = process.geteuid?.() === 0;
  await mkdir(directory, { recursive: true });
  // The server's user passes through on its way to its data; what is secret in here has a mode of its own.
  await chmod(directory, root ? 0o711 : 0o700);
}

async function makeSocketFolder(directory: string, user: SystemUser | undefined): Promise<string> {
  const folder = join(await realpath(directory), "run");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

async function programs(options: EmbeddedPostgresOptions, user: SystemUser | undefined, found: Cluster | "absent"): Promise<Binaries> {
  const major = found === "absent" ? undefined : found.major;
  const chosen = await chooseBinaries(options.directory, user, major, options.binaries);
  if (chosen !== undefined) return chosen;
  const here = await chooseBinaries(options.directory, user, undefined, options.binaries);
  throw new PortError(
    "refused",
    `${join(options.directory, "data")} was written by PostgreSQL ${major ?? "?"}, and here is PostgreSQL ${here?.version ?? "?"}, which cannot read it. ` +
      `To go on as before, install PostgreSQL ${major ?? "?"} (or put its programs on PATH) and start again: it is found and used. To move to ${here?.major ?? "the new one"}: ` +
      `start it like that (or with the Slipway that brought PostgreSQL ${major ?? "?"}), run \`slipway backup --to FILE\` and stop it; then \`slipway restore FILE --data NEW_DIRECTORY --master-key-file ` +
      `OLD_DIRECTORY/master.key\`, and serve the new one. The old one is not changed`,
    { reason: "WrongPostgresVersion" },
  );
}

/** The port of last time if it is free, else another one below the range that systems give to outgoing connections. Remembered in a file. */
async function choosePort(directory: string): Promise<number> {
  const file = join(directory, "port");
  const before = Number((await readFile(file, "utf8").catch(() => "")).trim());
  if (Number.isInteger(before) && before >= 1024 && before <= 65_535 && (await isFree(before))) return before;
  for (let left = 50; left > 0; left -= 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!(await isFree(port))) continue;
    const handle = await open(file, "w", 0o600);
    await handle.writeFile(`${port}\n`);
    await handle.close();
    return port;
  }
  throw new PortError(
    "notDone",
    "no free port of 127.0.0.1 was found between 20000 and 32000; end what holds them, or use a data directory with a shorter path",
    {
      reason: "AddressInUse",
    },
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
