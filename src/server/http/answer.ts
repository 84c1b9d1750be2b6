import type { Readable } from "node:stream";
import type { JsonObject } from "../../domain/object/json.ts";
import type { WatchMessage } from "../verbs/watch.ts";

/** What a handler answers; http.ts writes it to the socket. */
export type Answer =
  | {
      readonly type: "text";
      readonly code: number;
      readonly contentType: string;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** One JSON document. */
  | {
      readonly type: "json";
      readonly code: number;
      readonly body: string;
      readonly warnings?: readonly string[];
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A JSON document whose long middle is written piece by piece: `before`, the items joined by commas, `after`. */
  | { readonly type: "list"; readonly before: string; readonly items: Iterable<string>; readonly after: string }
  /** Bytes that are made as they are sent. */
  | { readonly type: "stream"; readonly contentType: string; readonly headers: Readonly<Record<string, string>>; readonly bytes: Readable }
  /** Lines that go on until the watch ends. */
  | {
      readonly type: "watch";
      readonly portions: AsyncGenerator<readonly WatchMessage[]>;
      readonly lineOf: (message: WatchMessage) => string;
    };

export const json = (code: number, body: JsonObject): Answer => ({ type: "json", code, body: JSON.stringify(body) });
