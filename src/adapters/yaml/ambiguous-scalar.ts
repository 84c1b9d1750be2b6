import type { Scalar } from "yaml";

const yes11 = /^(?:y|yes|on)$/i;
const no11 = /^(?:n|no|off)$/i;

/**
 * What a YAML 1.1 reader (kubectl, Helm, many editors) takes an unquoted text for, where that differs from YAML 1.2, which is read here.
 * https://yaml.org/type/bool.html, https://yaml.org/type/int.html
 */
export function ambiguity(node: Scalar): { readonly message: string; readonly hint: string } | undefined {
  const { source } = node;
  if (node.type !== "PLAIN" || source === undefined || source.length > 64) return undefined;
  if (typeof node.value === "string") return textTrap(source);
  if (typeof node.value === "number") return numberTrap(source, node.value);
  return undefined;
}

function textTrap(source: string) {
  if (source.length <= 3 && (yes11.test(source) || no11.test(source)))
    return {
      message: `is text here, and ${yes11.test(source) ? "true" : "false"} for kubectl`,
      hint: `write "${source}" in quotes, or ${yes11.test(source) ? "true" : "false"}`,
    };
  const first = source.charCodeAt(0);
  const digitLike = (first >= 48 && first <= 57) || first === 43 || first === 45;
  if (!digitLike) return undefined;
  if (/^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/.test(source))
    return { message: "is text here, and a number of base 60 for some readers", hint: `write "${source}" in quotes` };
  if (/^[-+]?[1-9][0-9]*(?:_[0-9_]*)+$/.test(source))
    return { message: "is text here, and a number for some readers", hint: `write "${source}" in quotes, or the number without _` };
  return undefined;
}

function numberTrap(source: string, value: number) {
  if (/^[-+]?0[0-7]+$/.test(source))
    return {
      message: `is ${value} here, and ${parseInt(source, 8)} (octal) for kubectl`,
      hint: `write ${value}, or 0o${source.replace(/^[-+]?0+/, "") || "0"} for octal, or quote it`,
    };
  if (/^[-+]?0[0-9]+$/.test(source))
    return { message: `is ${value} here, and text or an error elsewhere`, hint: "leave out the leading zero, or quote it" };
  if (/^[-+]?\d+$/.test(source) && !Number.isSafeInteger(value))
    return { message: "has more digits than a number keeps", hint: `write "${source}" in quotes` };
  return undefined;
}
