import { instant } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** The clock of this machine. Waits are measured on the monotonic clock, so that a clock that jumps neither ends nor prolongs them by more than a minute. */
export const systemClock: Clock = {
  now: () => instant(Date.now()),
  until: async (at, signal) => {
    while (!signal.aborted) {
      const remaining = at - Date.now();
      if (remaining <= 0) return;
      await waited(Math.min(remaining, LONGEST), signal);
    }
    throw signal.reason;
  },
};

/** A long wait is looked at anew this often: after a jump of the clock it is right again. */
const LONGEST = 60_000;

function waited(length: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, length);
    signal.addEventListener("abort", end, { once: true });
  });
}
