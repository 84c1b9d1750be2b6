import { humanDuration } from "../api/human-duration.ts";

/** `3m ago`, as kubectl counts; "" where the time is none. `now` in milliseconds since the Unix epoch. */
export function ago(time: string | undefined, now: number): string {
  const age = ageOfTime(time, now);
  return age === "" ? "" : `${age} ago`;
}

/** `3m`, "" where the time is none. */
export function ageOfTime(time: string | undefined, now: number): string {
  const then = Date.parse(time ?? "");
  return Number.isNaN(then) ? "" : humanDuration(now - then);
}
