import { archiveContract } from "../../ports/archive.contract.ts";
import { systemClock } from "../system/system-clock.ts";
import { memoryStore } from "./memory-store.ts";

archiveContract("the memory store", (wiring) =>
  Promise.resolve({ ...memoryStore({ clock: systemClock, ...wiring }), clock: systemClock, passes: () => Promise.resolve() }),
);
