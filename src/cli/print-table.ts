import { printable } from "./printable.ts";

/** Rows as lines of aligned columns, three blanks apart, as kubectl prints them; no line ends in blanks. `widths` keeps the widths of an earlier call. */
export function tableLines(rows: readonly (readonly string[])[], widths: number[] = []): readonly string[] {
  const safe = rows.map((row) => row.map(printable));
  for (const row of safe) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))));
  return safe.map((row) =>
    row
      .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - widthOf(cell)))
      .join("   ")
      .trimEnd(),
  );
}

/** Cuts what is wider than the terminal, so that a redraw knows how many lines it drew. */
export function fitting(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line;
  let width = 0;
  let end = 0;
  for (const one of line) {
    width += widthOf(one);
    if (width > columns - 1) break;
    end += one.length;
  }
  return `${line.slice(0, end)}…`;
}

/** Columns on a terminal: East Asian wide and emoji take two, marks that join the letter before none. Near enough for aligning. */
function widthOf(text: string): number {
  let width = 0;
  for (const one of text) {
    if (/\p{Mn}|\p{Me}|\u200d|\ufe0f/u.test(one)) continue;
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
      one,
    )
      ? 2
      : 1;
  }
  return width;
}
