import { spawn } from "node:child_process";

/** The system user that a program runs as; undefined: as ourselves. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Finished {
  /** The exit status, the signal that ended it, or why it could not be started. */
  readonly status: number | string;
  /** What it wrote to both outputs, the last 16 KiB. */
  readonly output: string;
}

const keptCharacters = 16 * 1024;

/** Nothing of our own environment goes to the server's programs: PGDATA, PGOPTIONS, LD_PRELOAD and the like would change what they do. */
export const plainEnvironment: NodeJS.ProcessEnv = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };

/** `uid` and `gid` for spawn. libuv drops the supplementary groups when either is given. */
export function identity(user: SystemUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutSeconds?: number;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
}

/** Runs a program to its end. Never rejects for what the program does; rejects with the signal's reason when cancelled (it is ended first). */
export async function runAs(
  user: SystemUser | undefined,
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const finished = await new Promise<Finished>((done) => {
    const child = spawn(file, args, {
      ...identity(user),
      cwd: "/",
      env: plainEnvironment,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: (options.timeoutSeconds ?? 60) * 1000,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let output = "";
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-keptCharacters));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.stdin?.on("error", () => undefined); // it ended before it read; its status tells
    child.stdin?.end(options.input);
    child.once("error", (error) => void (output += error.message));
    child.once("close", (code, signal) => done({ status: code ?? signal ?? "not started", output: output.trim() }));
  });
  options.signal?.throwIfAborted();
  return finished;
}
