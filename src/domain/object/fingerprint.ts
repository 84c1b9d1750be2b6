/**
 * A short name for a list of texts: 16 hex digits, equal for equal lists. FNV-1a in its 64-bit form (http://www.isthe.com/chongo/tech/comp/fnv/)
 * over UTF-16 units with a separator. Not for security: who can choose the texts can make two lists collide.
 */
export function fingerprint(texts: readonly string[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) hash = step(hash, text.charCodeAt(at));
    hash = step(hash, 0x1_0000);
  }
  return hash.toString(16).padStart(16, "0");
}

const step = (hash: bigint, unit: number): bigint => BigInt.asUintN(64, (hash ^ BigInt(unit)) * 0x100000001b3n);
