import assert from "node:assert/strict";
import { test } from "node:test";
import { instant } from "../../domain/units.ts";
import { systemClock } from "./system-clock.ts";
import { systemIds } from "./system-ids.ts";

test("an instant in the past is waited for no longer", async () => {
  await systemClock.until(instant(0), new AbortController().signal);
});

test("a wait ends when its time has come", async () => {
  const at = instant(systemClock.now() + 20);
  await systemClock.until(at, new AbortController().signal);
  assert.ok(systemClock.now() >= at);
});

test("a cancelled wait rejects with the reason at once", async () => {
  const cancel = new AbortController();
  const waiting = systemClock.until(instant(systemClock.now() + 3_600_000), cancel.signal);
  cancel.abort(new Error("stop"));
  await assert.rejects(waiting, /stop/);
});

test("generated suffixes are names", () => {
  for (let round = 0; round < 100; round++) assert.match(systemIds.suffix(5), /^[a-z0-9]{5}$/);
});

test("fractions are in [0, 1)", () => {
  for (let round = 0; round < 100; round++) {
    const fraction = systemIds.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
  }
});
