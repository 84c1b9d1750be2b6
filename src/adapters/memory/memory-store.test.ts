import { instant, later, milliseconds } from "../../domain/units.ts";
import type { Instant } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { keyStoreContract } from "../../ports/key-store.contract.ts";
import { recordsContract } from "../../ports/records.contract.ts";
import { upkeepContract } from "../../ports/upkeep.contract.ts";
import { workContract } from "../../ports/work.contract.ts";
import { resourcesContract } from "../../ports/resources.contract.ts";
import type { OpenStore } from "../../ports/store.contract.ts";
import { memoryStore } from "./memory-store.ts";

/** A clock that moves only when it is told to. */
function handClock(): Clock & { advance(length: number): void } {
  let now = instant(1_700_000_000_000);
  const waiting = new Set<{ readonly at: Instant; readonly go: () => void }>();
  return {
    now: () => now,
    until: (at, signal) =>
      new Promise((resolve, reject) => {
        if (at <= now) {
          resolve();
          return;
        }
        waiting.add({ at, go: resolve });
        signal.addEventListener("abort", () => {
          reject(signal.reason instanceof Error ? signal.reason : new Error("cancelled"));
        });
      }),
    advance: (length) => {
      now = later(now, milliseconds(length));
      for (const one of waiting) if (one.at <= now && waiting.delete(one)) one.go();
    },
  };
}

const open: OpenStore = (wiring) => {
  const clock = handClock();
  const passes = (length: number) => {
    clock.advance(length);
    return Promise.resolve();
  };
  return Promise.resolve({ ...memoryStore({ clock, ...wiring }), clock, passes });
};

for (const contract of [resourcesContract, workContract, recordsContract, upkeepContract, keyStoreContract])
  contract("the memory store", open);
