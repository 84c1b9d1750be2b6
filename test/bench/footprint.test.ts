// How soon a server is ready, and how much memory it takes: the control plane and its PostgreSQL, of the bundle as it is published.
import assert from "node:assert/strict";
import { loadavg } from "node:os";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { LoadTarget } from "./load.ts";
import { canMeasureProcesses, usageOf } from "./processes.ts";
import { runLoad } from "./run-load.ts";
import { bundle, slipway, type BenchedServer } from "./slipway.ts";
import { statusOf } from "./peer.ts";
import { markdownTable, median, spread } from "./statistics.ts";

const FULL = process.env["SLIPWAY_TEST_FULL"] !== undefined;
const REPEATS = Number(process.env["SLIPWAY_BENCH_REPEATS"] ?? (FULL ? 2 : 1));
const IDLE_SECONDS = Number(process.env["SLIPWAY_BENCH_IDLE"] ?? (FULL ? 60 : 5));
const OBJECTS = 10_000;
const NAMESPACE = "bench";

const MOST_READY_SECONDS = 3;
const MOST_FIRST_READY_SECONDS = 10;
const MOST_MIB = 300;

let bin: string;
let server: BenchedServer;
const first: number[] = [];
const again: number[] = [];
const memory: number[] = [];

before(async () => {
  bin = process.env["SLIPWAY_BENCH_BIN"] ?? (await bundle());
  server = await slipway("Slipway", bin);
  first.push(server.running.readyMs() / 1000);
});
after(async () => {
  await server.close();
  const rows = [
    ["ready on an empty directory, s", `≤ ${MOST_FIRST_READY_SECONDS}`, spread(first, 2)],
    [`ready with ${OBJECTS} objects, s`, `≤ ${MOST_READY_SECONDS}`, spread(again, 2)],
    [
      `PSS ${IDLE_SECONDS} s after a list of ${OBJECTS}, MiB`,
      `≤ ${MOST_MIB}`,
      memory.length === 0 ? "not measured: there is no /proc" : spread(memory),
    ],
  ];
  console.log(markdownTable(["", "bar", "median (lowest–highest)"], rows));
  console.log(
    `load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
  );
});

test(`ready on an empty directory within ${MOST_FIRST_READY_SECONDS} s`, async () => {
  for (let repeat = 1; repeat < REPEATS; repeat++) {
    const fresh = await slipway("Slipway", bin);
    first.push(fresh.running.readyMs() / 1000);
    await fresh.close();
  }
  assert.ok(median(first) <= MOST_FIRST_READY_SECONDS, `ready after ${spread(first, 2)} s`);
});

test(`at most ${MOST_MIB} MiB, idle after a full list of ${OBJECTS} objects`, { skip: !canMeasureProcesses }, async () => {
  await fill();
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    // The first time the server is the one that stored the objects; then one that was started with them.
    if (repeat > 0) await restart();
    const { failed, bytes } = await runLoad(server, { load: "list", namespace: NAMESPACE, resource: "releasebindings", times: 1 });
    assert.ok(failed === 0 && bytes > OBJECTS * 1000, `the list of ${OBJECTS} objects has ${bytes} bytes`);
    await pause(IDLE_SECONDS * 1000);
    memory.push(usageOf(server.pids()).pssMiB);
  }
  assert.ok(median(memory) <= MOST_MIB, `${spread(memory)} MiB`);
});

test(`ready with data within ${MOST_READY_SECONDS} s`, async () => {
  if (again.length === 0 && !canMeasureProcesses) await fill();
  while (again.length < REPEATS) await restart();
  assert.ok(median(again) <= MOST_READY_SECONDS, `ready after ${spread(again, 2)} s`);
});

async function fill(): Promise<void> {
  await makeNamespace(server);
  const { failed, firstFailure } = await runLoad(server, {
    load: "fill",
    namespace: NAMESPACE,
    resource: "releasebindings",
    clients: 16,
    count: OBJECTS,
  });
  assert.equal(failed, 0, firstFailure);
}

async function makeNamespace(target: LoadTarget): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
  assert.equal(await statusOf(target, "POST", "/api/v1/namespaces", body), 201);
}

async function restart(): Promise<void> {
  await server.running.stop();
  await server.running.start();
  again.push(server.running.readyMs() / 1000);
}
