/** Randomness outside the core. Seeded in simulations. */
export interface Ids {
  /** An RFC 9562 version 4 UUID. */
  uid(): string;
  /** `length` characters of the alphabet Kubernetes uses for generated names (no vowels, no look-alikes). */
  suffix(length: number): string;
  /** A number in [0, 1), for jitter. */
  fraction(): number;
}
