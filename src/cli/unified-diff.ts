/** A line of an edit script. */
interface Edit {
  readonly sign: " " | "-" | "+";
  readonly text: string;
}

const CONTEXT = 3;
/** Beyond this many differing lines the shortest script is not looked for: old lines out, new lines in. It bounds time and memory at about 4 million steps. */
const MOST_CHANGES = 2000;

/**
 * The unified diff of two texts, "" where they are equal, with three lines of context. Shortest edit script: E. W. Myers, "An O(ND) Difference
 * Algorithm and Its Variations", Algorithmica 1 (1986). By hand, because it is 40 lines and the alternative is a dependency in every client.
 */
export function unifiedDiff(before: string, after: string, names: { readonly before: string; readonly after: string }): readonly string[] {
  if (before === after) return [];
  const edits = editsOf(linesOf(before), linesOf(after));
  return [`--- ${names.before}`, `+++ ${names.after}`, ...hunks(edits)];
}

const linesOf = (text: string): readonly string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

function editsOf(a: readonly string[], b: readonly string[]): readonly Edit[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const same = (lines: readonly string[]): readonly Edit[] => lines.map((text) => ({ sign: " ", text }));
  return [
    ...same(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

function middle(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const trace = forward(a, b);
  if (trace === undefined) return [...a.map((text): Edit => ({ sign: "-", text })), ...b.map((text): Edit => ({ sign: "+", text }))];
  return backward(a, b, trace);
}

/** For each number of changes the furthest x on each diagonal k = x - y, as it was before that round; undefined when there are too many. */
function forward(a: readonly string[], b: readonly string[]): readonly ReadonlyMap<number, number>[] | undefined {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: ReadonlyMap<number, number>[] = [];
  for (let changes = 0; changes <= Math.min(a.length + b.length, MOST_CHANGES); changes++) {
    trace.push(new Map(furthest));
    for (let k = -changes; k <= changes; k += 2) {
      let x = goesDown(furthest, k, changes) ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return trace;
    }
  }
  return undefined;
}

function backward(a: readonly string[], b: readonly string[], trace: readonly ReadonlyMap<number, number>[]): readonly Edit[] {
  const edits: Edit[] = [];
  let [x, y] = [a.length, b.length];
  for (let changes = trace.length - 1; changes >= 0; changes--) {
    const furthest = trace[changes] ?? new Map<number, number>();
    const k = x - y;
    const from = goesDown(furthest, k, changes) ? k + 1 : k - 1;
    const fromX = furthest.get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      edits.push({ sign: " ", text: a[x] ?? "" });
    }
    if (changes === 0) break;
    if (from === k + 1) edits.push({ sign: "+", text: b[fromY] ?? "" });
    else edits.push({ sign: "-", text: a[fromX] ?? "" });
    [x, y] = [fromX, fromY];
  }
  return edits.reverse();
}

/** Whether the furthest way onto diagonal k comes from the one above, by an added line. */
const goesDown = (furthest: ReadonlyMap<number, number>, k: number, changes: number): boolean =>
  k === -changes || (k !== changes && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));

function hunks(edits: readonly Edit[]): readonly string[] {
  const lines: string[] = [];
  let [oldLine, newLine] = [1, 1];
  let at = 0;
  for (const { from, to } of ranges(edits)) {
    for (; at < from; at++) [oldLine, newLine] = [oldLine + 1, newLine + 1]; // between hunks nothing differs
    const hunk = edits.slice(from, to);
    const [olds, news] = [hunk.filter(({ sign }) => sign !== "+").length, hunk.filter(({ sign }) => sign !== "-").length];
    lines.push(`@@ -${span(oldLine, olds)} +${span(newLine, news)} @@`, ...hunk.map(({ sign, text }) => `${sign}${text}`));
    [oldLine, newLine, at] = [oldLine + olds, newLine + news, to];
  }
  return lines;
}

/** Line and length; of an empty side the line before it: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html */
function span(line: number, count: number): string {
  if (count === 1) return String(line);
  return `${count === 0 ? line - 1 : line},${count}`;
}

/** Where something differs, with its context; what touches is one. */
function ranges(edits: readonly Edit[]): readonly { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  edits.forEach(({ sign }, at) => {
    if (sign === " ") return;
    const [from, to] = [Math.max(0, at - CONTEXT), Math.min(edits.length, at + CONTEXT + 1)];
    const last = found.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else found.push({ from, to });
  });
  return found;
}
