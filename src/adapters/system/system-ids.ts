import { randomInt, randomUUID } from "node:crypto";
import type { Ids } from "../../ports/ids.ts";

/** The alphabet of generated names in Kubernetes: k8s.io/apimachinery/pkg/util/rand. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

export const systemIds: Ids = {
  uid: () => randomUUID(),
  suffix: (length) => Array.from({ length }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join(""),
  // 48 bits are what one call gives, and more than jitter needs.
  fraction: () => randomInt(2 ** 48 - 1) / 2 ** 48,
};
