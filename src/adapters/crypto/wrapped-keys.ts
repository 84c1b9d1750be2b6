import type { KeyStore } from "../../ports/key-store.ts";
import { seal, unseal } from "./envelope.ts";
import type { MasterKeys } from "./master-key.ts";

const PURPOSE = "keys";

/** A key store whose contents are sealed with the master key, each bound to its name: the store below never sees a key in clear. */
export function wrappedKeys(store: KeyStore, keys: MasterKeys): KeyStore {
  const open = (name: string, kept: Uint8Array): Uint8Array => unseal(keys, PURPOSE, kept, name, `the key "${name}"`);
  return {
    async read(name) {
      const kept = await store.read(name);
      return kept === undefined ? undefined : open(name, kept);
    },
    async putIfAbsent(name, value) {
      return open(name, await store.putIfAbsent(name, seal(keys, PURPOSE, value, name)));
    },
  };
}
