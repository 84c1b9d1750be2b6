/**
 * What would move the cursor, change colours or turn the direction of the text: C0 and C1 controls, DEL, the separators U+2028/9, bidirectional
 * marks, and halves of surrogate pairs. Names and messages come from servers and from Git, so they may hold anything.
 */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu;

/** One line that is safe on a terminal: what is not is shown as an escape, `\x1b`, `\u202e`; a line break as `\n`. */
export const printable = (text: string): string => text.replace(UNSAFE, escaped);

/** The same for several lines: line breaks stay, tabs too. */
export const printableLines = (text: string): string => text.replace(UNSAFE, (one) => (one === "\n" || one === "\t" ? one : escaped(one)));

/** JSON text, or a double-quoted YAML scalar, with the same value that is safe on a terminal: both know `\uXXXX`. */
export const printableJson = (json: string): string => json.replace(UNSAFE, (one) => (one === "\n" ? one : unicode(one)));

export const isPrintable = (text: string): boolean => text.search(UNSAFE) === -1;

function escaped(one: string): string {
  if (one === "\n") return "\\n";
  if (one === "\t") return "\\t";
  if (one === "\r") return "\\r";
  const code = one.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : unicode(one);
}

const unicode = (one: string): string => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
