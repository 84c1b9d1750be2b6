import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { PortError } from "../../ports/port-error.ts";
import type { MasterKey, MasterKeys } from "./master-key.ts";

/**
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: safe for 2^32 sealings with one key.
 * Form: 0x01, the fingerprint of the master key (8 bytes), nonce (12), tag (16), cipher text.
 */
const VERSION = 1;
const HEADER = 1 + 8;
const NONCE = 12;
const TAG = 16;

/** Seals bytes for one purpose, bound to `context`: opened with another context they are as good as altered. */
export function seal(keys: MasterKeys, purpose: string, plain: Uint8Array, context: string): Uint8Array {
  const { current } = keys;
  const header = Buffer.concat([Uint8Array.of(VERSION), Buffer.from(current.fingerprint, "hex")]);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", current.derive(purpose), nonce);
  cipher.setAAD(additional(header, context));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([header, nonce, cipher.getAuthTag(), text]);
}

/** Opens what `seal` made, with the current key or an old one. `what` names it for the message. Throws PortError `refused`. */
export function unseal(keys: MasterKeys, purpose: string, sealed: Uint8Array, context: string, what: string): Uint8Array {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < HEADER + NONCE + TAG || bytes[0] !== VERSION)
    throw refusal(
      `${what} is not sealed in a form this version of Slipway reads; restore it from a backup, or use the version that wrote it`,
    );
  const key = keyOf(keys, bytes.subarray(1, HEADER).toString("hex"), what);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key.derive(purpose), bytes.subarray(HEADER, HEADER + NONCE), { authTagLength: TAG });
    decipher.setAAD(additional(bytes.subarray(0, HEADER), context));
    decipher.setAuthTag(bytes.subarray(HEADER + NONCE, HEADER + NONCE + TAG));
    return Buffer.concat([decipher.update(bytes.subarray(HEADER + NONCE + TAG)), decipher.final()]);
  } catch (cause) {
    throw refusal(
      `${what} was altered in the store, or moved there from elsewhere (its master key ${key.fingerprint} is the right one); restore it from a backup or write it anew`,
      cause,
    );
  }
}

function keyOf(keys: MasterKeys, fingerprint: string, what: string): MasterKey {
  const known = [keys.current, ...keys.old];
  const found = known.find((key) => key.fingerprint === fingerprint);
  if (found !== undefined) return found;
  throw refusal(
    `${what} was sealed with the master key ${fingerprint}, and this server has ${known.map((key) => key.fingerprint).join(", ")}; start it with that key, or give that one as an old key beside the new one`,
  );
}

const additional = (header: Uint8Array, context: string): Uint8Array => Buffer.concat([header, Buffer.from(context, "utf8")]);

const refusal = (message: string, cause?: unknown): PortError => new PortError("refused", message, { cause, reason: "Sealed" });
