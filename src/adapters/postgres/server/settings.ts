import { join } from "node:path";

/** Where the server listens: a socket in a folder, or a port of the loopback address. */
export type Address =
  { readonly kind: "socket"; readonly folder: string; readonly port: number } | { readonly kind: "loopback"; readonly port: number };

/** The one superuser. */
export const superuser = "slipway";

/** The database that holds the tables: initdb makes it. */
const database = "postgres";

const socketPort = 5432;

/** A socket in `folder` where its path is short enough for every system (macOS allows 104 bytes with the final NUL, Linux 108); else undefined. */
export function socketIn(folder: string): Address | undefined {
  const bytes = Buffer.byteLength(join(folder, `.s.PGSQL.${socketPort}`));
  return bytes < 100 ? { kind: "socket", folder, port: socketPort } : undefined;
}

/** What a `pg` client needs to reach `address`. */
export function clientConfig(address: Address, password: string): ClientConfig {
  const host = address.kind === "socket" ? address.folder : "127.0.0.1";
  return { host, port: address.port, user: superuser, password, database };
}

export interface ClientConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Arguments of initdb. Text sorts by code point in every version, so that a restored store lists in the same order. */
export function initdbArguments(folder: string, passwordFile: string, major: number): readonly string[] {
  const locale = major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : ["--locale-provider=libc"];
  return [
    `--pgdata=${folder}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    "--encoding=UTF8",
    "--locale=C",
    ...locale,
    "--auth=scram-sha-256",
    "--data-checksums",
    "--no-instructions",
  ];
}

/** Arguments of the server. All settings are given at each start, so that a newer Slipway brings newer settings to older data. */
export function serverArguments(data: string, address: Address, major: number, platform: NodeJS.Platform): readonly string[] {
  return ["-D", data, ...Object.entries(settings(address, major, platform)).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

function settings(address: Address, major: number, platform: NodeJS.Platform): Readonly<Record<string, string>> {
  return {
    ...listening(address),
    ...durable(platform),
    ...small,
    ...quiet,
    // Three more processes (PostgreSQL 18) for asynchronous reads would cost memory, and the store fits in the cache.
    ...(major >= 18 ? { io_method: "sync" } : {}),
  };
}

function listening(address: Address): Readonly<Record<string, string>> {
  const common = { port: String(address.port), password_encryption: "scram-sha-256", ssl: "off" };
  switch (address.kind) {
    case "socket":
      return { ...common, listen_addresses: "", unix_socket_directories: listItem(address.folder), unix_socket_permissions: "0700" };
    case "loopback":
      return { ...common, listen_addresses: "127.0.0.1", unix_socket_directories: "" };
  }
}

/** One item of a list setting: in double quotes, a double quote doubled (SplitDirectoriesString in PostgreSQL's varlena.c). */
function listItem(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** An acknowledged commit is on the disk. On macOS only F_FULLFSYNC empties the drive's own cache. */
function durable(platform: NodeJS.Platform): Readonly<Record<string, string>> {
  const sync = platform === "darwin" ? { wal_sync_method: "fsync_writethrough" } : {};
  return { fsync: "on", synchronous_commit: "on", full_page_writes: "on", ...sync };
}

const small = {
  shared_buffers: "32MB",
  max_connections: "40",
  work_mem: "4MB",
  maintenance_work_mem: "32MB",
  // No replicas and no archive: less to write ahead, and no processes for them.
  wal_level: "minimal",
  max_wal_senders: "0",
  max_replication_slots: "0",
  max_logical_replication_workers: "0",
  max_worker_processes: "4",
  max_parallel_workers: "0",
  max_parallel_workers_per_gather: "0",
  max_parallel_maintenance_workers: "0",
  autovacuum_max_workers: "2",
  min_wal_size: "32MB",
  // Bounds what has to be replayed after a crash, and the room on the disk.
  max_wal_size: "256MB",
  jit: "off",
  huge_pages: "off",
} as const;

/**
 * Statements and values stay out of the log: they may hold secrets. Messages of ERROR quote values, and the client is told them anyway; level `log` leaves out
 * those and WARNING, and keeps what concerns the server (LOG, FATAL, PANIC). `terse` leaves out DETAIL, which quotes values too.
 */
const quiet = {
  logging_collector: "off",
  log_destination: "stderr",
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_statement: "none",
  log_connections: "off",
  log_checkpoints: "off",
  log_autovacuum_min_duration: "-1",
  log_timezone: "UTC",
  timezone: "UTC",
  lc_messages: "C",
} as const;
