import { type Instant, later, milliseconds } from "../domain/units.ts";
import { ApiRefusal } from "../ports/kubernetes-api.ts";
import { PortError } from "../ports/port-error.ts";
import { ResourceError } from "../ports/resources.ts";

/**
 * What an error means for the pass that met it. The only place where errors are judged.
 * `retry`: nothing happened, try again at `again`. `stalled`: useless until somebody changes something; looked at again at `again` all the same.
 * `lookAgain`: the state is not what was decided on, or an effect is unknown: observe anew. `fenced`: another control plane has this work.
 */
export interface Failure {
  readonly kind: "retry" | "stalled" | "lookAgain" | "fenced";
  /** CamelCase, for conditions and events. */
  readonly reason: string;
  /** What, where and what to do next. */
  readonly message: string;
  readonly again: Instant;
  /** Present when it is our own fault: the log line with the same id has the stack. */
  readonly incident?: string;
}

export interface FailureContext {
  readonly now: Instant;
  /** Failed passes in a row before this one. */
  readonly attempts: number;
  /** In [0, 1): spreads those who failed together. */
  readonly jitter: number;
  /** Names a new incident. Called only for a bug. */
  readonly incident: () => string;
}

export function failureOf(error: unknown, context: FailureContext): Failure {
  if (error instanceof ResourceError) return ofResource(error, context);
  if (error instanceof PortError) return ofPort(error, context);
  if (error instanceof ApiRefusal) return ofRefusal(error, context);
  const incident = context.incident();
  const message = `internal error, incident ${incident}; the server's log has the details under this id. It is tried again by itself.`;
  return { kind: "retry", reason: "InternalError", message, again: backoff(context, 5 * MINUTE), incident };
}

function ofResource(error: ResourceError, context: FailureContext): Failure {
  const said = { reason: capitalised(error.reason), message: error.message };
  switch (error.reason) {
    case "fenced":
      return { kind: "fenced", ...said, again: context.now };
    case "conflict":
    case "notFound":
    case "alreadyExists":
    case "expired":
      return { kind: "lookAgain", ...said, again: backoff(context, SECOND) };
    case "tooLarge":
    case "invalid":
    case "forbidden":
    case "namespaceTerminating":
      return { kind: "stalled", ...said, again: backoff(context, 10 * MINUTE) };
  }
}

function ofPort(error: PortError, context: FailureContext): Failure {
  const said = { reason: error.reason, message: error.message };
  switch (error.outcome) {
    case "notDone":
      return { kind: "retry", ...said, again: backoff(context, 5 * MINUTE) };
    case "unknown":
      return { kind: "lookAgain", ...said, again: backoff(context, 30 * SECOND) };
    case "refused":
      return { kind: "stalled", ...said, again: backoff(context, 10 * MINUTE) };
  }
}

/** An API's own words for not now (429, 5xx), not so any more (404, 409, 410), and no. */
function ofRefusal(error: ApiRefusal, context: FailureContext): Failure {
  const said = { reason: error.reason === "" ? "Refused" : error.reason, message: error.message };
  if (error.code === 429 || error.code >= 500) return { kind: "retry", ...said, again: backoff(context, 5 * MINUTE) };
  if (error.code === 404 || error.code === 409 || error.code === 410)
    return { kind: "lookAgain", ...said, again: backoff(context, 30 * SECOND) };
  return { kind: "stalled", ...said, again: backoff(context, 10 * MINUTE) };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const FIRST_WAIT = 100;

/** 100 ms, 200 ms, 400 ms … up to `longest`, each between half and the whole of that, so that those who failed together do not come back together. */
function backoff({ now, attempts, jitter }: FailureContext, longest: number): Instant {
  const whole = Math.min(longest, FIRST_WAIT * 2 ** Math.min(attempts, 30));
  return later(now, milliseconds(whole * (0.5 + jitter / 2)));
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
