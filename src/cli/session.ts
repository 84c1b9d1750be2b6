import { setTimeout as sleep } from "node:timers/promises";
import { apiClient, type Client } from "../api/client/client.ts";
import { httpsTransport } from "../api/client/https-transport.ts";
import { findKubeconfig } from "./find-kubeconfig.ts";
import { type Access, readKubeconfig } from "./read-kubeconfig.ts";
import type { Terminal } from "./terminal.ts";

/** The flags that every verb has which speaks to a server. */
export interface CommonFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output?: string;
}

/** What the program knows before any flag is read. */
export interface Program {
  /** The version of this client. */
  readonly release: string;
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  dataDirectory(): Promise<string>;
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** One run of a verb against one server. */
export interface Session extends Program {
  readonly client: Client;
  readonly access: Access;
  /** The one that commands mean when they name none. */
  readonly namespace: string;
}

/** The field manager of what the CLI writes. */
export const MANAGER = "slipway-cli";

/** Finds the server and makes a client of it; nothing is sent yet. Throws CliError. */
export async function openSession(program: Program, flags: CommonFlags): Promise<Session> {
  const { environment, workingDirectory, terminal } = program;
  const dataDirectory = await program.dataDirectory();
  const { path } = await findKubeconfig({ flag: flags.kubeconfig, environment, workingDirectory, dataDirectory });
  const access = await readKubeconfig(path, flags.context);
  const client = apiClient({
    transport: httpsTransport(access),
    userAgent: `${MANAGER}/${program.release}`,
    wait: (milliseconds, signal) => sleep(milliseconds, undefined, signal === undefined ? {} : { signal }),
    chance: () => Math.random(),
    onWarning: (text) => terminal.note(`warning: ${text}`),
    onGap: (error) => terminal.note(`the server does not answer (${error.message}); trying again`),
  });
  return { ...program, client, access, namespace: flags.namespace ?? access.namespace };
}
