import { instant, type Instant, type Milliseconds } from "../domain/units.ts";

/**
 * An age as kubectl prints it: `45s`, `3m5s`, `12m`, `5h3m`, `26h`, `3d4h`, `400d`, `2y40d`, `9y`.
 * The same steps as `duration.HumanDuration` of k8s.io/apimachinery, so that ages look alike whoever prints them. A time ahead of ours by up to two seconds is `0s`.
 */
export function humanDuration(length: Milliseconds | number): string {
  const seconds = Math.trunc(length / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${String(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${String(minutes)}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${String(hours)}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return two(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${String(days)}d`;
  const years = Math.floor(days / 365);
  return hours < 24 * 365 * 8 ? two(years, "y", days % 365, "d") : `${String(years)}y`;
}

/** How long ago an RFC 3339 time was; `<unknown>` where there is none. */
export function ageOf(time: unknown, now: Instant): string {
  const then = typeof time === "string" ? Date.parse(time) : NaN;
  return Number.isNaN(then) ? "<unknown>" : humanDuration(now - instant(then));
}

const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${String(large)}${largeUnit}` : `${String(large)}${largeUnit}${String(small)}${smallUnit}`;
