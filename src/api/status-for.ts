import { statusOf, type ApiError, type FailureStatus } from "./status.ts";

/** What an error carries that a port threw; read with care, since it is known by its name only. */
interface Thrown {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly outcome?: unknown;
  readonly key?: unknown;
  readonly problem?: unknown;
}

/**
 * The answer to a request that ended in an error: ApiFailure, ResourceError, PortError and SelectorError by their names and fields;
 * anything else is a bug, told by `incident` only. The caller logs the error under that id.
 */
export const statusFor = (error: unknown, incident: string): FailureStatus => statusOf(problemIn(error) ?? { error: "internal", incident });

/** The entry of the error table an error stands for; undefined for a bug. */
export function problemIn(error: unknown): ApiError | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const thrown: Thrown = error;
  const message = typeof thrown.message === "string" ? thrown.message : "";
  switch (thrown.name) {
    case "ApiFailure":
      return thrown.problem as ApiError; // ApiFailure takes nothing else
    case "ResourceError":
      return resourceProblem(thrown, message);
    case "PortError":
      return portProblem(thrown.outcome, message);
    case "SelectorError":
      return { error: "badRequest", message };
    default:
      return undefined;
  }
}

interface Key {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

const NOWHERE: Key = { group: "", resource: "objects", namespace: "", name: "" };

/** ports/resources.ts ResourceErrorReason, word by word. */
function resourceProblem({ reason, key }: Thrown, message: string): ApiError | undefined {
  const subject = isKey(key) ? key : NOWHERE;
  switch (reason) {
    case "notFound":
      return { error: "notFound", subject };
    case "alreadyExists":
      return { error: "alreadyExists", subject };
    case "conflict":
      return { error: "conflict", subject };
    case "fenced":
      return { error: "conflict", subject, because: message };
    case "expired":
      return { error: "expired", message };
    case "tooLarge":
      return { error: "requestEntityTooLarge", message };
    case "invalid":
      return { error: "invalid", subject, kind: subject.resource, problems: [{ path: "", code: "invalid", message }] };
    case "forbidden":
      return { error: "forbidden", subject, because: message };
    case "namespaceTerminating":
      return { error: "namespaceTerminating", subject, namespace: subject.namespace };
    default:
      return undefined;
  }
}

/** ports/port-error.ts PortOutcome. */
function portProblem(outcome: unknown, message: string): ApiError | undefined {
  switch (outcome) {
    case "notDone":
      return { error: "serviceUnavailable", message, retryAfterSeconds: 1 };
    case "refused":
      return { error: "refused", message };
    case "unknown":
      return { error: "timeout", message: `${message}; it may have been done: look before you try again` };
    default:
      return undefined;
  }
}

const isKey = (value: unknown): value is Key =>
  typeof value === "object" &&
  value !== null &&
  ["group", "resource", "namespace", "name"].every((part) => typeof Reflect.get(value, part) === "string");
