import { isUtf8 } from "node:buffer";
import type { ManifestProblem } from "../../ports/manifests.ts";

/** A problem before it is known which file it is in: equal content in two files is read once. */
export type Finding = Omit<ManifestProblem, "file">;

/** The text of a file, or why it is none. A byte order mark is taken off; CRLF stays, YAML knows it. */
export function sourceText(bytes: Uint8Array, fileBytes: number): { readonly text: string } | { readonly finding: Finding } {
  if (bytes.length > fileBytes)
    return found(1, 1, "tooLarge", `the file has ${bytes.length} bytes, the limit is ${fileBytes}`, "split it into several files");
  if (!isUtf8(bytes)) return notUtf8(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("utf8")
    .replace(/^\ufeff/, "");
  const at = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/);
  if (at < 0) return { text };
  const { line, column } = positionOf(text, at);
  const code = text.charCodeAt(at).toString(16).padStart(4, "0");
  return found(
    line,
    column,
    "controlCharacter",
    `there is a control character (U+${code})`,
    'remove it, or write it as an escape in a quoted text ("\\u' + code + '")',
  );
}

function notUtf8(bytes: Uint8Array): { readonly finding: Finding } {
  const sound = firstBadByte(bytes);
  const { line, column } = positionOf(Buffer.from(bytes.subarray(0, sound)).toString("utf8"), Infinity);
  const utf16 = bytes[0] === 0xff || bytes[0] === 0xfe;
  return found(line, column, "notUtf8", `byte ${sound} is not UTF-8${utf16 ? " (it looks like UTF-16)" : ""}`, "save the file as UTF-8");
}

/** The offset of the first character that is none. Found by halving: up to there every prefix is sound but for a character cut at its end. */
function firstBadByte(bytes: Uint8Array): number {
  let sound = 0;
  let bad = bytes.length + 1;
  while (bad - sound > 1) {
    const middle = (sound + bad) >> 1;
    if (soundLength(bytes, middle) !== undefined) sound = middle;
    else bad = middle;
  }
  return soundLength(bytes, sound) ?? 0;
}

// A prefix that was cut in the middle of a character is sound without its last one to three bytes.
const soundLength = (bytes: Uint8Array, length: number) =>
  [0, 1, 2, 3].map((less) => length - less).find((shorter) => shorter >= 0 && isUtf8(bytes.subarray(0, shorter)));

/** Line and column, from 1, of an offset in UTF-16 units; Infinity is the end. */
export function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = offset === Infinity ? text : text.slice(0, offset);
  const lines = before.split("\n");
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}

const found = (line: number, column: number, code: Finding["code"], message: string, hint: string) => ({
  finding: { line, column, code, severity: "error" as const, message, hint },
});
