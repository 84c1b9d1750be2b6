import { milliseconds, type Milliseconds } from "../domain/units.ts";
import { DURATION } from "./patterns.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const WHOLE = new RegExp(DURATION);

/** The length of `30s`, `1h30m`, `500ms`; undefined where the text is no duration (the schema of the field then refuses it too). */
export function durationOf(text: string): Milliseconds | undefined {
  if (!WHOLE.test(text)) return undefined;
  return milliseconds(
    [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0),
  );
}
