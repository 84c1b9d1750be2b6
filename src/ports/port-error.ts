/**
 * What is known about a call to the outside that failed:
 * `notDone` it had no effect, trying again with backoff is right; `refused` trying the same again is useless until somebody changes something;
 * `unknown` it may have had its effect: observe before anything else.
 */
export type PortOutcome = "notDone" | "refused" | "unknown";

/** A failed call to the outside. The message says what, where and what to do next, and holds no secret. */
export class PortError extends Error {
  override readonly name = "PortError";
  readonly outcome: PortOutcome;
  /** A CamelCase word a program can match, for conditions and events. */
  readonly reason: string;

  constructor(outcome: PortOutcome, message: string, options: { readonly cause?: unknown; readonly reason?: string } = {}) {
    super(message, { cause: options.cause });
    this.outcome = outcome;
    this.reason = options.reason ?? (outcome === "refused" ? "Refused" : "Unavailable");
  }
}
