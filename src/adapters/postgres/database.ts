import { Kysely, PostgresAdapter, PostgresDialect, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import pg from "pg";
import { PortError } from "../../ports/port-error.ts";
import { codeOf, isOfDriver, storeError } from "./store-error.ts";

/** One PostgreSQL database as this control plane uses it. */
export interface Database {
  /** `user@host:port/database`, for messages. */
  readonly place: string;
  /** For reads of any length. Their statements end after 30 s. */
  readonly readers: pg.Pool;
  /** For claims and leases, which must not queue behind readers. */
  readonly workers: pg.Pool;
  /** A connection of its own, for the writer and for LISTEN. Call connect() on it. */
  client(name: string): pg.Client;
  close(): Promise<void>;
}

export type PostgresAddress = { readonly connectionString: string } | { readonly config: pg.ClientConfig };

const READ_LIMIT = 30_000;
/** The server ends what takes longer; silence for longer than that means that the connection is dead. */
const ANSWER_LIMIT = READ_LIMIT + 10_000;
/** A control plane that stops between reading and committing must not hold up the others for longer. */
const IDLE_LIMIT = 5_000;

/** Opens nothing yet. Throws PortError `refused` for an address that cannot be read. */
export function openDatabase(address: PostgresAddress, poolSize: number): Database {
  const config = checkedConfig(address);
  const place = placeOf(config);
  const options = (name: string): pg.PoolConfig => ({
    ...config,
    application_name: `slipway ${name}`,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    pipeline: true,
    statement_timeout: READ_LIMIT,
    query_timeout: ANSWER_LIMIT,
  });
  const pool = (name: string, max: number): pg.Pool => {
    const made = new pg.Pool({ ...options(name), max, idle_in_transaction_session_timeout: READ_LIMIT });
    made.on("error", () => undefined); // an idle connection that breaks is replaced at the next use
    made.on("connect", (client) => client.on("error", () => undefined)); // one that breaks in use is told by the query that fails
    return made;
  };
  const readers = pool("reader", poolSize);
  const workers = pool("work", 3);
  return {
    place,
    readers,
    workers,
    client: (name) => {
      const client = new pg.Client({ ...options(name), idle_in_transaction_session_timeout: IDLE_LIMIT });
      client.on("error", () => undefined); // told by the query that fails, or by "end"
      return client;
    },
    close: async () => {
      await Promise.all([readers.end(), workers.end()]);
    },
  };
}

/** Runs `use` with its failures put into words. */
export async function told<T>(database: Pick<Database, "place">, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    // A caller's own error (thrown by a reader in a snapshot) and a bug pass as they are; PostgreSQL's and the network's have a code, the driver's their words.
    throw codeOf(error) !== "" || isOfDriver(error) ? storeError(error, database.place) : error;
  }
}

/** Builds statements whose text depends on the request. */
export const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDialect({ pool: () => Promise.reject(new Error("the compiler never connects")) }).createDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

function checkedConfig(address: PostgresAddress): pg.ClientConfig {
  if ("config" in address) return address.config;
  const { connectionString } = address;
  try {
    if (!/^(postgres|postgresql):\/\//.test(connectionString)) throw new Error("no URL of PostgreSQL");
    const { port } = new pg.Client({ connectionString });
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error("no port");
    return { connectionString };
  } catch {
    // Without the cause: the error of the URL parser holds the whole text, password included.
    throw new PortError(
      "refused",
      "DATABASE_URL is not the address of a PostgreSQL database; write postgres://USER:PASSWORD@HOST:PORT/DATABASE (escape special characters as %XX)",
      { reason: "DatabaseAddress" },
    );
  }
}

function placeOf(config: pg.ClientConfig): string {
  const { user, host, port, database } = new pg.Client(config);
  return `${user ?? ""}@${host}:${port}/${database ?? ""}`;
}
