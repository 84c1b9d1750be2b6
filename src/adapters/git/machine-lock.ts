import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { link, readdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { PortError } from "../../ports/port-error.ts";

/** Held by one flow of one process of this machine. `inherited` true: the holder before died with it in hand. */
export interface MachineLock {
  readonly inherited: boolean;
  release(): Promise<void>;
}

const pollMs = 20;

/**
 * Takes the lock of a directory, waiting for it. Node has no flock, so the lock is a numbered file: the highest number holds, and only the file after a dead or
 * released one can be made, by link(2), which is atomic and brings the content with it. A holder is known by pid and start time, so that a pid that was
 * given out again does not hold it. Local file systems of Linux and macOS.
 */
export async function takeLock(directory: string, waitSeconds: number, signal: AbortSignal): Promise<MachineLock> {
  const me = `${process.pid} ${await ownStart()} ${randomUUID()}`;
  const until = performance.now() + waitSeconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    const highest = await highestLock(directory);
    const holder = highest === 0 ? "free" : await readLock(directory, highest);
    const state = await stateOf(holder);
    if (state !== "held" && (await claim(directory, highest + 1, me))) return heldLock(directory, highest + 1, state === "dead");
    if (performance.now() > until)
      throw new PortError(
        "notDone",
        `another process (${holder.split(" ")[0] ?? "?"}) has worked on the Git mirror ${directory} for ${waitSeconds} s; end it if it hangs`,
        { reason: "MirrorBusy" },
      );
    await sleep(pollMs + Math.random() * pollMs, undefined, { signal });
  }
}

async function claim(directory: string, number: number, me: string): Promise<boolean> {
  const draft = join(directory, `draft.${randomUUID()}`);
  await writeFile(draft, me, { mode: 0o600 });
  try {
    await link(draft, lockFile(directory, number));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    throw cause;
  } finally {
    await rm(draft, { force: true });
  }
  if ((await highestLock(directory)) === number) return true;
  await unlink(lockFile(directory, number)); // we looked before others took, released and cleared several numbers
  return false;
}

async function heldLock(directory: string, number: number, inherited: boolean): Promise<MachineLock> {
  const older = (await lockNumbers(directory)).filter((other) => other < number);
  await Promise.all(older.map((other) => rm(lockFile(directory, other), { force: true })));
  const release = async () => {
    const draft = join(directory, `draft.${randomUUID()}`);
    await writeFile(draft, "free", { mode: 0o600 });
    await rename(draft, lockFile(directory, number)); // never deleted while it is the highest: the next number is taken after it
  };
  return { inherited, release };
}

const lockFile = (directory: string, number: number) => join(directory, `lock.${number}`);

async function lockNumbers(directory: string): Promise<readonly number[]> {
  return (await readdir(directory)).flatMap((name) => (/^lock\.\d{1,15}$/.test(name) ? [Number(name.slice(5))] : []));
}

const highestLock = async (directory: string) => Math.max(0, ...(await lockNumbers(directory)));

async function readLock(directory: string, number: number): Promise<string> {
  try {
    return await readFile(lockFile(directory, number), "utf8");
  } catch {
    return "gone"; // cleared by the holder of a higher number: look again
  }
}

async function stateOf(holder: string): Promise<"free" | "held" | "dead"> {
  if (holder === "free") return "free";
  if (holder === "gone") return "held";
  const [pid, start] = holder.split(" ");
  const number = Number(pid);
  if (!Number.isSafeInteger(number) || number <= 0) return "dead"; // an empty file: the machine went down in between
  return (await startOf(number)) === start ? "held" : "dead";
}

let own: Promise<string> | undefined;
const ownStart = () => (own ??= startOf(process.pid).then((start) => start ?? "unknown"));

/** Something that tells this run of a pid from any other; undefined if there is no such process. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EPERM")) return undefined;
  }
  return (await startFromProc(pid)) ?? (await startFromPs(pid)) ?? "unknown";
}

async function startFromProc(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    // proc(5): the name in brackets may hold spaces; state is field 3, start time field 22
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : `${boot}.${fields[19] ?? ""}`;
  } catch {
    return undefined; // no /proc: macOS
  }
}

async function startFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { PATH: process.env["PATH"] ?? "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" },
      timeout: 5000,
    });
    return stdout.trim().replaceAll(/\s+/g, "-") || undefined;
  } catch {
    return undefined;
  }
}
