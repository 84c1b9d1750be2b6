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
  readonly masterKey: MasterKeySource;
}

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

/** Pure. Throws PortError `refused` that names the flag or variable and what may stand there. */
export function settingsOf(
  flags: ServeFlags,
  environment: Readonly<Record<string, string | undefined>>,
  defaultDirectory: string,
): Settings {
  const databaseUrl = environment["DATABASE_URL"];
  return {
    dataDirectory: flags.data ?? environment["SLIPWAY_DATA"] ?? defaultDirectory,
    ...addressOf(flags.listen),
    roles: rolesOf(flags.roles),
    names: flags.name,
    ...(databaseUrl === undefined || databaseUrl === "" ? {} : { databaseUrl }),
    masterKey: masterKeyOf(environment),
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

function masterKeyOf(environment: Readonly<Record<string, string | undefined>>): MasterKeySource {
  const [path, text] = [environment["SLIPWAY_MASTER_KEY_FILE"], environment["SLIPWAY_MASTER_KEY"]];
  if (path !== undefined && path !== "" && text !== undefined && text !== "")
    throw refused("SLIPWAY_MASTER_KEY_FILE and SLIPWAY_MASTER_KEY are both set; keep one of them");
  if (path !== undefined && path !== "") return { from: "file", path };
  return text === undefined || text === "" ? { from: "dataDirectory" } : { from: "environment", text };
}

const refused = (message: string): PortError => new PortError("refused", message, { reason: "BadSetting" });
