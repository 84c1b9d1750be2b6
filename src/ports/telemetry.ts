import type { ObjectKey } from "../domain/object/api-object.ts";
import type { Instant } from "../domain/units.ts";

/** Takes note of each pass of a controller, for metrics and traces. Never throws and never waits. */
export interface Telemetry {
  passed(report: PassReport): void;
}

export interface PassReport {
  readonly controller: string;
  readonly key: ObjectKey;
  readonly outcome: PassOutcome;
  readonly started: Instant;
  readonly ended: Instant;
  /** When observing, acting and committing began, as far as the pass came. */
  readonly phases: readonly { readonly name: "observe" | "decide" | "record" | "act" | "conclude"; readonly from: Instant }[];
  readonly epoch: number;
  readonly attempts: number;
  readonly incident?: string;
}

/** `settled` nothing more to do until something changes, `waiting` a wake-up is stored, `retry`, `stalled`, `lookAgain` as failure.ts says, `fenced` another control plane has taken over. */
export type PassOutcome = "settled" | "waiting" | "retry" | "stalled" | "lookAgain" | "fenced";
