import assert from "node:assert/strict";
import { test } from "node:test";
import { resourceVersion, type ApiObject, type ObjectKey } from "../domain/object/api-object.ts";
import { instant, later, seconds } from "../domain/units.ts";
import { PortError } from "../ports/port-error.ts";
import type { Resources, StoredObject } from "../ports/resources.ts";
import { storedObject } from "../ports/stored-object.ts";
import type { Conclusion, Controller, Decision, Done, PassResult } from "./controller.ts";
import { failureOf } from "./failure.ts";
import { passes } from "./pass.ts";

const key: ObjectKey = { group: "slipway.dev", resource: "syncs", namespace: "shop", name: "app" };
const now = instant(1_000_000);
const nothing: Conclusion = { updates: [], events: [] };

function stored(version: number, status: ApiObject["status"] = {}): StoredObject {
  const object: ApiObject = {
    apiVersion: "v1",
    kind: "Sync",
    metadata: { name: "app", namespace: "shop", uid: "u", resourceVersion: String(version) },
    status: status ?? {},
  };
  return storedObject(key, "u", resourceVersion(version), JSON.stringify(object));
}

interface Ran {
  readonly result: PassResult | undefined;
  readonly error: unknown;
  readonly commits: readonly { readonly conclusion: Conclusion; readonly finish: string }[];
  readonly acted: readonly string[];
  /** Commits and commands in the order they happened. */
  readonly order: readonly string[];
}

/** One pass of a controller that decides so; `act` says what comes of each command. */
async function run(
  decision: Decision<string>,
  parts: {
    readonly act?: (command: string) => unknown;
    readonly conclude?: (done: readonly Done<string, unknown>[]) => Conclusion;
    readonly abortIn?: string;
  } = {},
): Promise<Ran> {
  const commits: { readonly conclusion: Conclusion; readonly finish: string }[] = [];
  const acted: string[] = [];
  const order: string[] = [];
  const cancel = new AbortController();
  const controller: Controller<string, string, unknown> = {
    name: "test",
    observe: () => Promise.resolve("seen"),
    decide: () => decision,
    act: async (command) => {
      await Promise.resolve();
      acted.push(command);
      order.push(command);
      if (parts.abortIn === command) cancel.abort(new Error("lease lost"));
      return parts.act?.(command);
    },
    conclude: (_seen, done) => parts.conclude?.(done) ?? nothing,
  };
  const tools = {
    resources: {} as Resources, // no step of these controllers looks at it
    signal: cancel.signal,
    now: () => now,
    failureOf: (error: unknown) => failureOf(error, { now, attempts: 0, jitter: 0, incident: () => "i" }),
    phase: () => undefined,
    commit: (conclusion: Conclusion, finish: "no" | "succeeded" | "failed") => {
      commits.push({ conclusion, finish });
      order.push(`commit ${finish}`);
      return Promise.resolve(conclusion.updates.map(() => stored(8)));
    },
  };
  try {
    return { result: await passes(controller).pass(key, tools), error: undefined, commits, acted, order };
  } catch (error) {
    return { result: undefined, error, commits, acted, order };
  }
}

test("a pass without commands is one transaction that ends it", async () => {
  const { commits, result } = await run({ commands: [], updates: [{ of: stored(7), status: { a: 1 } }], events: [] });
  assert.deepEqual(
    commits.map(({ finish }) => finish),
    ["succeeded"],
  );
  assert.deepEqual(result, { waiting: false });
});

test("what is decided is recorded before it is done, and concluded after", async () => {
  const { order } = await run({ commands: ["one", "two"], updates: [{ of: stored(7), status: { a: 1 } }], events: [] });
  assert.deepEqual(order, ["commit no", "one", "two", "commit succeeded"]);
});

test("a decision that says nothing is not recorded", async () => {
  const { order } = await run({ commands: ["one"], updates: [], events: [] });
  assert.deepEqual(order, ["one", "commit succeeded"]);
});

test("the conclusion is written onto the state that the pass itself has recorded", async () => {
  const before = stored(7);
  const { commits } = await run(
    { commands: ["one"], updates: [{ of: before, status: { a: 1 } }], events: [] },
    { conclude: () => ({ updates: [{ of: before, status: { a: 2 } }], events: [] }) },
  );
  assert.equal(commits[0]?.conclusion.updates[0]?.of.resourceVersion, 7);
  assert.equal(commits[1]?.conclusion.updates[0]?.of.resourceVersion, 8);
});

test("a conclusion about what was not recorded is written onto what was observed, so that a foreign write is a conflict", async () => {
  const { commits } = await run(
    { commands: ["one"], updates: [], events: [] },
    { conclude: () => ({ updates: [{ of: stored(7), status: {} }], events: [] }) },
  );
  assert.equal(commits[0]?.conclusion.updates[0]?.of.resourceVersion, 7);
});

test("a command that fails stops the rest; the controller hears what was done and what failed", async () => {
  const heard: unknown[] = [];
  const { acted, commits, result } = await run(
    { commands: ["one", "two", "three"], updates: [], events: [] },
    {
      act: (command) => {
        if (command === "two") throw new PortError("notDone", "away");
        return "done";
      },
      conclude: (done) => {
        heard.push(...done.map((one) => ("failure" in one ? one.failure.kind : one.outcome)));
        return nothing;
      },
    },
  );
  assert.deepEqual(acted, ["one", "two"]);
  assert.deepEqual(heard, ["done", "retry"]);
  assert.deepEqual(
    commits.map(({ finish, conclusion }) => [finish, conclusion.wakeAt]),
    [["failed", now + 50]],
  );
  assert.ok(result !== undefined && "failure" in result && result.failure.message === "away");
});

test("a controller's own time after a failure goes before the backoff", async () => {
  const wakeAt = later(now, seconds(30));
  const { commits } = await run(
    { commands: ["one"], updates: [], events: [] },
    {
      act: () => {
        throw new PortError("refused", "no");
      },
      conclude: () => ({ ...nothing, wakeAt }),
    },
  );
  assert.equal(commits[0]?.conclusion.wakeAt, wakeAt);
});

test("a pass whose lease was lost between commands begins no further one and commits nothing", async () => {
  const { acted, order, error } = await run({ commands: ["one", "two"], updates: [], events: [] }, { abortIn: "one" });
  assert.deepEqual(acted, ["one"]);
  assert.deepEqual(order, ["one"]);
  assert.match(String(error), /lease lost/);
});

test("a command that ends because the lease was lost is no failure of the command", async () => {
  const { commits, error } = await run(
    { commands: ["one"], updates: [], events: [] },
    {
      abortIn: "one",
      act: () => {
        throw new PortError("notDone", "cancelled");
      },
    },
  );
  assert.match(String(error), /cancelled/);
  assert.deepEqual(commits, []);
});

for (const [says, waiting] of [
  [{ wakeAt: later(now, seconds(1)) }, true],
  [{}, false],
] as const)
  test(`a pass with${waiting ? "" : "out"} a time to look again is ${waiting ? "waiting" : "settled"}`, async () => {
    assert.deepEqual((await run({ commands: [], updates: [], events: [], ...says })).result, { waiting });
    assert.deepEqual((await run({ commands: ["one"], updates: [], events: [] }, { conclude: () => ({ ...nothing, ...says }) })).result, {
      waiting,
    });
  });
