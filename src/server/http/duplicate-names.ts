/**
 * Paths of members whose name stands twice in one object of a JSON text that has been parsed already; at most 20, each once.
 * JSON.parse keeps the last one in silence; no library at hand tells of it. One pass over the text, not recursive.
 */
export function duplicateNames(json: string): readonly string[] {
  const found = new Set<string>();
  const open: Frame[] = [];
  let name: string | undefined;
  for (let at = 0; at < json.length && found.size < MOST; at++) {
    const top = open.at(-1);
    switch (json.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(json, at);
        if (top?.names !== undefined && top.awaitsName) {
          name = unquoted(json.slice(at, end + 1));
          if (top.names.has(name)) found.add(pathOf(open, name));
          top.names.add(name);
          top.name = name;
          top.awaitsName = false;
        }
        at = end;
        break;
      }
      case OPEN_OBJECT:
        open.push({ names: new Set(), name: "", awaitsName: true, index: 0 });
        break;
      case OPEN_LIST:
        open.push({ names: undefined, name: "", awaitsName: false, index: 0 });
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        open.pop();
        break;
      case COMMA:
        if (top !== undefined) {
          top.awaitsName = top.names !== undefined;
          top.index++;
        }
        break;
    }
  }
  return [...found];
}

interface Frame {
  /** Absent in a list. */
  readonly names: Set<string> | undefined;
  name: string;
  awaitsName: boolean;
  index: number;
}

const MOST = 20;
const [QUOTE, BACKSLASH, OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST, COMMA] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c];

function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  return json.length;
}

/** Two spellings of one name (`"a"`, `"\u0061"`) are one name. */
const unquoted = (quoted: string): string => (quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1));

function pathOf(open: readonly Frame[], name: string): string {
  const steps = open.slice(0, -1).map((frame) => (frame.names === undefined ? `[${frame.index}]` : `.${frame.name}`));
  return `${steps.join("")}.${name}`.replace(/^\./, "").slice(0, 500);
}
