import { printableLines } from "./printable.ts";

/** Where a verb prints. Everything is made safe on the way; only `style` and `redraw` put control codes in. */
export interface Terminal {
  /** Whether a picture can be redrawn in place. */
  readonly live: boolean;
  readonly columns: number;
  readonly rows: number;
  out(text: string): void;
  /** For people beside the output: notes, warnings, errors. */
  note(text: string): void;
  /** Colours on a terminal, and the text as it is elsewhere. The text must be printable. */
  readonly style: (style: Style, text: string) => string;
  /** Prints what `style` made; the caller has made everything else in it printable. */
  outStyled(text: string): void;
  /** Puts these lines in the place of the ones drawn before. */
  redraw(lines: readonly string[]): void;
}

export type Style = "good" | "bad" | "dim" | "bold";

const CODES: Readonly<Record<Style, string>> = { good: "32", bad: "31", dim: "2", bold: "1" };

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Plain wherever nobody looks: no terminal, TERM=dumb, CI. NO_COLOR (https://no-color.org) takes the colours only. */
export function terminalOf(out: Output, err: Output, environment: Readonly<Record<string, string | undefined>>): Terminal {
  const isTerminal = out.isTTY === true && environment["TERM"] !== "dumb";
  const set = (name: string): boolean => (environment[name] ?? "") !== "";
  const live = isTerminal && !set("CI");
  const coloured = isTerminal && !set("NO_COLOR");
  let drawn = 0;
  return {
    live,
    get columns() {
      return out.columns ?? 80;
    },
    get rows() {
      return out.rows ?? 24;
    },
    out: (text) => void out.write(printableLines(text)),
    note: (text) => void err.write(`${printableLines(text)}\n`),
    style: (style, text) => (coloured ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text),
    outStyled: (text) => void out.write(text),
    redraw(lines) {
      // up to the first line drawn, then clear to the end of the screen: ECMA-48 CPL and ED
      out.write(`${drawn > 0 ? `\x1b[${drawn}F\x1b[0J` : ""}${lines.map((line) => `${line}\n`).join("")}`);
      drawn = lines.length;
    },
  };
}
