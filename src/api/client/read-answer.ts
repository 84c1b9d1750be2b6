import type { JsonValue } from "./json.ts";
import { type ApiAnswer, ConnectError } from "./transport.ts";

/** 256 MiB: a page of 500 objects of the largest size allowed is half of that. */
const LONGEST_ANSWER = 256 * 1024 * 1024;
/** An object is at most 256 KiB, its Table row and metadata included well below this. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** The whole body as text. Throws ConnectError when it breaks off or is longer than 256 MiB. */
export async function readText(answer: ApiAnswer): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LONGEST_ANSWER) throw tooLong();
  }
  return text + decoder.decode();
}

/** The lines of a body as they come; the last one only if it is ended. */
export async function* readLines(answer: ApiAnswer): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of answer.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST_LINE) throw tooLong();
    for (const line of lines) if (line.trim() !== "") yield line;
  }
}

/** undefined = no JSON. */
export function readJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue; // that is what JSON.parse gives
  } catch {
    return undefined;
  }
}

const tooLong = (): ConnectError => new ConnectError("broken", "the answer is longer than any answer of the API", { sent: true });
