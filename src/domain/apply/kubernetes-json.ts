import { compareBytes } from "../object/byte-order.ts";
import { isJsonList, isJsonObject, type JsonValue } from "../object/json.ts";

/**
 * JSON text exactly as Kubernetes writes it (Go's encoding/json and json-iterator): sorted keys, no spaces, and
 * `<`, `>`, `&`, U+2028, U+2029 and control characters as `\u` escapes.
 */
export function kubernetesJson(value: JsonValue): string {
  if (typeof value === "string") return quote(value);
  if (isJsonList(value)) return `[${value.map(kubernetesJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort(compareBytes);
  return `{${keys.map((key) => `${quote(key)}:${kubernetesJson(value[key] ?? null)}`).join(",")}}`;
}

// json-iterator knows short escapes only for these three; JSON.stringify also writes \b and \f.
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

// Nothing in here is ever escaped; most names and values are like this.
const plainText = /^[\w\-./:= ]*$/;

function quote(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  const escaped = Array.from(text.toWellFormed(), escapeCharacter).join("");
  return `"${escaped}"`;
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (character < " " || "<>&\u2028\u2029".includes(character)) return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return character;
}
