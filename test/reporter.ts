import type { TestEvent } from "node:test/reporters";
import { relative } from "node:path";
import { inspect } from "node:util";

/** A reporter for people and logs: each failure in full as it happens, each skip with its reason, what tests print, and slow files; nothing for a pass. */
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const suites: string[] = [];
  for await (const event of events) {
    switch (event.type) {
      case "test:start":
        suites.length = event.data.nesting;
        suites[event.data.nesting] = event.data.name;
        break;
      case "test:pass":
        yield* passed(event.data);
        break;
      case "test:fail":
        yield failed(event.data, suites.slice(0, event.data.nesting));
        break;
      case "test:diagnostic":
        if (event.data.level !== "info") yield `${event.data.message}\n`;
        break;
      case "test:stdout":
      case "test:stderr":
        yield event.data.message;
        break;
      default:
        break;
    }
  }
}

type Passed = Extract<TestEvent, { type: "test:pass" }>["data"];
type Failed = Extract<TestEvent, { type: "test:fail" }>["data"];

function* passed({ name, skip, todo, details, file }: Passed): Generator<string> {
  if (skip !== undefined && skip !== false)
    yield `skipped: ${name} (${place(file)})${typeof skip === "string" && skip !== "" ? `: ${skip}` : ""}\n`;
  else if (todo !== undefined) yield `todo: ${name} (${place(file)})\n`;
  else if (details.duration_ms > 10_000 && details.type !== "suite")
    yield `${(details.duration_ms / 1000).toFixed(1)} s: ${name} (${place(file)})\n`;
}

function failed({ name, details, file, line }: Failed, above: readonly string[]): string {
  // Node wraps what the test threw.
  const thrown: unknown = details.error.cause;
  const at = `${place(file)}${line === undefined ? "" : `:${line}`}`;
  if ("failureType" in details.error && details.error.failureType === "subtestsFailed") return "";
  const exit =
    "exitCode" in details.error
      ? ` (its process ended with ${String(details.error.exitCode ?? ("signal" in details.error ? details.error.signal : ""))})`
      : "";
  const text = inspect(thrown ?? details.error, { depth: 8 }).replaceAll("\n", "\n  ");
  return `FAILED: ${[...above, name].join(" > ")} (${at})${exit}\n  ${text}\n`;
}

function place(file: string | undefined): string {
  return file === undefined ? "unknown file" : relative(process.cwd(), file);
}
