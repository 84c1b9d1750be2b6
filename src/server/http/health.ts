import { ApiFailure } from "../../api/status.ts";
import type { Answer } from "./answer.ts";

/** One thing that must be well for this process to serve. Rejects with a sentence that says what is wrong and holds no secret. */
export interface HealthCheck {
  readonly name: string;
  /** `live`: only a restart would help. `ready`: wait, it may come back. */
  readonly for: "live" | "ready";
  check(signal: AbortSignal): Promise<void>;
}

const LONGEST_CHECK_MS = 5_000;

/** Answers a path that `isHealthPath`: `/livez`, `/readyz`, `/healthz` (both together), or one check of them. Tells strangers names only. Throws ApiFailure 404. */
export async function healthAnswer(
  checks: readonly HealthCheck[],
  path: readonly string[],
  query: URLSearchParams,
  isStopping: boolean,
): Promise<Answer> {
  const [probe = "", name, ...more] = path;
  const stopping: HealthCheck = {
    name: "shutdown",
    for: "ready",
    check: () => (isStopping ? Promise.reject(new Error("the server is stopping")) : Promise.resolve()),
  };
  const wanted = [ping, ...checks, stopping].filter(
    (check) => (probe === "livez" ? check.for === "live" : true) && (name === undefined || check.name === name),
  );
  if (wanted.length === 0 || more.length > 0) throw new ApiFailure({ error: "noSuchPath" });
  const results = await Promise.all(wanted.map(async (check) => ({ check, isWell: await passes(check) })));
  const isWell = results.every((result) => result.isWell);
  const isVerbose = query.has("verbose") || !isWell;
  const lines = results.map(({ check, isWell: well }) => (well ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`));
  const body = isVerbose ? [...lines, `${probe} check ${isWell ? "passed" : "failed"}`, ""].join("\n") : "ok";
  return { type: "text", code: isWell ? 200 : 503, contentType: "text/plain; charset=utf-8", body };
}

const PROBES: ReadonlySet<string> = new Set(["healthz", "livez", "readyz"]);

/** Whether a request asks for the health of the server: it is only read, and by anybody. */
export const isHealthPath = (method: string, [probe = ""]: readonly string[]): boolean =>
  (method === "GET" || method === "HEAD") && PROBES.has(probe);

const ping: HealthCheck = { name: "ping", for: "live", check: () => Promise.resolve() };

async function passes(check: HealthCheck): Promise<boolean> {
  const signal = AbortSignal.timeout(LONGEST_CHECK_MS);
  const tooLong = new Promise<boolean>((resolve) => {
    signal.addEventListener("abort", () => {
      resolve(false);
    });
  });
  // Why it fails is in the log of whoever checks; here anybody can read.
  return Promise.race([
    check.check(signal).then(
      () => true,
      () => false,
    ),
    tooLong,
  ]);
}
