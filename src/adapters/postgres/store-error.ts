import { PortError } from "../../ports/port-error.ts";
import { ResourceError } from "../../ports/resources.ts";

/** SQLSTATE or errno of an error, where it has one. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** Whether the server answered; otherwise the connection is gone and with it the knowledge of what it did. */
export function isAnswer(error: unknown): boolean {
  const code = codeOf(error);
  return /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P0)/.test(code) && code !== "25P03";
}

/** An error that the driver makes itself, without a code. (pg 8.23, pg-pool 3) */
export function isOfDriver(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^Connection terminated|^timeout exceeded when trying to connect|^timeout expired$|^Cannot use a pool after|^Client (was closed|has encountered)|not queryable|^Query read timeout|does not support SSL|establishing an SSL|password/.test(
      error.message,
    )
  );
}

/** Whether the connection, or the way to it, is what failed: to try the same at once with fewer requests is useless. */
export function isLost(error: unknown): boolean {
  return error instanceof PortError || isOfDriver(error) || (codeOf(error) !== "" && !isAnswer(error));
}

/** A failure of PostgreSQL in words that say what to do. `place` is `user@host:port/database`, without the password. */
export function storeError(error: unknown, place: string): Error {
  if (error instanceof PortError || error instanceof ResourceError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const found = text.includes("no encryption") ? undefined : causes.find(({ codes }) => codes.test(codeOf(error)));
  if (found !== undefined)
    return new PortError(found.outcome, `PostgreSQL at ${place}: ${found.says}`, { cause: error, reason: found.reason });
  if (/password must be a string|no password supplied|client password/.test(text)) {
    return new PortError(
      "refused",
      `PostgreSQL at ${place} asks for a password and DATABASE_URL holds none: write postgres://USER:PASSWORD@HOST/DATABASE`,
      { cause: error, reason: "DatabasePassword" },
    );
  }
  if (/does not support SSL|establishing an SSL connection/.test(text))
    return new PortError(
      "refused",
      `PostgreSQL at ${place} does not offer TLS, and DATABASE_URL demands it; switch TLS on in that server, or take sslmode out of DATABASE_URL if the way there is safe`,
      { cause: error, reason: "DatabaseTls" },
    );
  if (text.includes("no encryption"))
    return new PortError(
      "refused",
      `PostgreSQL at ${place} lets this user in only over TLS (or not at all, says its pg_hba.conf); add ?sslmode=verify-full to DATABASE_URL`,
      { cause: error, reason: "DatabaseTls" },
    );
  if (text.startsWith("Cannot use a pool after"))
    return new PortError("notDone", "the store is closed; this server is stopping", { cause: error, reason: "Stopping" });
  if (isOfDriver(error))
    return new PortError("notDone", `PostgreSQL at ${place}: ${text}; the connection is made again as soon as the server is back`, {
      cause: error,
      reason: "DatabaseGone",
    });
  return new PortError("notDone", `PostgreSQL at ${place}: ${text}; look into the log of that server`, {
    cause: error,
    reason: "DatabaseFailed",
  });
}

interface Cause {
  readonly codes: RegExp;
  readonly outcome: "notDone" | "refused";
  readonly reason: string;
  readonly says: string;
}

// https://www.postgresql.org/docs/15/errcodes-appendix.html and errno(3)
const causes: readonly Cause[] = [
  {
    codes: /^(28P01|28000)$/,
    outcome: "refused",
    reason: "DatabasePassword",
    says: "user or password is wrong, or pg_hba.conf does not let this user in; correct DATABASE_URL",
  },
  {
    // https://nodejs.org/api/tls.html#x509-certificate-error-codes
    codes:
      /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY|GET)_.*|CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME_INVALID)$/,
    outcome: "refused",
    reason: "DatabaseTls",
    says: "its certificate is not trusted here, has expired, or is for another host name; add sslrootcert=/path/of/ca.pem to DATABASE_URL, or correct the host",
  },
  {
    codes: /^3D000$/,
    outcome: "refused",
    reason: "DatabaseMissing",
    says: "there is no such database; create it (createdb) or correct DATABASE_URL",
  },
  {
    codes: /^(ECONNREFUSED|ENOENT)$/,
    outcome: "notDone",
    reason: "DatabaseGone",
    says: "nothing listens there; start the server or correct host and port in DATABASE_URL",
  },
  {
    codes: /^(ENOTFOUND|EAI_AGAIN)$/,
    outcome: "notDone",
    reason: "DatabaseGone",
    says: "the host name cannot be found; correct DATABASE_URL or the name service",
  },
  {
    codes: /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/,
    outcome: "notDone",
    reason: "DatabaseGone",
    says: "the host does not answer; look at the network and firewalls in between",
  },
  {
    codes: /^(ECONNRESET|EPIPE|57P01|57P02|08.*)$/,
    outcome: "notDone",
    reason: "DatabaseGone",
    says: "the connection was lost; it is made again as soon as the server is back",
  },
  { codes: /^57P03$/, outcome: "notDone", reason: "DatabaseStarting", says: "the server is starting or recovering; wait" },
  {
    codes: /^53300$/,
    outcome: "notDone",
    reason: "DatabaseConnections",
    says: "too many connections; raise max_connections or end other clients (a control plane uses up to 16)",
  },
  {
    codes: /^(53100|ENOSPC)$/,
    outcome: "notDone",
    reason: "DatabaseDiskFull",
    says: "its disk is full; free space on the volume of its data directory",
  },
  { codes: /^53200$/, outcome: "notDone", reason: "DatabaseMemory", says: "the server is out of memory" },
  {
    codes: /^25006$/,
    outcome: "refused",
    reason: "DatabaseReadOnly",
    says: "the server is read-only (a standby, or default_transaction_read_only); point DATABASE_URL at the primary",
  },
  {
    codes: /^42501$/,
    outcome: "refused",
    reason: "DatabasePermission",
    says: "the user may not do this; make it the owner of the database (ALTER DATABASE … OWNER TO …)",
  },
  {
    codes: /^(42P01|3F000)$/,
    outcome: "refused",
    reason: "DatabaseForeign",
    says: "a table of Slipway is missing; somebody removed it: restore a backup",
  },
  {
    codes: /^(57014|55P03)$/,
    outcome: "notDone",
    reason: "DatabaseSlow",
    says: "it took longer than allowed; look for long transactions in pg_stat_activity",
  },
  { codes: /^25P03$/, outcome: "notDone", reason: "DatabaseSlow", says: "a transaction was open for too long and was ended" },
];
