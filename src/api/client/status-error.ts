import { isJsonObject, type JsonValue } from "./json.ts";
import type { StatusCause } from "../status.ts";

/** The part of a Kubernetes Status that a client acts upon. */
export interface AnsweredStatus {
  /** The HTTP status code. */
  readonly code: number;
  /** `NotFound`, `Conflict`, …; "" where the server gave none. */
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
  /** Of an expired list: where it can go on. */
  readonly continue?: string;
}

/** The API refused: carries its Status. The message is the server's: it may hold anything, so make it printable before it reaches a terminal. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: AnsweredStatus;

  constructor(status: AnsweredStatus) {
    super(status.message);
    this.status = status;
  }
}

const LONGEST_TEXT = 500;

/** Reads the body of a failed answer. What is no Status (a proxy's page) is quoted, cut at 500 characters. */
export function statusIn(code: number, body: JsonValue | undefined, text: string): AnsweredStatus {
  if (!isJsonObject(body) || body["kind"] !== "Status") {
    const said = text.trim().slice(0, LONGEST_TEXT);
    return { code, reason: "", message: `HTTP ${code}${said === "" ? "" : `: ${said}`}`, causes: [] };
  }
  const details = isJsonObject(body["details"]) ? body["details"] : {};
  const { retryAfterSeconds } = details;
  const metadata = isJsonObject(body["metadata"]) ? body["metadata"] : {};
  return {
    code: typeof body["code"] === "number" ? body["code"] : code,
    reason: typeof body["reason"] === "string" ? body["reason"] : "",
    message: typeof body["message"] === "string" && body["message"] !== "" ? body["message"] : `HTTP ${code}`,
    causes: causesIn(details["causes"]),
    ...(typeof retryAfterSeconds === "number" && retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
    ...(typeof metadata["continue"] === "string" && metadata["continue"] !== "" ? { continue: metadata["continue"] } : {}),
  };
}

function causesIn(list: JsonValue | undefined): readonly StatusCause[] {
  if (!Array.isArray(list)) return [];
  const items: readonly JsonValue[] = list;
  return items.flatMap((cause) => {
    if (!isJsonObject(cause)) return [];
    const [reason, message, field] = [cause["reason"], cause["message"], cause["field"]];
    return [
      {
        reason: typeof reason === "string" ? reason : "",
        message: typeof message === "string" ? message : "",
        ...(typeof field === "string" ? { field } : {}),
      },
    ];
  });
}
