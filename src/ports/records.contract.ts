import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { milliseconds } from "../domain/units.ts";
import type { NewRecord } from "./records.ts";
import { contractDerivations, create, key } from "./store.contract.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Every promise of ports/records.ts, and of dropRecords in ports/upkeep.ts, for one adapter. */
export function recordsContract(adapter: string, open: OpenStore): void {
  describe(`Records of ${adapter}`, () => {
    let store: StoreUnderTest;
    before(async () => {
      store = await open({ derivations: contractDerivations });
    });
    after(() => store.close());

    const record = (name: string, more: Partial<NewRecord> = {}): NewRecord => ({
      type: "audit",
      about: key("things", "space", name),
      actor: "jane",
      reason: "Changed",
      message: `jane changed ${name}`,
      details: { zebra: "\u0000", apple: [1, null] },
      retention: "short",
      ...more,
    });
    const write = (...records: readonly NewRecord[]) => store.resources.commit({ writes: [], records });
    const names = async (query: Partial<Parameters<StoreUnderTest["records"]["query"]>[0]>) =>
      (await store.records.query({ limit: 100, ...query })).map((found) => found.about.name);

    test("a record comes back as it was written, with its place and time", async () => {
      const written = record("whole", { uid: "u-1", actor: "whole" });
      const before_ = store.clock.now();
      await write(written);
      const [found] = await store.records.query({ actor: "whole", limit: 1 });
      assert.ok(found);
      const { position, at, ...rest } = found;
      assert.deepEqual(rest, written);
      assert.ok(position > 0);
      assert.ok(Math.abs(at - before_) < 60_000);
    });

    test("records are found newest first, by what they are about, who did it, of what type, and when", async () => {
      await write(record("a", { actor: "kim" }), record("b", { actor: "kim", type: "timeline" }));
      await store.passes(5);
      const since = store.clock.now();
      await store.passes(5);
      await write(record("c", { actor: "kim", about: key("things", "other", "c") }));
      assert.deepEqual(await names({ actor: "kim" }), ["c", "b", "a"]);
      assert.deepEqual(await names({ actor: "kim", type: "timeline" }), ["b"]);
      assert.deepEqual(await names({ actor: "kim", about: { namespace: "space" } }), ["b", "a"]);
      assert.deepEqual(await names({ about: key("things", "space", "a"), actor: "kim" }), ["a"]);
      assert.deepEqual(await names({ actor: "kim", since }), ["c"]);
      assert.deepEqual(await names({ actor: "a\u0000b" }), []);
      assert.deepEqual(await names({ about: { name: "a\u0000b" } }), []);
    });

    test("pages follow one another by position, and positions are the order of commits", async () => {
      for (let index = 0; index < 7; index++) await write(record(`p${index}`, { actor: "pages" }));
      const seen: string[] = [];
      for (let before_: number | undefined; ;) {
        const page = await store.records.query({ actor: "pages", limit: 3, ...(before_ === undefined ? {} : { before: before_ }) });
        seen.push(...page.map((found) => found.about.name));
        before_ = page.at(-1)?.position;
        if (before_ === undefined) break;
      }
      assert.deepEqual(seen, ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]);
    });

    test("text that cannot be stored is kept as near as can be", async () => {
      await write(record("hostile", { actor: "x\u0000\ud800", message: "m\u0000", reason: "R" }));
      const [found] = await store.records.query({ about: { name: "hostile" }, limit: 1 });
      assert.equal(found?.actor, "x\ufffd\ufffd");
      assert.deepEqual(await names({ actor: "x\u0000\ud800" }), ["hostile"]);
    });

    test("a record of a refused transaction is not written", async () => {
      const stored = await create(store.resources, key("things", "space", "taken"));
      await assert.rejects(
        store.resources.commit({ writes: [{ verb: "create", key: stored.key, object: stored.object }], records: [record("refused")] }),
      );
      assert.deepEqual(await names({ about: { name: "refused" } }), []);
    });

    test("dropping removes what is past its class and nothing else", async () => {
      await write(record("short", { actor: "drops" }), record("long", { actor: "drops", retention: "long" }));
      const never = milliseconds(3_600_000);
      assert.deepEqual(await store.upkeep.dropRecords({ short: never, long: never }), { removed: 0, more: false });
      await store.passes(20);
      const { removed, more } = await store.upkeep.dropRecords({ short: milliseconds(10), long: never });
      assert.ok(removed >= 1);
      assert.equal(more, false);
      assert.deepEqual(await names({ actor: "drops" }), ["long"]);
      await write(record("next", { actor: "drops" }));
      assert.deepEqual(await names({ actor: "drops" }), ["next", "long"]);
    });
  });
}
