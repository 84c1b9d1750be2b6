import { humanDuration } from "../api/human-duration.ts";

/** `3m`, as kubectl counts; "" where the time is none. `now` in milliseconds since the Unix epoch. */
export function ageOfTime(time: string | undefined, now: number): string {
  const then = Date.parse(time ?? "");
  return Number.isNaN(then) ? "" : humanDuration(now - then);
}
