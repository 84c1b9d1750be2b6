import { CliError } from "./exit-codes.ts";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Whole seconds of `90d`, `12h`, `1h30m`. Throws CliError for anything else, naming the flag. */
export function secondsOf(flag: string, text: string): number {
  if (!/^(\d{1,9}[smhdwy])+$/.test(text))
    throw new CliError("misused", `${flag} "${text.slice(0, 40)}" is no length of time; write for example 30m, 12h or 90d`);
  return [...text.matchAll(/(\d+)([smhdwy])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ""] ?? 0), 0);
}

/** The instant that `--since` means: a length of time before now, or an RFC 3339 time. Milliseconds since the Unix epoch. */
export function sinceOf(text: string, now: number): number {
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? now - secondsOf("--since", text) * 1000 : at;
}
