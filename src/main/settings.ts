import { type Milliseconds, parseDuration, seconds } from "../domain/units.ts";
import { RETENTION, type Retention } from "../engine/upkeep/upkeep-loop.ts";
import { PortError } from "../ports/port-error.ts";

export type Role = "api" | "controllers";

/** What `slipway serve` is told by flags and environment. */
export interface Settings {
  readonly dataDirectory: string;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly roles: readonly Role[];
  /** Further host names and addresses the server is reached by, for its certificate. */
  readonly names: readonly string[];
  /** A PostgreSQL to use in place of the embedded one. Holds a password: never logged. */
  readonly databaseUrl?: string;
  /** How long a start waits for the PostgreSQL of DATABASE_URL while it is away. */
  readonly databaseWait: Milliseconds;
  readonly masterKey: MasterKeySource;
  readonly logLevel: LogLevel;
  readonly retention: Retention;
  /** Whether spans are sent; where to, the OpenTelemetry SDK reads from its own variables. */
  readonly sendTraces: boolean;
}

export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ["debug", "info", "warn"] as const;

export type MasterKeySource =
  | { readonly from: "dataDirectory" }
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "environment"; readonly text: string };

export interface ServeFlags {
  readonly data?: string;
  readonly listen: string;
  readonly roles: string;
  readonly name: readonly string[];
}

/** Port of the API unless another one is asked for. */
export const DEFAULT_LISTEN = "127.0.0.1:7447";

type Environment = Readonly<Record<string, string | undefined>>;

/** Pure. Throws PortError `refused` that names the flag or variable and what may stand there. */
export function settingsOf(flags: ServeFlags, environment: Environment, defaultDirectory: string): Settings {
  const databaseUrl = given(environment, "DATABASE_URL");
  return {
    dataDirectory: flags.data ?? given(environment, "SLIPWAY_DATA") ?? defaultDirectory,
    ...addressOf(flags.listen),
    roles: rolesOf(flags.roles),
    names: flags.name,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    databaseWait: durationOf(environment, "SLIPWAY_DATABASE_WAIT", seconds(30)),
    masterKey: masterKeyOf(environment),
    logLevel: logLevelOf(environment),
    retention: retentionOf(environment),
    sendTraces: TRACE_VARIABLES.some((name) => given(environment, name) !== undefined),
  };
}

function addressOf(listen: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw refused(`--listen "${listen.slice(0, 100)}" is no address; write HOST:PORT such as ${DEFAULT_LISTEN}, or [::1]:7447`);
  return { host: bracketed ?? (plain === undefined || plain === "" ? "0.0.0.0" : plain), port };
}

function rolesOf(text: string): readonly Role[] {
  const roles = text.split(",").map((role) => role.trim());
  const unknown = roles.find((role) => role !== "api" && role !== "controllers");
  if (unknown !== undefined) throw refused(`--roles names "${unknown.slice(0, 40)}"; there are api and controllers, joined by a comma`);
  return roles.filter((role) => role === "api" || role === "controllers");
}

function masterKeyOf(environment: Environment): MasterKeySource {
  const [path, text] = [given(environment, "SLIPWAY_MASTER_KEY_FILE"), given(environment, "SLIPWAY_MASTER_KEY")];
  if (path !== undefined && text !== undefined)
    throw refused("SLIPWAY_MASTER_KEY_FILE and SLIPWAY_MASTER_KEY are both set; keep one of them");
  if (path !== undefined) return { from: "file", path };
  return text === undefined ? { from: "dataDirectory" } : { from: "environment", text };
}

const TRACE_VARIABLES = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

function logLevelOf(environment: Environment): LogLevel {
  const text = given(environment, "SLIPWAY_LOG") ?? "info";
  const level = LOG_LEVELS.find((one) => one === text);
  if (level === undefined) throw refused(`SLIPWAY_LOG is "${text.slice(0, 40)}"; there are ${LOG_LEVELS.join(", ")} (default: info)`);
  return level;
}

/** How long things are kept, each by a variable of its own. */
function retentionOf(environment: Environment): Retention {
  return {
    changes: durationOf(environment, "SLIPWAY_CHANGES_KEEP", RETENTION.changes),
    changesAtMost: countOf(environment, "SLIPWAY_CHANGES_KEEP_AT_MOST", RETENTION.changesAtMost),
    events: durationOf(environment, "SLIPWAY_EVENTS_KEEP", RETENTION.events),
    shortRecords: durationOf(environment, "SLIPWAY_RECORDS_KEEP", RETENTION.shortRecords),
    longRecords: durationOf(environment, "SLIPWAY_AUDIT_KEEP", RETENTION.longRecords),
  };
}

function durationOf(environment: Environment, name: string, otherwise: Milliseconds): Milliseconds {
  const text = given(environment, name);
  if (text === undefined) return otherwise;
  const length = parseDuration(text);
  if (length === undefined)
    throw refused(`${name} is "${text.slice(0, 40)}", which is no length of time; write it as 90s, 30m, 1h30m or 720h`);
  return length;
}

function countOf(environment: Environment, name: string, otherwise: number): number {
  const text = given(environment, name);
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw refused(`${name} is "${text.slice(0, 40)}"; write a whole number up to 999999999`);
  return Number(text);
}

/** Set to nothing is as good as not set. */
function given(environment: Environment, name: string): string | undefined {
  const text = environment[name];
  return text === "" ? undefined : text;
}

const refused = (message: string): PortError => new PortError("refused", message, { reason: "BadSetting" });
