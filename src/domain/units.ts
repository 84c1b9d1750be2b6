/** Milliseconds since the Unix epoch, UTC. */
export type Instant = number & { readonly unit: "epoch-ms" };

/** A length of time in milliseconds; never negative. */
export type Milliseconds = number & { readonly unit: "ms" };

export function instant(epochMilliseconds: number): Instant {
  return epochMilliseconds as Instant; // branding is the whole purpose of this function
}

/** Rounds up, so that a wait is never cut short; a negative length is zero. */
export function milliseconds(length: number): Milliseconds {
  return Math.max(0, Math.ceil(length)) as Milliseconds; // branding, after the bounds were enforced
}

export const seconds = (length: number): Milliseconds => milliseconds(length * 1000);

export const later = (from: Instant, length: Milliseconds): Instant => instant(from + length);

export const earliest = (...instants: readonly (Instant | undefined)[]): Instant | undefined =>
  instants.reduce((first, next) => (first === undefined || (next !== undefined && next < first) ? next : first), undefined);

/** UTC in whole seconds, `2026-01-31T12:00:00Z`, as `metav1.Time` is written. */
export const rfc3339 = (at: Instant): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** Reads RFC 3339 with "Z" or an offset, fractions of a second included; undefined when it is none. */
export function parseRfc3339(text: string): Instant | undefined {
  if (!/^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const epoch = Date.parse(text.toUpperCase());
  return Number.isNaN(epoch) ? undefined : instant(epoch);
}

/**
 * Reads a length as Go writes it ("90s", "1h30m", "250ms"), units h, m, s, ms; undefined when it is none, is negative, or is over 100 years.
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): Milliseconds | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return text === "0" ? milliseconds(0) : undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  const length = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ""] ?? 0), 0);
  return length <= 100 * 365.25 * 86_400_000 ? milliseconds(length) : undefined;
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
