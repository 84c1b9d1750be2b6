import type { ResourceVersion } from "../../domain/object/api-object.ts";

/** What control planes tell each other by NOTIFY slipway. A hint: the tables are the truth. */
export interface Notice {
  readonly by?: string;
  /** Controllers that got work; absent: too many to name. */
  readonly work?: readonly string[];
}

/** PostgreSQL carries 7,999 bytes. https://www.postgresql.org/docs/15/sql-notify.html */
const LIMIT = 7000;

export function noticeText(by: string, last: ResourceVersion, work: readonly string[]): string {
  const text = JSON.stringify({ by, last, work });
  return Buffer.byteLength(text) <= LIMIT ? text : JSON.stringify({ by, last });
}

/** Anybody with access to the database can send a notice: what cannot be read says only "look". */
export function readNotice(payload: string | undefined): Notice {
  try {
    const notice: unknown = JSON.parse(payload ?? "");
    const members = new Map(Object.entries(Object(notice) as Record<string, unknown>)); // each member is looked at below
    const by = members.get("by");
    const work: unknown = members.get("work");
    return {
      ...(typeof by === "string" ? { by } : {}),
      ...(Array.isArray(work) ? { work: work.filter((controller) => typeof controller === "string") } : {}),
    };
  } catch {
    return {};
  }
}
