import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { contractDerivations } from "./store.contract.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Every promise of ports/key-store.ts, for one adapter. */
export function keyStoreContract(adapter: string, open: OpenStore): void {
  describe(`KeyStore of ${adapter}`, () => {
    let store: StoreUnderTest;
    before(async () => {
      store = await open({ derivations: contractDerivations });
    });
    after(() => store.close());

    test("a name that is not taken is undefined, also one that cannot be stored", async () => {
      assert.equal(await store.keys.read("nobody"), undefined);
      assert.equal(await store.keys.read("a\u0000b"), undefined);
    });

    test("a key comes back byte by byte", async () => {
      const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      assert.deepEqual(await store.keys.putIfAbsent("bytes", value), value);
      assert.deepEqual(await store.keys.read("bytes"), value);
      assert.deepEqual(await store.keys.putIfAbsent("empty", new Uint8Array()), new Uint8Array());
    });

    test("of several that start at once all get the same key", async () => {
      const got = await Promise.all([1, 2, 3, 4, 5].map((byte) => store.keys.putIfAbsent("ca", Uint8Array.of(byte))));
      for (const value of got) assert.deepEqual(value, got[0]);
      assert.deepEqual(await store.keys.read("ca"), got[0]);
    });

    test("a kept key is not changed by writing into what was put or read", async () => {
      const value = Uint8Array.of(1, 2, 3);
      const read = await store.keys.putIfAbsent("mine", value);
      value[0] = 9;
      read[1] = 9;
      assert.deepEqual(await store.keys.read("mine"), Uint8Array.of(1, 2, 3));
    });
  });
}
