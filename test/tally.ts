import type { TestEvent } from "node:test/reporters";
import { relative } from "node:path";

/** A reporter that writes one JSON line { passed, failed, skipped } when the whole run is over. Tests count, suites do not; todo counts as skipped. */
export default async function* tally(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let failedHooks = 0;
  let emptyFiles = 0;
  for await (const event of events) {
    // A suite that fails by itself (a hook threw, its body threw) is no failed test in the summary's counts.
    if (event.type === "test:fail" && event.data.details.type === "suite" && !isOfSubtests(event.data.details.error)) failedHooks += 1;
    // Node counts an isolated file that holds no test as one test that passed, named after the file.
    if (event.type === "test:pass" && event.data.nesting === 0 && event.data.name === place(event.data.file)) emptyFiles += 1;
    // One summary comes per file, and a last one without a file for all.
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { tests, passed: passes, skipped, todo } = event.data.counts;
    const passed = passes - emptyFiles;
    const failures = tests - passes - skipped - todo + failedHooks;
    yield `${JSON.stringify({ passed, failed: event.data.success ? failures : Math.max(failures, 1), skipped: skipped + todo })}\n`;
  }
}

function place(file: string | undefined): string {
  return file === undefined ? "" : relative(process.cwd(), file);
}

function isOfSubtests(error: object): boolean {
  return "failureType" in error && error.failureType === "subtestsFailed";
}
