import type { FieldProblem } from "../object/field-problem.ts";

/** Where a repository is, after every part was checked. `url` is the one text that may be handed to Git. */
export type RemoteAddress =
  | { readonly kind: "path"; readonly url: string }
  | { readonly kind: "https" | "http"; readonly url: string; readonly origin: string; readonly host: string }
  | { readonly kind: "ssh"; readonly url: string; readonly host: string };

export interface RemoteUrlRules {
  /** The field a person has to correct, for the message: `spec.url`. */
  readonly field: string;
  readonly allowPlainHttp: boolean;
}

const longestUrl = 2048;
const host = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])`;
const user = String.raw`[A-Za-z0-9_][A-Za-z0-9._-]{0,63}`;
const webAddress = new RegExp(String.raw`^(https?)://(${host})(:\d{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)$`, "i");
const sshAddress = new RegExp(String.raw`^ssh://(?:${user}@)?(${host})(?::\d{1,5})?/[^-].*$`, "i");
const scpAddress = new RegExp(String.raw`^${user}@(${host}):(?:[^-:/]|/[^-]).*$`);
const wayOut = "write an absolute path, https://host/path, ssh://user@host/path or user@host:path";

/**
 * Reads a repository URL as a person wrote it. Only four kinds pass: absolute path (or file:///path), https, ssh (also user@host:path),
 * and http where it was asked for. Git's own URL grammar is wider: `ext::` and `fd::` start programs, a leading dash is an option.
 */
export function parseRemoteUrl(
  url: string,
  rules: RemoteUrlRules,
): { readonly address: RemoteAddress } | { readonly problem: FieldProblem } {
  const refuse = (message: string, hint: string) => ({
    problem: { path: rules.field, code: "invalid" as const, message: `${rules.field}: ${message}`, hint },
  });
  if (url === "") return refuse("is empty", wayOut);
  if (url.length > longestUrl) return refuse(`is ${url.length} characters long, the limit is ${longestUrl}`, wayOut);
  const control = url.search(/[\u0000-\u0020\u007f-\u00a0\u2028-\u202e\u2066-\u2069\ufeff]/u);
  if (control >= 0 && !url.startsWith("/") && !url.startsWith("file:"))
    return refuse(`has a space or control character at position ${control + 1}`, "remove it");
  if (/[\u0000-\u001f\u007f-\u009f]/u.test(url)) return refuse(`has a control character at position ${control + 1}`, "remove it");
  if (url.startsWith("-")) return refuse("begins with a dash, which Git would read as an option", wayOut);
  if (/^[A-Za-z][A-Za-z0-9+.-]*::/.test(url))
    return refuse(`uses the remote helper "${url.slice(0, url.indexOf(":"))}::", which could start a program`, wayOut);
  if (/%(?:[01][0-9a-f]|7f)/i.test(url)) return refuse("has an encoded control character", "remove it");
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*:[^/]*@/.test(url) || /^https?:\/\/[^/]*@/i.test(url))
    return refuse("holds a user name or password", "take them out of the URL and name a Secret in spec.secretRef");
  if (url.startsWith("/") || /^file:/i.test(url)) return localAddress(url, refuse);
  const web = webAddress.exec(url);
  if (web) return webResult(url, web, rules, refuse);
  const ssh = sshAddress.exec(url) ?? (url.includes("://") ? null : scpAddress.exec(url));
  if (ssh) return { address: { kind: "ssh", url, host: (ssh[1] ?? "").toLowerCase() } };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(url)?.[1];
  if (scheme !== undefined && !/^(?:https?|ssh)$/i.test(scheme)) return refuse(`uses "${scheme}://", which is not supported`, wayOut);
  return refuse("is not a repository address that Slipway reads", wayOut);
}

type Refuse = (message: string, hint: string) => { readonly problem: FieldProblem };

function localAddress(url: string, refuse: Refuse) {
  const path = url.startsWith("/") ? url : decoded(/^file:\/\/(?:localhost)?(\/.*)$/i.exec(url)?.[1]);
  if (path === undefined) return refuse("is a file URL without an absolute path", "write file:///absolute/path");
  if (/[\u0000-\u001f\u007f]/.test(path)) return refuse("has a control character", "remove it");
  if (path.split("/").includes("..")) return refuse('has a ".." component', "write the path it leads to");
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === ""
    ? refuse("is the root directory", "name the directory of the repository")
    : { address: { kind: "path" as const, url: trimmed } };
}

function decoded(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : decodeURIComponent(path);
  } catch {
    return undefined; // a percent sign that starts no code
  }
}

function webResult(url: string, parts: RegExpExecArray, rules: RemoteUrlRules, refuse: Refuse) {
  const kind = parts[1]?.toLowerCase() === "https" ? ("https" as const) : ("http" as const);
  if (kind === "http" && !rules.allowPlainHttp)
    return refuse(
      "is plain http: anybody on the way could change what is read",
      "use https, or set spec.insecureHTTP: true for a network that you trust",
    );
  const at = (parts[2] ?? "").toLowerCase();
  return { address: { kind, url, origin: `${kind}://${at}${parts[3] ?? ""}`, host: at } };
}

/** True where a password sent in the clear does not leave the machine. */
export const isLoopbackHost = (name: string): boolean => name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name);
