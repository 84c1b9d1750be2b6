import { pathFaultText } from "./tree-path.ts";
import type { PathFault, PathLimits } from "./tree-path.ts";

/** A file that was not read. `path` of a name that is not UTF-8 holds U+FFFD in place of what cannot be shown. */
export interface LeftOut {
  readonly path: string;
  readonly reason: "symbolicLink" | "submodule" | "tooLarge" | "notUtf8" | PathFault;
  /** A sentence that says what it is and what to do. */
  readonly message: string;
}

/** One sentence for a file that is not read. */
export function leftOutMessage(
  reason: LeftOut["reason"],
  path: string,
  size: number,
  limits: PathLimits & { readonly fileBytes: number },
): string {
  const shown = shownName(path);
  switch (reason) {
    case "submodule":
      return `${shown} is a submodule, which is not read; make a GitRepository and a Sync of its own for it`;
    case "symbolicLink":
      return `${shown} is a symbolic link, which is not followed; put the file itself there`;
    case "tooLarge":
      return `${shown} has ${size} bytes, the limit is ${limits.fileBytes}; split it, or raise the limit of bytes per file`;
    case "notUtf8":
      return `the name ${shown} is not UTF-8; rename the file`;
    case "escapes":
    case "looksLikeGit":
    case "controlCharacter":
    case "tooDeep":
    case "tooLong":
      return `the path ${shown} ${pathFaultText[reason]} (at most ${limits.depth} names, ${limits.pathBytes} bytes); rename it`;
  }
}

/** A name from a repository, quoted, in at most about 120 characters and with everything escaped that a terminal or a reader could be misled by. */
export function shownName(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu,
    (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
