import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ObjectKey } from "../domain/object/api-object.ts";
import { instant, later, milliseconds } from "../domain/units.ts";
import { ResourceError } from "./resources.ts";
import { contractDerivations, create, key, leaseTime, only, update, widget } from "./store.contract.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";
import type { Lease } from "./work.ts";

/** Every promise of ports/work.ts, and of guard, finish and wakes in ports/resources.ts, for one adapter. */
export function workContract(adapter: string, open: OpenStore): void {
  describe(`WorkQueue of ${adapter}`, () => {
    let store: StoreUnderTest;
    before(async () => {
      store = await open({ derivations: contractDerivations });
    });
    after(() => store.close());
    const suite = { store: () => store, open };
    claims(suite);
    leases(suite);
    wakeUps(suite);
    fencing(suite);
    derivedWakes(suite);
    waiting(suite);
  });
}

interface Suite {
  readonly store: () => StoreUnderTest;
  readonly open: OpenStore;
}

let controllers = 0;
/** A controller that no other test uses, with helpers that name it. */
function controllerOf(store: StoreUnderTest) {
  const controller = `controller-${++controllers}`;
  return {
    controller,
    at: (name: string, namespace = "space"): ObjectKey => key("things", namespace, name),
    wake: (name: string, namespace?: string) => store.work.wake([{ controller, key: key("things", namespace ?? "space", name) }]),
    claim: (limit = 10, owner = "me", leaseFor = leaseTime) => store.work.claim(owner, [controller], limit, leaseFor),
  };
}

const namesOf = (claimed: readonly Lease[]): readonly string[] => claimed.map((lease) => lease.key.name);

const isFenced = (error: unknown): boolean => error instanceof ResourceError && error.reason === "fenced";

function claims({ store }: Suite): void {
  test("what was woken is claimed once, with owner, key and no failures", async () => {
    const { controller, at, wake, claim } = controllerOf(store());
    await wake("one");
    const lease = only(await claim());
    assert.deepEqual({ ...lease, epoch: 0, at: 0 }, { controller, key: at("one"), owner: "me", epoch: 0, attempts: 0, at: 0 });
    assert.deepEqual(await claim(), []);
    assert.deepEqual(await claim(10, "you"), []);
  });

  test("waking the same key again and again is one piece of work", async () => {
    const { wake, claim } = controllerOf(store());
    await Promise.all(Array.from({ length: 10 }, () => wake("one")));
    assert.equal((await claim()).length, 1);
  });

  test("no more than the limit, the oldest first, and only of the controllers asked for", async () => {
    const { wake, claim } = controllerOf(store());
    for (const name of ["c", "a", "b"]) {
      await wake(name);
      await store().passes(2);
    }
    assert.deepEqual(await store().work.claim("me", ["nobody"], 10, leaseTime), []);
    assert.deepEqual(await store().work.claim("me", [], 10, leaseTime), []);
    assert.deepEqual(await claim(0), []);
    assert.deepEqual(namesOf(await claim(2)), ["c", "a"]);
    assert.deepEqual(namesOf(await claim(2)), ["b"]);
  });

  test("one claim shares its places between namespaces", async () => {
    const { wake, claim } = controllerOf(store());
    for (let index = 0; index < 20; index++) await wake(`flood-${index}`, "flood");
    await store().passes(2);
    await wake("lonely", "quiet");
    await wake("another", "third");
    assert.deepEqual(new Set((await claim(4)).map((lease) => lease.key.namespace)), new Set(["flood", "quiet", "third"]));
  });

  test("claims of one at a time take turns between namespaces, too", async () => {
    const { wake, claim } = controllerOf(store());
    for (let index = 0; index < 20; index++) await wake(`flood-${index}`, "flood");
    await store().passes(2);
    await wake("lonely", "quiet");
    const first = [...(await claim(1)), ...(await claim(1))];
    assert.deepEqual(first.map((lease) => lease.key.namespace).sort(), ["flood", "quiet"]);
  });

  test("controllers take turns", async () => {
    const flood = controllerOf(store());
    const quiet = controllerOf(store());
    for (let index = 0; index < 20; index++) await flood.wake(`flood-${index}`);
    await store().passes(2);
    await quiet.wake("lonely");
    const claimed = await store().work.claim("me", [flood.controller, quiet.controller], 2, leaseTime);
    assert.deepEqual(claimed.map((lease) => lease.controller).sort(), [flood.controller, quiet.controller].sort());
  });

  test("many that claim at once never get the same row, and miss none", async () => {
    const { wake, claim } = controllerOf(store());
    await Promise.all(Array.from({ length: 60 }, (_, index) => wake(`n${index}`, `space-${index % 7}`)));
    const claimed: Lease[] = [];
    const worker = async (owner: string) => {
      for (let got = await claim(3, owner); got.length > 0; got = await claim(3, owner)) claimed.push(...got);
    };
    await Promise.all(["a", "b", "c", "d", "e"].map(worker));
    // A row that another worker held locked for a moment is there for the next claim.
    for (let rest = await claim(); rest.length > 0; rest = await claim()) claimed.push(...rest);
    assert.equal(claimed.length, 60);
    assert.equal(new Set(namesOf(claimed)).size, 60);
  });
}

function leases({ store }: Suite): void {
  test("a lease that ran out is given to the next who asks, with a higher epoch", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    const first = only(await claim(1, "crashed", milliseconds(30)));
    assert.deepEqual(await claim(1, "heir"), []);
    await store().passes(40);
    const second = only(await claim(1, "heir"));
    assert.equal(second.owner, "heir");
    assert.ok(second.epoch > first.epoch);
  });

  test("a renewed lease lives on; a lost one is not renewed", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("kept");
    await wake("lost");
    const [kept, lost] = [...(await claim(10, "me", milliseconds(400)))].sort((a, b) => a.key.name.localeCompare(b.key.name));
    assert.ok(kept && lost);
    assert.deepEqual(namesOf(await store().work.renew([kept], leaseTime)), ["kept"]);
    await store().passes(420);
    assert.deepEqual(await store().work.renew([kept, lost], leaseTime), [kept]);
    assert.deepEqual(namesOf(await claim(10, "heir")), ["lost"]);
    assert.deepEqual(await store().work.renew([lost], leaseTime), []);
  });

  test("failures in a row are counted, and forgotten after a success", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    const now = () => store().clock.now();
    const first = only(await claim());
    await store().work.release(first, { wakeAt: now(), failed: true });
    const second = only(await claim());
    assert.equal(second.attempts, 1);
    await store().work.release(second, { wakeAt: now(), failed: true });
    const third = only(await claim());
    assert.equal(third.attempts, 2);
    await store().work.release(third, { wakeAt: now(), failed: false });
    assert.equal(only(await claim()).attempts, 0);
  });

  test("the epoch of a key grows for ever, also after its work was done", async () => {
    const { wake, claim } = controllerOf(store());
    let last = 0;
    for (let round = 0; round < 3; round++) {
      await wake("one");
      const lease = only(await claim());
      assert.ok(lease.epoch > last);
      last = lease.epoch;
      await store().work.release(lease, { failed: false });
    }
  });

  test("releasing a lost lease leaves the new owner's alone", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    const lost = only(await claim(1, "slow", milliseconds(20)));
    await store().passes(30);
    const held = only(await claim(1, "heir"));
    await store().work.release(lost, { wakeAt: instant(0), failed: true });
    assert.deepEqual(await claim(1, "third"), []);
    assert.deepEqual(await store().work.renew([held], leaseTime), [held]);
  });
}

function wakeUps({ store }: Suite): void {
  test("a key that is woken during its pass is due again when the pass ends", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    const lease = only(await claim());
    await wake("one");
    assert.deepEqual(await claim(), []);
    await store().work.release(lease, { failed: false });
    assert.deepEqual(namesOf(await claim()), ["one"]);
  });

  test("a key that was not woken is not due after its pass", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    await store().work.release(only(await claim()), { failed: false });
    assert.deepEqual(await claim(), []);
  });

  test("a stored wake-up comes at its time, not before", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    await store().work.release(only(await claim()), { wakeAt: later(store().clock.now(), milliseconds(400)), failed: false });
    assert.deepEqual(await claim(), []);
    await store().passes(420);
    assert.deepEqual(namesOf(await claim()), ["one"]);
  });

  test("the earlier of two wake-ups counts, whichever came first", async () => {
    const { controller, at, claim } = controllerOf(store());
    const soon = store().clock.now();
    const late = later(soon, milliseconds(3_600_000));
    await store().work.wake([
      { controller, key: at("a"), at: late },
      { controller, key: at("b"), at: soon },
    ]);
    assert.deepEqual(namesOf(await claim()), ["b"]);
    await store().work.wake([{ controller, key: at("a"), at: soon }]);
    await store().work.wake([{ controller, key: at("a"), at: late }]);
    assert.deepEqual(namesOf(await claim()), ["a"]);
  });

  test("a wake-up for later that comes during a pass outlives its end and its crash", async () => {
    const { controller, at, wake, claim } = controllerOf(store());
    await wake("one");
    const lease = only(await claim(1, "me", milliseconds(50)));
    await store().work.wake([{ controller, key: at("one"), at: later(store().clock.now(), milliseconds(600)) }]);
    await store().passes(60);
    assert.ok(only(await claim(1, "heir")).epoch > lease.epoch);
    await store().work.release(only(await store().work.renew([{ ...lease, owner: "heir", epoch: lease.epoch + 1 }], leaseTime)), {
      failed: false,
    });
    assert.deepEqual(await claim(), []);
    await store().passes(620);
    assert.deepEqual(namesOf(await claim()), ["one"]);
  });
}

function fencing({ store }: Suite): void {
  const write = (at: ObjectKey) => ({ verb: "create", key: at, object: widget(at) }) as const;

  test("a commit under a lease that is held writes and ends the pass", async () => {
    const { at, wake, claim } = controllerOf(store());
    await wake("one");
    const guard = only(await claim());
    await store().resources.commit({ writes: [write(at("one", "guarded"))], guard, finish: {} });
    assert.notEqual(await store().resources.get(at("one", "guarded")), undefined);
    assert.deepEqual(await claim(), []);
    assert.deepEqual(await store().work.renew([guard], leaseTime), []);
  });

  test("a commit under a lease that ran out, was taken over or is finished is fenced and writes nothing", async () => {
    const { at, wake, claim } = controllerOf(store());
    const fails = (guard: Lease) =>
      assert.rejects(store().resources.commit({ writes: [write(at("two", "guarded"))], guard, finish: {} }), isFenced);
    await wake("two");
    const first = only(await claim(1, "slow", milliseconds(20)));
    await store().passes(30);
    await fails(first);
    const second = only(await claim(1, "heir"));
    await fails(first);
    await fails({ ...second, owner: "thief" });
    await fails({ ...second, epoch: second.epoch + 1 });
    await store().resources.commit({ writes: [], guard: second, finish: {} });
    await fails(second);
    assert.equal(await store().resources.get(at("two", "guarded")), undefined);
  });

  test("a commit without finish leaves the pass going", async () => {
    const { at, wake, claim } = controllerOf(store());
    await wake("three");
    const guard = only(await claim());
    await store().resources.commit({ writes: [write(at("three", "guarded"))], guard });
    assert.deepEqual(await store().work.renew([guard], leaseTime), [guard]);
  });

  test("a transaction that is refused does not end its pass", async () => {
    const { at, wake, claim } = controllerOf(store());
    await wake("four");
    const guard = only(await claim());
    await store().resources.commit({ writes: [write(at("four", "guarded"))] });
    await assert.rejects(store().resources.commit({ writes: [write(at("four", "guarded"))], guard, finish: {} }), ResourceError);
    assert.deepEqual(await store().work.renew([guard], leaseTime), [guard]);
  });

  test("finish stores the next wake-up; a key woken meanwhile is due at once all the same", async () => {
    const { wake, claim } = controllerOf(store());
    const finish = { wakeAt: later(store().clock.now(), milliseconds(3_600_000)) };
    for (const name of ["quiet", "woken"]) await wake(name);
    const held = await claim();
    await wake("woken");
    for (const guard of held) await store().resources.commit({ writes: [], guard, finish });
    assert.deepEqual(namesOf(await claim()), ["woken"]);
  });

  test("finish forgets failures", async () => {
    const { wake, claim } = controllerOf(store());
    await wake("one");
    await store().work.release(only(await claim()), { wakeAt: store().clock.now(), failed: true });
    const guard = only(await claim());
    assert.equal(guard.attempts, 1);
    await store().resources.commit({ writes: [], guard, finish: { wakeAt: store().clock.now() } });
    assert.equal(only(await claim()).attempts, 0);
  });

  test("a pass that is finished as failed raises the attempts of the next one, and a good one ends the row of failures", async () => {
    const { at, wake, claim } = controllerOf(store());
    await wake("tried");
    const attempts: number[] = [];
    for (const failed of [true, true, false, true]) {
      const guard = only(await claim());
      assert.deepEqual(guard.key, at("tried"));
      attempts.push(guard.attempts);
      await store().resources.commit({ writes: [], guard, finish: { wakeAt: store().clock.now(), failed } });
    }
    assert.deepEqual(attempts, [0, 1, 2, 0]);
  });

  test("finish without a guard is invalid", () => assert.rejects(store().resources.commit({ writes: [], finish: {} }), /lease/));

  test("of many commits under one lease that each finish it, one goes through", async () => {
    const { at, wake, claim } = controllerOf(store());
    await wake("one");
    const guard = only(await claim());
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, index) =>
        store().resources.commit({ writes: [write(at(`many-${index}`, "guarded"))], guard, finish: {} }),
      ),
    );
    assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
    for (const result of results) if (result.status === "rejected") assert.ok(isFenced(result.reason));
  });
}

function derivedWakes({ store }: Suite): void {
  const claimNames = async (controller: string) => namesOf(await store().work.claim("me", [controller], 100, leaseTime));

  test("a write makes due what depends on it, in the same transaction; a refused one does not", async () => {
    const stored = await create(store().resources, key("watched", "derived", "one"), { size: 1 });
    assert.deepEqual(await claimNames("widget"), ["one"]);
    const both = [
      { verb: "create", key: key("watched", "derived", "two"), object: widget(key("watched", "derived", "two")) },
      { verb: "create", key: stored.key, object: stored.object },
    ] as const;
    await assert.rejects(store().resources.commit({ writes: both }), ResourceError);
    assert.deepEqual(await claimNames("widget"), []);
  });

  test("whoever is linked to a thing is woken when it changes, as the links stand after the write", async () => {
    const repository = await create(store().resources, key("linked", "derived", "repository"), { tells: "git/x" });
    await create(store().resources, key("linked", "derived", "a"), { links: ["git/x", "git/y"] });
    await create(store().resources, key("linked", "elsewhere", "b"), { links: ["git/x"] });
    await create(store().resources, key("linked", "derived", "c"), { links: ["git/y"] });
    await create(store().resources, key("others", "derived", "d"), { links: ["git/x"] });
    assert.deepEqual(await claimNames("linked"), []);
    await update(store().resources, repository, { tells: "git/x", size: 2 });
    assert.deepEqual([...(await claimNames("linked"))].sort(), ["a", "b"]);
  });

  test("a transaction wakes what it names, now or later", async () => {
    const { controller, at, claim } = controllerOf(store());
    const wakes = [
      { controller, key: at("now") },
      { controller, key: at("later"), at: later(store().clock.now(), milliseconds(3_600_000)) },
    ];
    await store().resources.commit({ writes: [], wakes });
    assert.deepEqual(namesOf(await claim()), ["now"]);
  });
}

function waiting({ store }: Suite): void {
  const long = milliseconds(3_600_000);
  const never = new AbortController().signal;

  test("due resolves at once when something is due, and after a wake-up when nothing is", async () => {
    const { controller, at, wake, claim } = controllerOf(store());
    const waits = store().work.due([controller], long, never);
    await wake("one");
    await waits;
    await store().work.due([controller], long, never);
    const lease = only(await claim());
    const during = store().work.due([controller], long, never);
    await wake("one");
    await store().work.release(lease, { failed: false });
    await during;
    const guard = only(await claim());
    const next = store().work.due([controller], long, never);
    await store().resources.commit({ writes: [], wakes: [{ controller, key: at("two") }], guard, finish: {} });
    await next;
  });

  test("due resolves at a stored wake-up, and at the latest after its limit", async () => {
    const { controller, at, claim } = controllerOf(store());
    const limited = store().work.due([controller], milliseconds(30), never);
    await store().passes(40);
    await limited;
    await store().work.wake([{ controller, key: at("one"), at: later(store().clock.now(), milliseconds(60)) }]);
    const waits = store().work.due([controller], long, never);
    await store().passes(80);
    await waits;
    assert.equal((await claim()).length, 1);
  });

  test("due resolves when a lease runs out", async () => {
    const { controller, wake, claim } = controllerOf(store());
    await wake("one");
    await claim(1, "crashed", milliseconds(60));
    const waits = store().work.due([controller], long, never);
    await store().passes(80);
    await waits;
    assert.equal((await claim()).length, 1);
  });

  test("due resolves when it is cancelled", async () => {
    const { controller } = controllerOf(store());
    await store().work.due([controller], long, AbortSignal.abort());
    const cancel = new AbortController();
    const waits = store().work.due([controller], long, cancel.signal);
    setImmediate(() => {
      cancel.abort();
    });
    await waits;
  });
}
