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
