import type { KeyStore } from "../../ports/key-store.ts";

/** Hands out copies, so that nobody changes a kept key by writing into what was read. */
export function memoryKeys(kept = new Map<string, Uint8Array>()): KeyStore {
  return {
    read: (name) => Promise.resolve(kept.get(name)?.slice()),
    putIfAbsent: (name, value) => {
      const now = kept.get(name) ?? value.slice();
      kept.set(name, now);
      return Promise.resolve(now.slice());
    },
  };
}
