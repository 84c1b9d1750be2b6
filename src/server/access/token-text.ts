import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A bearer token as it is sent: `slp_<id>_<secret>`, where id is the name of its AccessToken. */
interface TokenText {
  readonly id: string;
  readonly secret: string;
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// 62^43 > 2^256
const SECRET_LENGTH = 43;
const FORM = /^slp_([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)_([0-9A-Za-z]{43})$/;

export const tokenText = ({ id, secret }: TokenText): string => `slp_${id}_${secret}`;

export function parseToken(text: string): TokenText | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** 256 random bits in base62. */
export function newSecret(random: (size: number) => Uint8Array = randomBytes): string {
  let rest = BigInt(`0x${Buffer.from(random(32)).toString("hex")}`);
  let text = "";
  for (let digit = 0; digit < SECRET_LENGTH; digit += 1) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

/** What is stored of a secret: SHA-256 in lower-case hex. It has 256 bits, so a slow password hash would protect nothing more. */
export const secretHash = (secret: string): string => createHash("sha256").update(secret, "utf8").digest("hex");

/** Takes the same time whatever differs. */
export function isSecretOf(hash: string, secret: string): boolean {
  const stored = Buffer.from(hash, "hex");
  const given = Buffer.from(secretHash(secret), "hex");
  return stored.length === given.length && timingSafeEqual(stored, given);
}
