// The load generator, a process of its own: reads one LoadPlan as JSON from standard input, does it, writes one LoadResult to standard output.
// HTTP/1.1 over TLS with keep-alive for every server alike; it knows nothing of the server it loads.
import { once } from "node:events";
import { Agent, request } from "node:https";
import { json } from "node:stream/consumers";
import { releaseBinding, role } from "./objects.ts";

export interface LoadTarget {
  readonly url: string;
  readonly token: string;
  /** PEM of whoever signed the server's certificate. */
  readonly authority: string;
}

export type LoadPlan = { readonly target: LoadTarget; readonly namespace: string } & (
  | { readonly load: "fill"; readonly resource: LoadResource; readonly clients: number; readonly count: number }
  | {
      readonly load: "create" | "get" | "patch";
      readonly resource: LoadResource;
      readonly clients: number;
      readonly seconds: number;
      /** Gets and patches go round the first `count` objects; creates count on from there. */
      readonly count: number;
    }
  | { readonly load: "list"; readonly resource: LoadResource; readonly times: number }
  | {
      readonly load: "watch";
      readonly watchers: number;
      readonly writers: number;
      /** All writers together; absent: as fast as they are answered. */
      readonly writesPerSecond?: number;
      readonly seconds: number;
      readonly count: number;
    }
);

export type LoadResource = "releasebindings" | "roles";

export interface LoadResult {
  /** Answers, or events delivered to watchers. */
  readonly done: number;
  /** Answers that were none of the expected ones, or events that a watcher never got. */
  readonly failed: number;
  readonly firstFailure?: string;
  readonly seconds: number;
  /** Latencies in milliseconds: of answers, of whole lists; for watches from the write's answer to the event's arrival, 0 where the event came first. */
  readonly p50: number;
  readonly p99: number;
  /** For lists: of the last one. */
  readonly bytes: number;
  /** What this generator itself took. */
  readonly cpuSeconds: number;
}

const ROOTS: Readonly<Record<LoadResource, string>> = {
  releasebindings: "/apis/slipway.dev/v1alpha1",
  roles: "/apis/rbac.authorization.k8s.io/v1",
};
const EVENTS_ARRIVE_WITHIN_MS = 5_000;

type Measured = Omit<LoadResult, "cpuSeconds">;

async function run(plan: LoadPlan): Promise<Measured> {
  switch (plan.load) {
    case "fill":
      return requests(plan, Infinity, plan.count, (index) => creation(plan, index));
    case "create":
      return requests(plan, plan.seconds, Infinity, (index) => creation(plan, plan.count + index));
    case "get":
      return requests(plan, plan.seconds, Infinity, (index) => ({
        method: "GET",
        path: pathOf(plan, nameOf(index % plan.count)),
        code: 200,
      }));
    case "patch": {
      const start = Date.now(); // no label is written that is there already
      return requests(plan, plan.seconds, Infinity, (index) => labelling(plan, start + index));
    }
    case "list":
      return requests({ ...plan, clients: 1 }, Infinity, plan.times, () => ({ method: "GET", path: pathOf(plan, ""), code: 200 }));
    case "watch":
      return watching(plan);
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
  readonly code: number;
}

function creation(plan: { readonly namespace: string; readonly resource: LoadResource }, index: number): Call {
  const make = plan.resource === "roles" ? role : releaseBinding;
  return {
    method: "POST",
    path: pathOf(plan, ""),
    body: JSON.stringify(make(plan.namespace, nameOf(index), index)),
    type: "application/json",
    code: 201,
  };
}

function labelling(plan: { readonly namespace: string; readonly resource: LoadResource; readonly count: number }, index: number): Call {
  return {
    method: "PATCH",
    path: pathOf(plan, nameOf(index % plan.count)),
    body: JSON.stringify({ metadata: { labels: { [SEQUENCE]: `s${index}` } } }),
    type: "application/merge-patch+json",
    code: 200,
  };
}

const SEQUENCE = "bench-sequence";

// As a ReleaseBinding is named: application, environment.
const nameOf = (index: number): string => `app-${index}.production`;

const pathOf = ({ resource, namespace }: { readonly resource: LoadResource; readonly namespace: string }, name: string): string =>
  `${ROOTS[resource]}/namespaces/${namespace}/${resource}${name === "" ? "" : `/${name}`}`;

/** So many clients, each asking again when it is answered, until the time is over or `most` have been asked. */
async function requests(
  { target, clients }: { readonly target: LoadTarget; readonly clients: number },
  seconds: number,
  most: number,
  callOf: (index: number) => Call,
): Promise<Measured> {
  const connections = agentOf(target, clients);
  const latencies: number[] = [];
  const failures: string[] = [];
  let [index, bytes] = [0, 0];
  const began = performance.now();
  const client = async (): Promise<void> => {
    while (index < most && performance.now() - began < seconds * 1000) {
      const call = callOf(index++);
      const asked = performance.now();
      const answer = await ask(connections, target, call);
      latencies.push(performance.now() - asked);
      bytes = answer.bytes;
      if (answer.code !== call.code) failures.push(`${call.method} ${call.path}: ${answer.code} ${answer.start}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const took = (performance.now() - began) / 1000;
  connections.destroy();
  return { ...measured(latencies, failures), done: latencies.length - failures.length, seconds: took, bytes };
}

/** Watchers each on a connection of their own, from the version of now; writers that patch. Every patch is an event for every watcher. */
async function watching(plan: Extract<LoadPlan, { load: "watch" }>): Promise<Measured> {
  const { target, namespace, watchers, writers, seconds, count } = plan;
  const writing = { namespace, count, resource: "releasebindings" } as const;
  const connections = agentOf(target, writers);
  const arrivals: Arrival[] = [];
  const watches = await Promise.all(Array.from({ length: watchers }, () => watch(target, pathOf(writing, ""), arrivals)));
  const answered = new Map<number, number>();
  const failures: string[] = [];
  let index = Date.now(); // no label is written that is there already: that would be no event
  const began = performance.now();
  const pace = plan.writesPerSecond === undefined ? 0 : (1000 * writers) / plan.writesPerSecond;
  const writer = async (): Promise<void> => {
    for (let due = began; performance.now() - began < seconds * 1000; due += pace) {
      const sequence = index++;
      const answer = await ask(connections, target, labelling(writing, sequence));
      if (answer.code === 200) answered.set(sequence, performance.now());
      else failures.push(`PATCH: ${answer.code} ${answer.start}`);
      const rest = due + pace - performance.now();
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const wanted = answered.size * watchers;
  const deadline = performance.now() + EVENTS_ARRIVE_WITHIN_MS;
  while (arrivals.length < wanted && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  const last = arrivals.at(-1)?.at ?? performance.now();
  for (const end of watches) end();
  connections.destroy();
  const latencies = arrivals.map(({ sequence, at }) => Math.max(0, at - (answered.get(sequence) ?? at)));
  const missing = wanted - arrivals.length;
  const all =
    missing === 0
      ? failures
      : [...failures, ...Array.from({ length: Math.abs(missing) }, () => `${missing} events of ${wanted} are missing`)];
  return { ...measured(latencies, all), done: arrivals.length, seconds: (last - began) / 1000, bytes: 0 };
}

interface Arrival {
  readonly sequence: number;
  readonly at: number;
}

/** Opens a watch from now on and notes when which event came; gives the way to end it. */
async function watch(target: LoadTarget, path: string, arrivals: Arrival[]): Promise<() => void> {
  const alone = agentOf(target, 1);
  const asked = request(new URL(`${path}?watch=1&resourceVersion=${await versionNow(alone, target, path)}`, target.url), {
    agent: alone,
    headers: { authorization: `Bearer ${target.token}` },
  });
  const response = once(asked, "response");
  asked.end();
  const [stream] = (await response) as [NodeJS.ReadableStream & { readonly statusCode: number }]; // what the event `response` carries
  if (stream.statusCode !== 200) throw new Error(`the watch was answered ${stream.statusCode}`);
  const mark = Buffer.from(`"${SEQUENCE}":"s`);
  let rest: Buffer = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    const at = performance.now();
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = text.lastIndexOf(0x0a) + 1;
    for (let from = 0; from < end;) {
      const line = text.indexOf(0x0a, from) + 1;
      const found = text.indexOf(mark, from);
      // Bookmarks carry no mark: the next one found is beyond this line.
      if (found >= 0 && found < line)
        arrivals.push({ sequence: Number.parseInt(text.toString("latin1", found + mark.length, found + mark.length + 15), 10), at });
      from = line;
    }
    rest = text.subarray(end);
  });
  stream.on("error", () => undefined); // the end below
  return () => {
    asked.destroy();
    alone.destroy();
  };
}

async function versionNow(agent: Agent, target: LoadTarget, path: string): Promise<string> {
  const { start } = await ask(agent, target, { method: "GET", path: `${path}?fieldSelector=metadata.name%3Dnone`, code: 200 });
  const version = /"metadata":\{[^{}]*"resourceVersion":"(\d+)"/.exec(start)?.[1];
  if (version === undefined) throw new Error(`no resourceVersion in the list that begins with ${start}`);
  return version;
}

interface Answered {
  readonly code: number;
  readonly bytes: number;
  /** The first piece of the body, for messages. */
  readonly start: string;
}

function ask(agent: Agent, target: LoadTarget, call: Call): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(call.path, target.url), {
      agent,
      method: call.method,
      headers: {
        authorization: `Bearer ${target.token}`,
        accept: "application/json",
        ...(call.body === undefined ? {} : { "content-type": call.type, "content-length": Buffer.byteLength(call.body) }),
      },
    });
    asked.once("error", reject);
    asked.once("response", (response) => {
      let bytes = 0;
      let start = "";
      response.on("data", (chunk: Buffer) => {
        if (bytes === 0) start = chunk.toString("latin1", 0, 400);
        bytes += chunk.length;
      });
      response.once("error", reject);
      response.once("end", () => resolve({ code: response.statusCode ?? 0, bytes, start }));
    });
    asked.end(call.body);
  });
}

const agentOf = (target: LoadTarget, connections: number): Agent =>
  new Agent({ keepAlive: true, maxSockets: connections, ca: target.authority });

function measured(latencies: readonly number[], failures: readonly string[]): Pick<Measured, "failed" | "firstFailure" | "p50" | "p99"> {
  const sorted = Float64Array.from(latencies).sort();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  const [firstFailure] = failures;
  return { failed: failures.length, p50: at(0.5), p99: at(0.99), ...(firstFailure === undefined ? {} : { firstFailure }) };
}

// Whoever imports this file for its types does not start a load.
if (import.meta.main) {
  const plan = (await json(process.stdin)) as LoadPlan; // written by `runLoad` in run-load.ts
  const measured = await run(plan);
  const { user, system } = process.cpuUsage();
  const result: LoadResult = { ...measured, cpuSeconds: (user + system) / 1e6 };
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}
