/** What a duration looks like: numbers with units, `1h30m`, `30s`, `500ms`; duration.ts reads them. */
export const DURATION = "^([0-9]{1,9}(\\.[0-9]{1,9})?(ms|s|m|h)){1,4}$";

/** A full Git commit id: SHA-1 or SHA-256 in lower-case hex. */
export const COMMIT = "^([0-9a-f]{40}|[0-9a-f]{64})$";

/** A SHA-256 digest in lower-case hex. */
export const SHA256 = "^[0-9a-f]{64}$";

/** What to write where a text does not match a pattern. */
export const patternHint = (pattern: string): string => HINTS[pattern] ?? `it has to match ${pattern}`;

const HINTS: Readonly<Record<string, string>> = {
  [DURATION]: "write numbers with units (ms, s, m, h), such as 30s or 1h30m",
  [COMMIT]: "write the full commit id: 40 or 64 hex digits in lower case",
  [SHA256]: "write 64 hex digits in lower case",
};
