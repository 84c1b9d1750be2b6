// Requests per second, lists and watches: Slipway beside a Kubernetes API server on etcd where those programs are on PATH, and beside another build of
// Slipway where SLIPWAY_BENCH_BEFORE names its dist/bin.js. Rounds alternate between the servers, so that other work on the machine meets them alike.
import assert from "node:assert/strict";
import { loadavg } from "node:os";
import { after, before, test } from "node:test";
import type { Load, LoadRun, Server } from "./run-load.ts";
import { runLoad } from "./run-load.ts";
import { kubernetes, statusOf } from "./peer.ts";
import { canMeasureProcesses, usageOf } from "./processes.ts";
import { bundle, slipway } from "./slipway.ts";
import { markdownTable, median, spread } from "./statistics.ts";

const FULL = process.env["SLIPWAY_TEST_FULL"] !== undefined;
const ROUNDS = Number(process.env["SLIPWAY_BENCH_ROUNDS"] ?? (FULL ? 3 : 1));
const SECONDS = Number(process.env["SLIPWAY_BENCH_SECONDS"] ?? (FULL ? 2 : 1));
const ONLY = process.env["SLIPWAY_BENCH_ONLY"] ?? "";
const CLIENTS = 16;
const LISTED = 10_000;
const GOT = 1_000;

const clients = CLIENTS;
const seconds = SECONDS;
const own = { resource: "releasebindings", clients, seconds, count: GOT } as const;
const builtIn = { resource: "roles", clients, seconds, count: GOT } as const;
const watching = { load: "watch", namespace: "bench-watch", watchers: 100, seconds, count: 100 } as const;

/** `namespace` of a load that creates is a new one in each round. */
const loads: readonly { readonly name: string; readonly load: Load; readonly isRate: boolean; readonly fresh?: true }[] = [
  { name: "create ReleaseBinding, /s", load: { load: "create", namespace: "", ...own }, isRate: true, fresh: true },
  { name: "get ReleaseBinding, /s", load: { load: "get", namespace: "bench-base", ...own }, isRate: true },
  { name: "merge patch ReleaseBinding, /s", load: { load: "patch", namespace: "bench-base", ...own }, isRate: true },
  { name: "create Role, /s", load: { load: "create", namespace: "", ...builtIn }, isRate: true, fresh: true },
  { name: "get Role, /s", load: { load: "get", namespace: "bench-base", ...builtIn }, isRate: true },
  {
    name: `list of ${LISTED} ReleaseBindings, ms`,
    load: { load: "list", namespace: "bench-list", resource: "releasebindings", times: 5 },
    isRate: false,
  },
  { name: "events to 100 watchers, /s", load: { ...watching, writers: 4 }, isRate: true },
  { name: "100 writes/s to 100 watchers, p99 ms", load: { ...watching, writers: 4, writesPerSecond: 100 }, isRate: false },
];

let servers: Server[] = [];
before(async () => {
  if (!canMeasureProcesses) return;
  servers = [await slipway("Slipway", process.env["SLIPWAY_BENCH_BIN"] ?? (await bundle()))];
  const [older, peer] = [process.env["SLIPWAY_BENCH_BEFORE"], await kubernetes()];
  if (older !== undefined) servers.push(await slipway("Slipway before", older));
  if (peer !== undefined) servers.push(peer);
});
after(async () => {
  for (const server of servers) await server.close();
});

test("requests, lists and watches are all answered, and the table says how fast", { skip: !canMeasureProcesses }, async () => {
  for (const server of servers) await prepare(server);
  const runs = new Map(servers.map((server) => [server, new Map<string, LoadRun[]>()]));
  const began = loadavg();
  for (let round = 0; round < ROUNDS; round++)
    for (const { name, load, fresh } of loads.filter(({ name }) => name.includes(ONLY)))
      // A B, then B A: whoever comes second finds a disk that the first one made busy.
      for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
        const namespace = fresh === true ? `bench-${load.load}-${round}` : load.namespace;
        if (fresh === true) await makeNamespace(server, namespace);
        const run = await runLoad(server, { ...load, namespace });
        assert.equal(run.failed, 0, `${server.name}: ${name}: ${run.failed} failed, the first: ${run.firstFailure ?? ""}`);
        const known = runs.get(server);
        known?.set(name, [...(known.get(name) ?? []), run]);
      }
  print(runs, began);
});

async function prepare(server: Server): Promise<void> {
  for (const namespace of ["bench-base", "bench-list", "bench-watch"]) await makeNamespace(server, namespace);
  const fill = { load: "fill", clients, resource: "releasebindings" } as const;
  const filled = async (load: Load): Promise<void> => {
    const { failed, firstFailure } = await runLoad(server, load);
    assert.equal(failed, 0, `${server.name} refused ${failed} objects to begin with, the first: ${firstFailure ?? ""}`);
  };
  await filled({ ...fill, namespace: "bench-base", count: GOT });
  await filled({ ...fill, namespace: "bench-base", count: GOT, resource: "roles" });
  await filled({ ...fill, namespace: "bench-watch", count: watching.count });
  if ("list of".startsWith(ONLY.slice(0, 4))) await filled({ ...fill, namespace: "bench-list", count: LISTED });
}

async function makeNamespace(server: Server, name: string): Promise<void> {
  const code = await statusOf(server, "POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  assert.ok(code === 201 || code === 409, `${server.name} answered ${code} to a new namespace`);
}

function print(runs: ReadonlyMap<Server, ReadonlyMap<string, readonly LoadRun[]>>, began: readonly number[]): void {
  const [own, ...others] = [...runs];
  if (own === undefined) return;
  const rows = loads.flatMap(({ name, isRate }) => {
    const ours = own[1].get(name);
    if (ours === undefined) return [];
    return [
      [
        name,
        cell(ours, isRate),
        ...others.flatMap(([, of]) => {
          const theirs = of.get(name) ?? [];
          const ratio = ours.map((run, round) => figure(run, isRate) / figure(theirs[round] ?? run, isRate));
          return [cell(theirs, isRate), `${median(ratio).toFixed(2)}×`];
        }),
      ],
    ];
  });
  const memory = ["memory (PSS) afterwards, MiB", ...[own, ...others].map(([server]) => usageOf(server.pids()).pssMiB.toFixed(0))];
  const [ofOwn = "", ...ofOthers] = memory.slice(1);
  console.log(
    markdownTable(
      ["", own[0].name, ...others.flatMap(([{ name }]) => [name, "ratio"])],
      [...rows, [memory[0] ?? "", ofOwn, ...ofOthers.flatMap((of) => [of, `${(Number(ofOwn) / Number(of)).toFixed(2)}×`])]],
    ),
  );
  console.log(
    `medians of ${ROUNDS} rounds of ${SECONDS} s (lowest–highest); in brackets CPU of the server per answer, event or list; load average ${began.map((load) => load.toFixed(1)).join(", ")} before, ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")} after`,
  );
  if (others.length === 0) console.log("no kube-apiserver and etcd on PATH: Slipway alone was measured");
}

function cell(runs: readonly LoadRun[], isRate: boolean): string {
  const each = median(runs.map(({ serverCpuSeconds, done }) => (serverCpuSeconds * 1000) / done));
  return `${spread(
    runs.map((run) => figure(run, isRate)),
    isRate ? 0 : 1,
  )} [${each.toFixed(each < 1 ? 3 : 1)} ms]`;
}

/** Answers or events per second; else milliseconds: of lists the middle, of watches the 99th percentile. */
function figure(run: LoadRun, isRate: boolean): number {
  if (isRate) return run.done / run.seconds;
  return run.bytes > 0 ? run.p50 : run.p99;
}
