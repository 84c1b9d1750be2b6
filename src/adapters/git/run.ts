import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/** One command of Git. Nothing of it passes through a shell; the environment is exactly `env`. */
export interface GitCommand {
  readonly git: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly timeLimitSeconds: number;
  readonly outputBytes: number;
  /** For commands that talk to a server or write the mirror: ends them with this process, and bounds their memory. */
  readonly fenced?: { readonly memoryBytes: number };
  /** Looked at while it runs; an answer ends the command. */
  readonly watch?: () => Promise<string | undefined>;
}

export interface GitResult {
  readonly ended:
    | { readonly how: "exit"; readonly code: number }
    | { readonly how: "signal" | "timeLimit" | "outputLimit" | "aborted" }
    | { readonly how: "watch"; readonly why: string };
  readonly stdout: Buffer;
  /** The last 16 KiB, as Git wrote it: not safe to show before `withoutSecrets`. */
  readonly stderr: string;
}

// Ends the whole group when the pipe on descriptor 3 closes, that is when the process that started it is gone, even by kill -9.
// The numbers come as arguments; nothing is interpolated. ulimit -v is absent on macOS, hence the `|| :`.
const fence =
  'git=$1; memory=$2; shift 2; ulimit -v "$memory" 2>/dev/null || :; (read _ <&3; kill -9 0) >/dev/null 2>&1 </dev/null & exec "$git" "$@" 3<&-';
const watchEveryMs = 200;
const keptStderr = 16 << 10;

/** Runs Git in a process group of its own and answers when all of it has ended. Rejects only if Git cannot be started. */
export function runGit(command: GitCommand, signal: AbortSignal): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    let ended: GitResult["ended"] | undefined;
    const child = start(command);
    const end = (why: GitResult["ended"]) => {
      ended ??= why;
      killGroup(child);
    };
    const timer = setTimeout(() => {
      end({ how: "timeLimit" });
    }, command.timeLimitSeconds * 1000);
    const watching = watch(command, (why) => {
      end({ how: "watch", why });
    });
    const abort = () => {
      end({ how: "aborted" });
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const stdout = collect(child.stdout, command.outputBytes, () => {
      end({ how: "outputLimit" });
    });
    const stderr = tail(child.stderr);
    const settle = () => {
      clearTimeout(timer);
      watching();
      signal.removeEventListener("abort", abort);
    };
    child.stdin?.on("error", () => undefined); // EPIPE: Git ended before it read everything; its exit code says why
    child.stdin?.end(command.stdin ?? "");
    // What is left of the group (the fence, a helper of Git) has nothing more to do. The fence keeps the group id from being reused.
    child.on("exit", () => {
      if (command.fenced) killGroup(child);
    });
    child.on("error", (cause) => {
      settle();
      reject(cause);
    });
    child.on("close", (code) => {
      settle();
      resolve({ ended: ended ?? (code === null ? { how: "signal" } : { how: "exit", code }), stdout: stdout(), stderr: stderr() });
    });
  });
}

function start(
  command: GitCommand,
): ChildProcess & { readonly stdout: Readable | null; readonly stderr: Readable | null; readonly stdin: Writable | null } {
  const options = { cwd: command.cwd, env: { ...command.env }, detached: true };
  if (!command.fenced) return spawn(command.git, [...command.args], { ...options, stdio: ["pipe", "pipe", "pipe"] });
  const kibibytes = String(Math.floor(command.fenced.memoryBytes / 1024));
  return spawn("/bin/sh", ["-c", fence, "sh", command.git, kibibytes, ...command.args], {
    ...options,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // ESRCH: all of the group has ended already
  }
}

function watch(command: GitCommand, end: (why: string) => void): () => void {
  const look = command.watch;
  if (!look) return () => undefined;
  const timer = setInterval(() => {
    look().then(
      (why) => {
        if (why !== undefined) end(why);
      },
      () => undefined,
    ); // what cannot be looked at now is looked at again
  }, watchEveryMs);
  return () => {
    clearInterval(timer);
  };
}

function collect(stream: Readable | null, limit: number, tooMuch: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  stream?.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

function tail(stream: Readable | null): () => string {
  let text = Buffer.alloc(0);
  stream?.on("data", (chunk: Buffer) => {
    text = Buffer.concat([text, chunk]).subarray(-keptStderr);
  });
  return () => text.toString("utf8");
}
