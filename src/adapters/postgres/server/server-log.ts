import { copyFile, mkdir, open, stat, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";

const maximumBytes = 4 * 1024 * 1024;

/** The server's output: `server.log` and, once that was full, `server.log.1`; together at most about 8 MiB. */
export interface ServerLog {
  readonly path: string;
  /** Opened to append; the server keeps it when the control plane is gone. The caller closes its copy. */
  open(): Promise<FileHandle>;
  size(): Promise<number>;
  /** What was written from the byte `from` on, the last 8 KiB of it. */
  since(from: number): Promise<string>;
  /** Keeps it bounded: copies and empties a full log. The server writes in append mode and so goes on at the start. */
  bound(): Promise<void>;
}

export async function serverLog(folder: string): Promise<ServerLog> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "server.log");
  const size = async (): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;
  return {
    path,
    open: () => open(path, "a", 0o600),
    size,
    since: (from) => readEnd(path, from),
    bound: async () => {
      if ((await size()) <= maximumBytes) return;
      await copyFile(path, `${path}.1`);
      await truncate(path);
    },
  };
}

async function readEnd(path: string, from: number): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const start = Math.max(from <= size ? from : 0, size - 8192);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, start);
    return buffer.subarray(0, bytesRead).toString().trim();
  } finally {
    await file.close();
  }
}
