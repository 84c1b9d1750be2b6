import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, gzipSync } from "node:zlib";
import type { Answer } from "./answer.ts";

// As the API server: smaller answers are not worth the CPU, and level 1 is the cheapest.
const GZIP_FROM_CHARACTERS = 128 * 1024;
const GZIP = { level: 1 };
const PORTION = 64 * 1024;

/** Writes an answer to its socket. Resolves when everything is handed to the system or the client has gone; never rejects for a client that left. */
export async function writeAnswer(
  response: ServerResponse,
  answer: Exclude<Answer, { type: "watch" }>,
  acceptsGzip: boolean,
  isHead: boolean,
): Promise<void> {
  switch (answer.type) {
    case "text":
      return writeWhole(response, answer.code, { "content-type": answer.contentType, ...answer.headers }, answer.body, acceptsGzip, isHead);
    case "json": {
      const headers = { "content-type": "application/json", ...answer.headers, ...warningHeaders(answer.warnings ?? []) };
      return writeWhole(response, answer.code, headers, answer.body, acceptsGzip, isHead);
    }
    case "list":
      return writeList(response, answer, acceptsGzip, isHead);
    case "stream":
      return writeStream(response, answer, isHead);
  }
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

async function writeWhole(
  response: ServerResponse,
  code: number,
  headers: Headers,
  body: string,
  acceptsGzip: boolean,
  isHead: boolean,
): Promise<void> {
  const isZipped = acceptsGzip && body.length > GZIP_FROM_CHARACTERS;
  const bytes = isZipped ? gzipSync(body, GZIP) : Buffer.from(body);
  setHeaders(response, headers);
  if (isZipped) setHeaders(response, ZIPPED);
  if (code !== 304) response.setHeader("content-length", bytes.length);
  response.writeHead(code);
  response.end(isHead || code === 304 ? undefined : bytes);
}

async function writeList(
  response: ServerResponse,
  answer: Extract<Answer, { type: "list" }>,
  acceptsGzip: boolean,
  isHead: boolean,
): Promise<void> {
  const portions = portionsOf(answer);
  const first = portions.next();
  // A list that fits into one portion goes out as one piece with its length.
  if (first.done !== true && first.value.length < PORTION) return writeWhole(response, 200, JSON_TYPE, first.value, acceptsGzip, isHead);
  setHeaders(response, JSON_TYPE);
  if (acceptsGzip) setHeaders(response, ZIPPED);
  response.writeHead(200);
  if (isHead) {
    response.end();
    return;
  }
  const text = Readable.from(rejoined(first, portions), { objectMode: true });
  try {
    if (acceptsGzip) await pipeline(text, createGzip(GZIP), response);
    else await pipeline(text, response);
  } catch (error) {
    if (!response.destroyed) throw error; // else the client has gone, which is its right
  }
}

/** What fails on the way breaks the connection, so that nobody takes the part for the whole. */
async function writeStream(
  response: ServerResponse,
  { contentType, headers, bytes }: Extract<Answer, { type: "stream" }>,
  isHead: boolean,
): Promise<void> {
  setHeaders(response, { "content-type": contentType, ...headers });
  response.writeHead(200);
  if (isHead) {
    bytes.destroy();
    response.end();
    return;
  }
  await pipeline(bytes, response);
}

function* rejoined(first: IteratorResult<string>, rest: Generator<string>): Generator<string> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

function* portionsOf({ before, items, after }: Extract<Answer, { type: "list" }>): Generator<string> {
  let portion = before;
  let separator = "";
  for (const item of items) {
    portion += separator + item;
    separator = ",";
    if (portion.length < PORTION) continue;
    yield portion;
    portion = "";
  }
  yield portion + after;
}

const JSON_TYPE = { "content-type": "application/json" };
const ZIPPED = { "content-encoding": "gzip", vary: "Accept-Encoding" };

export function setHeaders(response: ServerResponse, headers: Headers): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

const LONGEST_WARNING = 1024;
const MOST_WARNINGS = 20;

/** `299 - "text"`: https://www.rfc-editor.org/rfc/rfc7234#section-5.5 ; headers hold printable ASCII only. */
function warningHeaders(warnings: readonly string[]): Headers {
  if (warnings.length === 0) return {};
  const texts = warnings.slice(0, MOST_WARNINGS).map((warning) => warning.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, LONGEST_WARNING));
  return { warning: texts.map((text) => `299 - "${text.replaceAll(/["\\]/g, "\\$&")}"`) };
}
