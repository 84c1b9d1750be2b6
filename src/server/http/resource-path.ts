/** What the path of a request names, before anybody looks whether it exists. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/**
 * Splits a request target into decoded segments; undefined when it is none of ours: bad percent-encoding, an empty or dot segment, or a segment
 * that holds a slash, a NUL or a control character once decoded.
 */
export function segmentsOf(path: string): readonly string[] | undefined {
  const parts = path.split("/").slice(1);
  if (parts.at(-1) === "") parts.pop();
  const segments: string[] = [];
  for (const part of parts) {
    const segment = decoded(part);
    // A control character in a name would break log lines, a slash or dots another layer's idea of the path.
    if (segment === undefined || segment === "" || segment === "." || segment === ".." || /[/\\\p{Cc}]/u.test(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

/**
 * Reads `/api/V/...` and `/apis/G/V/...` as the API server does. Undefined: no resource path (discovery, or nothing).
 * Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go
 */
export function resourcePathOf(segments: readonly string[]): ResourcePath | undefined {
  const [root, ...rest] = segments;
  if (root === "api") return withinVersion("", rest);
  if (root === "apis" && rest[0] !== undefined) return withinVersion(rest[0], rest.slice(1));
  return undefined;
}

// Of a namespace itself; any other word after its name is a resource in it.
const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);

function withinVersion(group: string, [version, ...rest]: readonly string[]): ResourcePath | undefined {
  const [first, second, third] = rest;
  if (version === undefined || first === undefined) return undefined;
  const isInNamespace =
    first === "namespaces" && second !== undefined && third !== undefined && !(group === "" && NAMESPACE_SUBRESOURCES.has(third));
  const [resource, name, subresource, ...surplus] = isInNamespace ? rest.slice(2) : rest;
  if (resource === undefined || surplus.length > 0) return undefined;
  return { group, version, resource, namespace: isInNamespace ? second : "", name: name ?? "", subresource: subresource ?? "" };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined; // a malformed escape names nothing
  }
}
