import pg from "pg";
import type { Log } from "../../../ports/log.ts";
import type { Binaries } from "./binaries.ts";
import type { Cluster } from "./cluster.ts";
import type { SystemUser } from "./run-as.ts";
import type { ServerLog } from "./server-log.ts";
import { clientConfig } from "./settings.ts";
import type { Address } from "./settings.ts";

/** All that is needed to start, adopt or end the server of one data folder. The caller holds the lock of the data directory. */
export interface Site {
  /** As PostgreSQL sees it: without links. */
  readonly data: string;
  readonly cluster: Cluster;
  readonly binaries: Binaries;
  readonly user: SystemUser | undefined;
  readonly password: string;
  readonly output: ServerLog;
  readonly log: Log;
}

/** A server that answered, and was asked who it is. */
export interface Running {
  readonly pid: number;
  readonly address: Address;
  readonly adopted: boolean;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
}

/** What a server answered: it is that of this very database; or why that is not known. */
export type Answer = "ours" | "another" | "no answer" | "wrong password" | "full";

/** Whoever listens at `address`: is it the server of this very database? */
export async function ask(site: Site, address: Address): Promise<Answer> {
  const client = new pg.Client({ ...clientConfig(address, site.password), connectionTimeoutMillis: 5000, query_timeout: 5000 });
  client.on("error", () => undefined); // a connection that breaks fails its query too
  try {
    await client.connect();
    const { rows } = await client.query<{ id: string; folder: string }>(
      "SELECT system_identifier::text AS id, current_setting('data_directory') AS folder FROM pg_control_system()",
    );
    return rows[0]?.id === site.cluster.systemIdentifier && rows[0].folder === site.data ? "ours" : "another";
  } catch (error) {
    // 28P01 invalid_password; 28000 invalid_authorization_specification ; 53300 too_many_connections (PostgreSQL's errcodes.txt)
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "28P01" || code === "28000") return "wrong password";
    return code === "53300" ? "full" : "no answer";
  } finally {
    await client.end().catch(() => undefined);
  }
}
