import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instant } from "../domain/units.ts";
import { ApiRefusal } from "../ports/kubernetes-api.ts";
import { PortError } from "../ports/port-error.ts";
import { ResourceError, type ResourceErrorReason } from "../ports/resources.ts";
import { type Failure, failureOf } from "./failure.ts";

const now = instant(1_000_000);
const judged = (error: unknown, attempts = 0, jitter = 0): Failure =>
  failureOf(error, { now, attempts, jitter, incident: () => "incident-1" });

const resourceErrors: Readonly<Record<ResourceErrorReason, Failure["kind"]>> = {
  fenced: "fenced",
  conflict: "lookAgain",
  notFound: "lookAgain",
  alreadyExists: "lookAgain",
  expired: "lookAgain",
  tooLarge: "stalled",
  invalid: "stalled",
  forbidden: "stalled",
  namespaceTerminating: "stalled",
};

for (const [reason, kind] of Object.entries(resourceErrors) as [ResourceErrorReason, Failure["kind"]][])
  // the keys of the table
  test(`a ResourceError ${reason} means ${kind}`, () => {
    const failure = judged(new ResourceError(reason, "why"));
    assert.equal(failure.kind, kind);
    assert.equal(failure.message, "why");
    assert.match(failure.reason, /^[A-Z][A-Za-z]+$/);
    assert.equal(failure.incident, undefined);
  });

for (const [outcome, kind] of [
  ["notDone", "retry"],
  ["unknown", "lookAgain"],
  ["refused", "stalled"],
] as const)
  test(`a PortError ${outcome} means ${kind}, in the port's own words`, () => {
    const failure = judged(new PortError(outcome, "the server is away", { reason: "ServerAway" }));
    assert.deepEqual([failure.kind, failure.reason, failure.message], [kind, "ServerAway", "the server is away"]);
  });

for (const [code, kind] of [
  [403, "stalled"],
  [422, "stalled"],
  [404, "lookAgain"],
  [409, "lookAgain"],
  [410, "lookAgain"],
  [429, "retry"],
  [500, "retry"],
  [503, "retry"],
] as const)
  test(`an API that answers ${code} means ${kind}, and is no incident`, () => {
    const failure = judged(new ApiRefusal(code, "Why", "because"));
    assert.deepEqual([failure.kind, failure.reason, failure.message, failure.incident], [kind, "Why", "because", undefined]);
  });

for (const bug of [new TypeError("x is not a function: secret"), "thrown text", undefined])
  test(`a bug (${String(bug)}) is tried again under an incident, without its words`, () => {
    const failure = judged(bug);
    assert.deepEqual([failure.kind, failure.incident], ["retry", "incident-1"]);
    assert.match(failure.message, /incident-1/);
    assert.doesNotMatch(failure.message, /secret|thrown/);
  });

test("an incident is made for a bug only", () => {
  const incident = (): string => assert.fail("no bug");
  failureOf(new PortError("notDone", ""), { now, attempts: 0, jitter: 0, incident });
});

const longest: readonly (readonly [error: unknown, ms: number])[] = [
  [new PortError("notDone", ""), 300_000],
  [new PortError("unknown", ""), 30_000],
  [new PortError("refused", ""), 600_000],
  [new ResourceError("conflict", ""), 1000],
  [new ResourceError("forbidden", ""), 600_000],
  [new Error("bug"), 300_000],
];

test("the first wait is between 50 and 100 ms", () => {
  for (const [error] of longest) {
    assert.equal(judged(error, 0, 0).again - now, 50);
    assert.equal(judged(error, 0, 0.999_999).again - now, 100);
  }
});

test("waits double from failure to failure, up to the longest of their kind", () => {
  const [error, most] = [new PortError("notDone", ""), 300_000];
  for (let attempts = 1; attempts < 40; attempts++) {
    const wait = judged(error, attempts).again - now;
    assert.equal(wait, Math.min(most / 2, (judged(error, attempts - 1).again - now) * 2));
  }
});

test("whatever failed and however often, the wait is at least 50 ms, at most the longest of its kind, and never shrinks", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...longest),
      fc.nat({ max: 1_000_000 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      ([error, most], attempts, jitter) => {
        const wait = judged(error, attempts, jitter).again - now;
        assert.ok(wait >= 50 && wait <= most, `${wait}`);
        assert.ok(judged(error, attempts + 1, jitter).again - now >= wait);
      },
    ),
  );
});
