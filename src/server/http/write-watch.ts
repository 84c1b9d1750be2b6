import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";

type WatchAnswer = Extract<Answer, { type: "watch" }>;

/**
 * Writes a watch line by line as its events come, until it ends or `signal` fires (which it must when the client goes). A client that takes
 * nothing for `pauseMs` is cut off: it comes back and lists again, which costs less than what it would make us keep. Resolves when the watch is over.
 */
export async function writeWatch(
  response: ServerResponse,
  { portions, lineOf }: WatchAnswer,
  signal: AbortSignal,
  pauseMs: number,
): Promise<void> {
  response.setHeader("content-type", "application/json");
  response.writeHead(200);
  response.flushHeaders(); // the client waits for these before it waits for events
  response.on("timeout", () => response.destroy());
  try {
    for await (const messages of portions) {
      for (const text of joined(messages, lineOf)) {
        if (signal.aborted || response.destroyed) break;
        if (!response.write(text)) await drained(response, signal, pauseMs);
      }
      if (signal.aborted || response.destroyed) break;
    }
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  }
}

const LONGEST_TEXT = 64 * 1024;

/** The lines in pieces of some size: one by one they would each be a chunk of HTTP, all at once as large as what is watched. */
function* joined(messages: Iterable<Parameters<WatchAnswer["lineOf"]>[0]>, lineOf: WatchAnswer["lineOf"]): Generator<string> {
  let text = "";
  for (const message of messages) {
    text += lineOf(message);
    if (text.length < LONGEST_TEXT) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

/** Node counts the time in which the system takes nothing of what is to be sent, and begins anew with each byte it takes. */
async function drained(response: ServerResponse, signal: AbortSignal, pauseMs: number): Promise<void> {
  response.setTimeout(pauseMs);
  try {
    await once(response, "drain", { signal });
  } catch {
    // `signal` fired: the loop ends by itself
  } finally {
    response.setTimeout(0); // a watch may be silent for as long as nothing changes
  }
}
