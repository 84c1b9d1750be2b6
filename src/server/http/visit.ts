import type { FastifyRequest } from "fastify";
import type { Caller } from "../caller.ts";
import { segmentsOf } from "./resource-path.ts";

/** One request on its way through the server: what is known of it besides its headers and body. */
export interface Visit {
  /** Names the request in the log and in the answer's `audit-id`. */
  readonly id: string;
  readonly method: string;
  readonly target: Target;
  /** When it came, by performance.now(). */
  readonly began: number;
  /** Who asks; unknown until identified, and for the paths that are open to everybody. */
  caller: Caller | undefined;
}

export interface Target {
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The path, decoded; undefined when it can be none of ours. */
  readonly segments: readonly string[] | undefined;
}

export function visitOf(request: FastifyRequest): Visit {
  return { id: request.id, method: request.method, target: targetOf(request.raw.url ?? "/"), began: performance.now(), caller: undefined };
}

function targetOf(url: string): Target {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  return { path, query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)), segments: segmentsOf(path) };
}
