import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evenTurns, turnsAfter, turnsAhead } from "./turns.ts";
import type { Party, Turns } from "./turns.ts";

const party = (namespace: string): Party => ({ controller: "sync", namespace });

test("whoever was served comes after whoever was not", () => {
  const turns = turnsAfter(evenTurns, [party("flood")]);
  assert.equal(turnsAhead(turns, party("flood")), 1);
  assert.equal(turnsAhead(turns, party("quiet")), 0);
});

test("one that was away for long has no more right than one that was there", () => {
  let turns = evenTurns;
  for (let round = 0; round < 100; round++) turns = turnsAfter(turns, [party("busy")]);
  turns = turnsAfter(turns, [party("back")]);
  assert.ok(turnsAhead(turns, party("busy")) <= 1);
  assert.ok(turnsAhead(turns, party("back")) <= 1);
});

/** Serves one at a time the party that is least ahead, as a queue does. */
function serve(turns: Turns, waiting: readonly string[]): string {
  const [first] = [...waiting].sort((a, b) => turnsAhead(turns, party(a)) - turnsAhead(turns, party(b)));
  return first ?? "";
}

test("those who always wait are served equally often, whoever else comes and goes", () => {
  const guests = fc.array(fc.subarray(["c", "d"]), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(guests, (rounds) => {
      let turns = evenTurns;
      const served = { a: 0, b: 0 };
      for (const guest of rounds) {
        const next = serve(turns, ["a", "b", ...guest]);
        if (next === "a" || next === "b") served[next]++;
        turns = turnsAfter(turns, [party(next)]);
        assert.ok(Math.abs(served.a - served.b) <= 1);
      }
      assert.ok(served.a + served.b >= Math.floor(rounds.length / 2) - 2);
    }),
  );
});

test("parties that are not ahead take no room", () => {
  let turns = evenTurns;
  for (let number = 0; number < 1000; number++) turns = turnsAfter(turns, [party(`n${number}`), party(`n${number}`)]);
  assert.ok(turns.finished.size < 1001);
  turns = turnsAfter(
    turns,
    Array.from({ length: 10 }, () => party("one")),
  );
  assert.equal(turns.finished.size, 1);
});
