import { isMap, isScalar, isSeq } from "yaml";
import type { DocumentPath, ManifestLimits } from "../../ports/manifests.ts";
import { parseText } from "./file-content.ts";
import { offsetOf } from "./plain-value.ts";
import { positionOf } from "./source-text.ts";

/** Line and column of the name (in a map) or value (in a list) that `path` leads to, or of the nearest thing around it that is there. */
export function locateIn(
  text: string,
  document: number,
  path: DocumentPath,
  limits: ManifestLimits,
): { readonly line: number; readonly column: number } {
  const parsed = parseText(text, limits);
  if ("finding" in parsed) return { line: parsed.finding.line, column: parsed.finding.column };
  let node: unknown = parsed.documents[document]?.contents;
  let offset = offsetOf(node);
  for (const step of path) {
    const next = childOf(node, step);
    if (!next) break;
    ({ node, offset } = next);
  }
  return positionOf(text, offset);
}

function childOf(node: unknown, step: string | number): { readonly node: unknown; readonly offset: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    return pair && { node: pair.value, offset: offsetOf(pair.key) };
  }
  if (!isSeq(node)) return undefined;
  const item = node.items[Number(step)];
  return item === undefined ? undefined : { node: item, offset: offsetOf(item) };
}
