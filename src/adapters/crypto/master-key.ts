import { createHash, hkdfSync } from "node:crypto";

/** The one secret of an installation that is not in its database; everything sealed there hangs on it. */
export interface MasterKey {
  /** Names the key without giving it away: 16 hex digits of a hash. */
  readonly fingerprint: string;
  /** A key of 32 bytes for one purpose; different purposes have unrelated keys. */
  derive(purpose: string): Uint8Array;
}

/** Writes with `current`; reads with the old ones as well, so that a key can be replaced while everything runs. */
export interface MasterKeys {
  readonly current: MasterKey;
  readonly old: readonly MasterKey[];
}

export const MASTER_KEY_BYTES = 32;

/** A key from its 32 bytes. Derivation is HKDF-SHA-256 (RFC 5869). Throws RangeError for another length. */
export function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== MASTER_KEY_BYTES) throw new RangeError(`a master key has ${MASTER_KEY_BYTES} bytes, not ${bytes.length}`);
  const own = Uint8Array.from(bytes);
  return {
    fingerprint: createHash("sha256").update("slipway master key fingerprint\n").update(own).digest("hex").slice(0, 16),
    derive: (purpose) => new Uint8Array(hkdfSync("sha256", own, new Uint8Array(0), `slipway ${purpose}`, 32)),
  };
}
