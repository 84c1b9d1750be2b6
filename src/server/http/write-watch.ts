import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";

/**
 * Writes a watch line by line as its events come, until it ends or `signal` fires. A client that does not read for `pauseMs` is cut off:
 * it comes back and lists again, which costs less than what it would make us keep. Resolves when the watch is over.
 */
export async function writeWatch(
  response: ServerResponse,
  { portions, lineOf }: Extract<Answer, { type: "watch" }>,
  signal: AbortSignal,
  pauseMs: number,
): Promise<void> {
  response.setHeader("content-type", "application/json");
  response.writeHead(200);
  response.flushHeaders(); // the client waits for these before it waits for events
  try {
    for await (const messages of portions) {
      if (signal.aborted || response.destroyed) break;
      if (!response.write(messages.map(lineOf).join(""))) await drained(response, signal, pauseMs);
    }
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  }
}

async function drained(response: ServerResponse, signal: AbortSignal, pauseMs: number): Promise<void> {
  const tooLong = AbortSignal.timeout(pauseMs);
  try {
    await once(response, "drain", { signal: AbortSignal.any([signal, tooLong]) });
  } catch {
    if (tooLong.aborted) response.destroy(); // aborted by `signal`, the loop ends by itself
  }
}
