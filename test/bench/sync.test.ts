// From a push to what is applied, and what 5,000 manifests cost: the bundle as it is published, a real repository on this machine.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { isJsonObject, type JsonValue } from "../../src/domain/object/json.ts";
import { releaseBinding } from "./objects.ts";
import { canMeasureProcesses, usageOf } from "./processes.ts";
import { bundle, slipway, type BenchedServer } from "./slipway.ts";
import { markdownTable, median, percentile } from "./statistics.ts";

const FULL = process.env["SLIPWAY_TEST_FULL"] !== undefined;
const TRIALS = Number(process.env["SLIPWAY_BENCH_TRIALS"] ?? (FULL ? 20 : 3));
const MANIFESTS = Number(process.env["SLIPWAY_BENCH_MANIFESTS"] ?? (FULL ? 5_000 : 500));
const NAMESPACES = 10;

const MOST_POLLED_SECONDS = 2;
const MOST_HOOKED_SECONDS = 1;
const LONGEST_WAIT_MS = 300_000;
const HOOK_TOKEN = "the token of the bench";

let server: BenchedServer;
const rows: (readonly string[])[] = [];

before(async () => {
  server = await slipway("Slipway", process.env["SLIPWAY_BENCH_BIN"] ?? (await bundle()));
});
after(async () => {
  await server.close();
  console.log(markdownTable(["", "bar", "measured"], rows));
  console.log(
    `load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
  );
});

test(`a push is applied within ${MOST_POLLED_SECONDS} s where the repository is polled`, async () => {
  const project = await projectOf("polled", {});
  await trials(project, `push → applied, polled every second, s`, MOST_POLLED_SECONDS, () => Promise.resolve());
});

test(`a push is applied within ${MOST_HOOKED_SECONDS} s where the Git server calls`, async () => {
  const project = await projectOf("hooked", { interval: "1h", webhook: { secretRef: { name: "hook" }, provider: "generic" } });
  await trials(project, "push → applied, by webhook, s", MOST_HOOKED_SECONDS, async () => {
    const answer = await server.running.ask("POST", "/hooks/git/hooked/delivery", { token: HOOK_TOKEN, body: {} });
    assert.equal(answer.code, 202, answer.text);
  });
});

test(`${MANIFESTS} manifests: a first sync, a pass without a write, one changed file`, { skip: !canMeasureProcesses }, async () => {
  const namespaces = Array.from({ length: NAMESPACES }, (_, index) => `project-${index}`);
  for (const namespace of namespaces)
    await create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const project = await projectOf("many", { interval: "1h" }, async (folder) => {
    for (let index = 0; index < MANIFESTS; index++) await writeManifest(folder, namespaces[index % NAMESPACES] ?? "", index);
  });
  rows.push([`first sync of ${MANIFESTS} manifests`, "", project.firstSync]);

  const applied = await versions(namespaces);
  assert.equal(applied.size, MANIFESTS);
  rows.push([`pass over ${MANIFESTS} manifests, nothing to do`, "no write", await measured(() => passAsked(project))]);
  assert.deepEqual(await versions(namespaces), applied, "a pass with nothing to do wrote");

  await server.running.stop();
  await server.running.start();
  rows.push([`the same, the first one after a restart`, "no write", await measured(() => passAsked(project))]);
  assert.deepEqual(await versions(namespaces), applied, "a pass with nothing to do wrote");

  await writeManifest(project.folder, "project-7", 7);
  const changed = await measured(async () => {
    await commit(project.folder);
    await reconcile("gitrepositories/delivery", project.namespace);
    await appliedCommit(project);
  });
  rows.push([`one changed file of ${MANIFESTS}`, "one write", changed]);
  const now = await versions(namespaces);
  assert.deepEqual(
    [...now].filter(([name, version]) => applied.get(name) !== version).map(([name]) => name),
    ["project-7/app-7.production"],
  );
});

interface Project {
  readonly namespace: string;
  /** The work tree, which is the repository that is followed. */
  readonly folder: string;
  readonly firstSync: string;
}

/** A namespace with a repository, and a Sync that may write everywhere; waits until the first commit is applied. */
async function projectOf(
  namespace: string,
  repository: object,
  fill = (folder: string) => writeManifest(folder, namespace, 0),
): Promise<Project> {
  const folder = join(server.running.folder, namespace);
  await mkdir(folder);
  await git(folder, "init", "--quiet", "--initial-branch=main");
  await fill(folder);
  await commit(folder);
  await create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const inNamespace = (kind: string, name: string, apiVersion = "v1") => ({ apiVersion, kind, metadata: { name, namespace } });
  await create(`/api/v1/namespaces/${namespace}/serviceaccounts`, inNamespace("ServiceAccount", "delivery"));
  await create(`/api/v1/namespaces/${namespace}/secrets`, { ...inNamespace("Secret", "hook"), stringData: { token: HOOK_TOKEN } });
  await create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `delivery-${namespace}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "slipway:sync" },
    subjects: [{ kind: "ServiceAccount", name: "delivery", namespace }],
  });
  const project = { namespace, folder };
  const firstSync = await measured(async () => {
    const root = `/apis/slipway.dev/v1alpha1/namespaces/${namespace}`;
    await create(`${root}/gitrepositories`, {
      ...inNamespace("GitRepository", "delivery", "slipway.dev/v1alpha1"),
      spec: { url: folder, ...repository },
    });
    await create(`${root}/syncs`, {
      ...inNamespace("Sync", "bindings", "slipway.dev/v1alpha1"),
      spec: { source: { repository: "delivery" }, path: "bindings", serviceAccountName: "delivery" },
    });
    await appliedCommit(project);
  });
  return { ...project, firstSync };
}

async function writeManifest(folder: string, namespace: string, index: number): Promise<void> {
  const place = join(folder, "bindings", namespace);
  await mkdir(place, { recursive: true });
  const name = `app-${index}.production`;
  await writeFile(join(place, `${name}.yaml`), JSON.stringify(releaseBinding(namespace, name, index), null, 2)); // JSON is YAML
}

async function trials(project: Project, name: string, bar: number, tell: () => Promise<void>): Promise<void> {
  const { namespace, folder } = project;
  const path = `/apis/slipway.dev/v1alpha1/namespaces/${namespace}/releasebindings/app-0.production`;
  const seconds: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    await writeManifest(folder, namespace, 0);
    const wanted = textAt(
      JSON.parse(await readFile(join(folder, "bindings", namespace, "app-0.production.yaml"), "utf8")),
      "spec",
      "release",
    );
    await commit(folder);
    const began = performance.now();
    await tell();
    await until(async () => textAt((await server.running.ask("GET", path)).body, "spec", "release") === wanted);
    seconds.push((performance.now() - began) / 1000);
    // Not always at the same moment of the second at which it is polled.
    await pause(200 + trial * 37);
  }
  const [middle, p95, longest] = [median(seconds), percentile(seconds, 0.95), Math.max(...seconds)];
  rows.push([name, `≤ ${bar}`, `median ${middle.toFixed(2)}, p95 ${p95.toFixed(2)}, longest ${longest.toFixed(2)} (${TRIALS} trials)`]);
  assert.ok(middle <= bar, `a push was applied after ${middle.toFixed(2)} s (median of ${TRIALS}), not within ${bar} s`);
}

async function appliedCommit({ namespace, folder }: Pick<Project, "namespace" | "folder">): Promise<void> {
  const head = (await git(folder, "rev-parse", "HEAD")).trim();
  let said = "";
  await until(
    async () => {
      const { body, text } = await server.running.ask("GET", `/apis/slipway.dev/v1alpha1/namespaces/${namespace}/syncs/bindings`);
      said = text;
      return textAt(body, "status", "commit") === head;
    },
    () => `the Sync says ${said}`,
  );
}

/** Asks for a pass and waits until it has been made. */
async function passAsked({ namespace }: Project): Promise<void> {
  const asked = await reconcile("syncs/bindings", namespace);
  const path = `/apis/slipway.dev/v1alpha1/namespaces/${namespace}/syncs/bindings`;
  await until(async () => textAt((await server.running.ask("GET", path)).body, "status", "lastHandledReconcileAt") === asked);
}

async function reconcile(what: string, namespace: string): Promise<string> {
  const asked = new Date().toISOString();
  const body = { metadata: { annotations: { "slipway.dev/reconcile-at": asked } } };
  const path = `/apis/slipway.dev/v1alpha1/namespaces/${namespace}/${what}`;
  const answer = await server.running.ask("PATCH", path, { body, type: "application/merge-patch+json" });
  assert.equal(answer.code, 200, answer.text);
  return asked;
}

/** Wall clock, and CPU of the control plane (with its git) and of PostgreSQL. */
async function measured(act: () => Promise<void>): Promise<string> {
  const cpu = (): readonly [number, number] => {
    if (!canMeasureProcesses) return [0, 0];
    const [all, postgres] = [usageOf(server.pids(), false), usageOf([postmaster()], false)];
    return [all.cpuSeconds - postgres.cpuSeconds, postgres.cpuSeconds];
  };
  const [own, postgres] = cpu();
  const began = performance.now();
  await act();
  const seconds = (performance.now() - began) / 1000;
  const [ownAfter, postgresAfter] = cpu();
  return `${seconds.toFixed(2)} s; CPU: control plane ${(ownAfter - own).toFixed(2)} s, PostgreSQL ${(postgresAfter - postgres).toFixed(2)} s`;
}

const postmaster = (): number => Number(readFileSync(join(server.running.data, "postgres/data/postmaster.pid"), "utf8").split("\n")[0]);

/** resourceVersions by `namespace/name`. */
async function versions(namespaces: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const namespace of namespaces) {
    const { body } = await server.running.ask("GET", `/apis/slipway.dev/v1alpha1/namespaces/${namespace}/releasebindings`);
    const items = isJsonObject(body) && Array.isArray(body["items"]) ? body["items"] : [];
    for (const item of items) found.set(`${namespace}/${textAt(item, "metadata", "name")}`, textAt(item, "metadata", "resourceVersion"));
  }
  return found;
}

async function create(path: string, body: object): Promise<void> {
  const answer = await server.running.ask("POST", path, { body });
  assert.equal(answer.code, 201, answer.text);
}

async function until(holds: () => Promise<boolean>, said = () => ""): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it did not happen within ${LONGEST_WAIT_MS / 1000} s; ${said()}`);
    await pause(20);
  }
}

async function commit(folder: string): Promise<void> {
  await git(folder, "add", "--all");
  await git(folder, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "--quiet", "--message=A change");
}

async function git(folder: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("git", ["-C", folder, ...options]);
  return stdout;
}

/** The text at a path; "" where there is none. */
function textAt(value: JsonValue | undefined, ...path: readonly string[]): string {
  const found = path.reduce<JsonValue | undefined>((at, name) => (isJsonObject(at) ? at[name] : undefined), value);
  return typeof found === "string" ? found : "";
}
