/** The path of a field of what is at `path`. Names of fields and keys are cut at 64 characters: they may be hostile. */
export const fieldPath = (path: string, field: string): string => (path === "" ? cut(field) : `${path}.${cut(field)}`);
export const indexPath = (path: string, index: number): string => `${path}[${String(index)}]`;
export const keyPath = (path: string, key: string): string => `${path}[${cut(key)}]`;

/** A value as a message quotes it: JSON, cut at 64 characters. */
export function quoted(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cut(value));
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return value === undefined ? "nothing" : JSON.stringify(value);
}

const cut = (text: string): string => (text.length > 64 ? `${text.slice(0, 64)}…` : text);
