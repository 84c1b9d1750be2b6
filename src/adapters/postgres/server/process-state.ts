import { execFile } from "node:child_process";
import { readFile, readdir, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";

/**
 * What is behind a process id: nobody; a zombie (ended, and its parent has not asked for its status; kill(2) still finds it); or a process.
 */
export type ProcessState = "gone" | "zombie" | "running";

/** Tells an ended process from a living one, with /proc where there is one, else with ps (POSIX). */
export async function processState(pid: number): Promise<ProcessState> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return "gone";
  }
  const letter = (await stateFromProc(pid)) ?? (await ps(pid, "state="));
  if (letter === undefined) return "running";
  return letter.startsWith("Z") || letter.startsWith("X") ? "zombie" : "running";
}

/** proc(5): the state is the first field after the name, which stands in brackets and may hold brackets itself. */
async function stateFromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2);
}

async function ps(pid: number, column: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", column, "-p", String(pid)], {
      timeout: 5000,
      env: { ...process.env, LC_ALL: "C" },
    });
    return stdout.trim() || undefined;
  } catch {
    return undefined; // no ps, or no such process
  }
}

/** Whether `pid` is a PostgreSQL server of the data folder `data`, by the command line that it was started with. */
export async function isServerOf(pid: number, data: string): Promise<"yes" | "no" | "unknown"> {
  const raw = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => undefined);
  if (raw !== undefined && raw !== "") {
    const [program, ...args] = raw.split("\0");
    if (!isPostgres(program ?? "")) return "no";
    return args.includes(data) ? "yes" : "unknown";
  }
  const command = await ps(pid, "command=");
  if (command === undefined) return "unknown";
  if (!/\b(postgres|postmaster)\b/.test(command)) return "no";
  return command.includes(data) ? "yes" : "unknown";
}

const isPostgres = (program: string): boolean => ["postgres", "postmaster"].includes(basename(program));

/**
 * Server processes that still work in `data`: a backend whose postmaster was killed goes on until it looks up from its query. PostgreSQL's processes
 * stand in their data folder. Empty where there is no /proc.
 */
export async function leftBehind(data: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
      if (folder !== data) return [];
      const program = await readlink(`/proc/${pid}/exe`).catch(() => "");
      return isPostgres(program.replace(/ \(deleted\)$/, "")) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
