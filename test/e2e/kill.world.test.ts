import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { postmasterOf, processesOf } from "../fixtures/load/processes.ts";
import { Watcher } from "../fixtures/load/watcher.ts";
import { type Acknowledged, BINDINGS, listed, versionOf, Writers } from "../fixtures/load/writers.ts";
import { runningServer, type RunningServer } from "../fixtures/running-server.ts";

// kill -9 of the control plane, of its PostgreSQL and of both, in turn, while 8 clients write over HTTP and 3 watchers follow.

const KILLS = Number(process.env["SLIPWAY_KILLS"] ?? (process.env["SLIPWAY_TEST_FULL"] === undefined ? 4 : 30));
const CLIENTS = 8;
const WATCHERS = 3;
const NAMESPACE = "killed";
const VICTIMS = ["control plane", "PostgreSQL", "both"] as const;

test(`${KILLS} kills under write load: nothing acknowledged is lost, versions grow, watchers miss and double nothing`, async (context) => {
  const server = await runningServer();
  const over = new AbortController();
  try {
    await storm(server, over, (line) => {
      context.diagnostic(line);
    });
  } catch (cause) {
    const faults = (await server.log()).split("\n").filter((line) => line.includes('"level":50') || !line.startsWith("{"));
    throw new Error(`${String(cause)}\nthe server's log has:\n${faults.join("\n").slice(0, 20_000)}`, { cause });
  } finally {
    over.abort();
    await server.close();
  }
});

async function storm(server: RunningServer, over: AbortController, tell: (line: string) => void): Promise<void> {
  const made = await server.ask("POST", "/api/v1/namespaces", {
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
  });
  assert.equal(made.code, 201, made.text);
  const path = BINDINGS(NAMESPACE);
  const from = versionOf((await server.ask("GET", path)).body);
  const watchers = Array.from({ length: WATCHERS }, () => new Watcher(() => ({ ...server, path }), from, over.signal));
  const writers = new Writers(() => server.ask, NAMESPACE, CLIENTS, over.signal);
  const [readyMs, backMs]: [number[], number[]] = [[], []];
  const began = performance.now();
  for (let kill = 0; kill < KILLS; kill++) {
    await writers.more(40);
    await sleep(Math.random() * 300); // at any moment of the load
    const victim = VICTIMS[kill % VICTIMS.length] ?? "both";
    const since = performance.now();
    await killed(server, victim);
    if (victim !== "PostgreSQL") readyMs.push(server.readyMs());
    await writers.more(1);
    backMs.push(performance.now() - since);
  }
  await writers.more(100);
  const seconds = (performance.now() - began) / 1000;

  const expected = await writers.stop();
  const found = await listed(server.ask, NAMESPACE);
  assert.deepEqual(writers.problems, []);
  assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()), "what is there is not what was acknowledged");
  const goal = versionOf((await server.ask("GET", path)).body);
  for (const watcher of watchers) await caughtUp(watcher, goal);
  for (const watcher of watchers) verify(watcher, writers.acknowledged, found);
  const serving = await processesOf(server.data);
  assert.equal(serving.filter(({ command }) => command.includes(" serve ")).length, 1, JSON.stringify(serving));
  assert.equal(serving.filter(({ command }) => / -D \S*postgres\/data/.test(command)).length, 1, JSON.stringify(serving));

  const stopping = performance.now();
  await server.stop();
  const stopMs = performance.now() - stopping;
  over.abort();
  for (const watcher of watchers) await watcher.ended();
  const left = await processesOf(server.data);
  assert.deepEqual(left, [], "something outlived its server");
  tell(
    `${KILLS} kills in ${seconds.toFixed(0)} s: ${writers.acknowledged.length} writes acknowledged, ${writers.failures} requests without effect or answer, ${watchers.reduce((sum, { connections }) => sum + connections, 0)} watches; ` +
      `ready again after at most ${(Math.max(...readyMs) / 1000).toFixed(2)} s, first write after a kill ${(Math.max(...backMs) / 1000).toFixed(2)} s at most; SIGTERM took ${stopMs.toFixed(0)} ms`,
  );
}

async function killed(server: RunningServer, victim: (typeof VICTIMS)[number]): Promise<void> {
  const postmaster = await postmasterOf(server.data);
  switch (victim) {
    case "control plane":
      await server.kill();
      await server.start();
      assert.equal(await postmasterOf(server.data), postmaster, "PostgreSQL was left running, and is to be used on");
      return;
    case "PostgreSQL":
      process.kill(postmaster, "SIGKILL");
      return;
    case "both":
      process.kill(postmaster, "SIGKILL");
      await server.kill();
      await server.start();
  }
}

async function caughtUp(watcher: Watcher, goal: number): Promise<void> {
  const last = watcher.seen.at(-1)?.version ?? 0;
  const end = performance.now() + 30_000;
  while (watcher.last < goal) {
    await sleep(20);
    if (performance.now() > end) throw new Error(`a watcher stopped at ${watcher.last} (an event at ${last}) before ${goal}`);
  }
}

/** Each acknowledged write is one event of the watcher, in order; and the events lead to what is there. */
function verify(
  watcher: Watcher,
  acknowledged: readonly Acknowledged[],
  found: ReadonlyMap<string, { readonly value: string; readonly version: number }>,
): void {
  assert.deepEqual(watcher.problems, []);
  const events = new Map(watcher.seen.map((event) => [event.version, event]));
  assert.equal(events.size, watcher.seen.length, "an event came twice");
  for (const { verb, name, value, version } of acknowledged) {
    if (verb === "delete") continue; // its event has a version of its own: it is seen in the replay
    const event = events.get(version);
    assert.ok(event !== undefined, `${verb} of ${name} at version ${version} was acknowledged, and the watcher never saw it`);
    assert.deepEqual([event.name, event.value], [name, value]);
  }
  const replayed = new Map<string, { value: string; version: number }>();
  for (const { type, name, value, version } of watcher.seen) {
    assert.equal(type === "ADDED", !replayed.has(name), `${type} of ${name} at ${version} does not follow from what was seen before`);
    if (type === "DELETED") replayed.delete(name);
    else replayed.set(name, { value, version });
  }
  assert.deepEqual(new Map([...replayed].sort()), new Map([...found].sort()), "the watcher does not end where the list does");
}
