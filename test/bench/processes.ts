import { readdirSync, readFileSync } from "node:fs";

/** Whether this system tells what its processes take (Linux does, in /proc). */
export const canMeasureProcesses = process.platform === "linux";

export interface Usage {
  /** User and system time of all living processes of the tree, and of those of their children that have ended. */
  readonly cpuSeconds: number;
  /** Proportional set size: shared pages are counted once over all that share them. */
  readonly pssMiB: number;
  readonly processes: number;
}

/** What the given processes and all their descendants take. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function usageOf(roots: readonly number[], withMemory = true): Usage {
  const tree = descendants(roots);
  return {
    cpuSeconds: tree.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND,
    pssMiB: withMemory ? tree.reduce((sum, { pid }) => sum + pssKiB(pid), 0) / 1024 : 0,
    processes: tree.length,
  };
}

// USER_HZ, which is 100 on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function descendants(roots: readonly number[]): readonly Process[] {
  const all = readdirSync("/proc").flatMap((entry) => (/^\d+$/.test(entry) ? readProcess(Number(entry)) : []));
  const found = new Set(roots);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

function readProcess(pid: number): readonly Process[] {
  const text = read(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold anything; the fields that count come after it, the third one first.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return text === "" ? [] : [{ pid, parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) }];
}

const pssKiB = (pid: number): number => Number(/^Pss: +(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);

/** "" for a process that has ended in the meantime. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
