import { StatusError } from "./status-error.ts";

/** Resolves after so many milliseconds; rejects when `signal` fires. */
export type Wait = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

const ATTEMPTS = 4;
const LONGEST_WAIT_MS = 10_000;

/**
 * Tries again where the server asks for it (429 and 503 with retryAfterSeconds: it has done nothing), three times at most, as client-go does.
 * https://github.com/kubernetes/client-go/blob/v0.35.0/rest/with_retry.go
 */
export async function retrying<T>(
  { wait, chance }: { readonly wait: Wait; readonly chance: () => number },
  attempt: () => Promise<T>,
): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      const pause = left > 0 ? pauseAfter(error) : undefined;
      if (pause === undefined) throw error;
      await wait(pause * (1 + chance() / 4));
    }
  }
}

function pauseAfter(error: unknown): number | undefined {
  if (!(error instanceof StatusError)) return undefined;
  const { code, retryAfterSeconds } = error.status;
  if (retryAfterSeconds === undefined || (code !== 429 && code !== 503)) return undefined;
  return Math.min(retryAfterSeconds * 1000, LONGEST_WAIT_MS);
}
