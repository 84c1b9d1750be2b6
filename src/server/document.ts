import { createHash } from "node:crypto";

/** A document that never changes while the server runs: its text, and an ETag that is equal for equal documents. */
export interface Document {
  readonly body: string;
  /** In quotes, as the header has it. */
  readonly etag: string;
  /** The same without quotes: the `hash` of an OpenAPI address. */
  readonly hash: string;
}

export function documentOf(content: unknown): Document {
  const body = JSON.stringify(content);
  const hash = createHash("sha256").update(body).digest("hex").toUpperCase();
  return { body, etag: `"${hash}"`, hash };
}
