import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Address } from "./settings.ts";

/** What a running server says of itself in `postmaster.pid` (PostgreSQL's src/include/utils/pidfile.h; one fact a line). */
export interface PostmasterFile {
  readonly pid: number;
  readonly status: "starting" | "stopping" | "ready" | "standby" | "unknown";
  /** Absent until the server has opened its socket. */
  readonly address: Address | undefined;
}

/** The server's own account; `absent` when there is none, `unreadable` when it is empty or half-written. */
export async function readPostmasterFile(data: string): Promise<PostmasterFile | "absent" | "unreadable"> {
  try {
    return parsePostmasterFile(await readFile(join(data, "postmaster.pid"), "utf8")) ?? "unreadable";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "absent";
    throw error;
  }
}

/** Pure. Lines: 1 pid, 2 data folder, 3 start time, 4 port, 5 first socket folder, 6 first listen address, 7 shared memory key, 8 status. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split("\n").map((line) => line.trimEnd());
  // A single-user server writes its pid as a negative number; it has no socket to adopt.
  const pid = Math.abs(Number(lines[0]));
  if (!/^-?\d+$/.test(lines[0] ?? "") || !Number.isSafeInteger(pid) || pid < 2) return undefined;
  return { pid, status: statusOf(lines[7]), address: addressOf(lines[3], lines[4], lines[5]) };
}

function statusOf(line: string | undefined): PostmasterFile["status"] {
  return (["starting", "stopping", "ready", "standby"] as const).find((status) => status === line?.trim()) ?? "unknown";
}

function addressOf(portLine: string | undefined, folder: string | undefined, listen: string | undefined): Address | undefined {
  const port = Number(portLine);
  if (portLine === undefined || portLine === "" || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  if (folder?.startsWith("/") === true) return { kind: "socket", folder, port };
  return listen === undefined || listen === "" ? undefined : { kind: "loopback", port };
}
