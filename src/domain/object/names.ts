/** How the name of an object may look. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export type NameRule = "subdomain" | "label" | "pathSegment";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** An RFC 1123 label: at most 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit. */
export const isDnsLabel = (text: string): boolean => text.length <= 63 && LABEL.test(text);

/** RFC 1123 labels joined by dots, at most 253 characters. As in Kubernetes, the single labels have no limit of their own. */
export const isDnsSubdomain = (text: string): boolean => text.length <= 253 && SUBDOMAIN.test(text);

/** Anything that can stand as one segment of a path: not ".", "..", "", and without "/" and "%". */
export const isPathSegment = (text: string): boolean =>
  text !== "" && text !== "." && text !== ".." && text.length <= 1024 && !/[/%]/.test(text);

/** A name of at most 63 characters, optionally after a DNS subdomain and "/": label and annotation names, finalizers. */
export function isQualifiedName(text: string): boolean {
  const parts = text.split("/", 3);
  const [first = "", second] = parts;
  if (second === undefined) return isNamePart(first);
  return parts.length === 2 && isDnsSubdomain(first) && isNamePart(second);
}

/** The value of a label: empty, or at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit. */
export const isLabelValue = (text: string): boolean => text === "" || isNamePart(text);

const isNamePart = (text: string): boolean => text.length <= 63 && NAME_PART.test(text);

const RULES: Readonly<Record<NameRule, { readonly holds: (name: string) => boolean; readonly longest: number; readonly says: string }>> = {
  label: {
    holds: isDnsLabel,
    longest: 63,
    says: 'lower case letters, digits and "-", at most 63, beginning and ending with a letter or digit',
  },
  subdomain: {
    holds: isDnsSubdomain,
    longest: 253,
    says: 'lower case letters, digits, "-" and ".", at most 253, each part beginning and ending with a letter or digit',
  },
  pathSegment: { holds: isPathSegment, longest: 1024, says: 'not "." or "..", without "/" and "%", at most 1024 characters' },
};

/** What a name of this rule consists of, where `name` breaks it; undefined where it is fine. */
export function nameRuleBroken(rule: NameRule, name: string): string | undefined {
  return RULES[rule].holds(name) ? undefined : RULES[rule].says;
}

/** The same for `metadata.generateName`: what is appended makes the end right, so "shop-" is fine. Five characters are appended. */
export function prefixRuleBroken(rule: NameRule, prefix: string): string | undefined {
  if (prefix.length > RULES[rule].longest - 5) return RULES[rule].says;
  return nameRuleBroken(rule, `${prefix}x`);
}

/**
 * The candidate most like `text`, for "did you mean …?"; undefined where none is near: more than a third of the longer one would have to change.
 * Costs at most 64 × 64 steps a candidate and looks at the first 500.
 */
export function nearestName(text: string, candidates: readonly string[]): string | undefined {
  if (text.length > 64) return undefined;
  let nearest: string | undefined;
  let fewest = Infinity;
  for (const candidate of candidates.slice(0, 500)) {
    if (candidate.length > 64) continue;
    const changes = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (changes >= fewest || changes > Math.max(text.length, candidate.length) / 3) continue;
    nearest = candidate;
    fewest = changes;
  }
  return nearest;
}

/** Damerau-Levenshtein distance in its "optimal string alignment" form: two swapped neighbours count once. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const plain = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(swapped ? Math.min(plain, (beforeLast[j - 2] ?? 0) + 1) : plain);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
