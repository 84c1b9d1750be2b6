import { createHash } from "node:crypto";
import { memoryStore } from "../../src/adapters/memory/memory-store.ts";
import { yamlManifests } from "../../src/adapters/yaml/manifests.ts";
import { catalog } from "../../src/api/catalog.ts";
import { type ApiObject, keyText, type ObjectKey } from "../../src/domain/object/api-object.ts";
import { applySetId } from "../../src/domain/sync/apply-set.ts";
import { instant } from "../../src/domain/units.ts";
import { wakesOf } from "../../src/engine/wakes.ts";
import type { PassReport } from "../../src/ports/telemetry.ts";
import { ensureBootstrap } from "../../src/server/access/ensure-bootstrap.ts";
import { serverCaller } from "../../src/server/access/identities.ts";
import { admission } from "../../src/server/admitted.ts";
import { ensureNamespaces } from "../../src/main/ensure-namespaces.ts";
import { type FaultRates, NO_FAULTS } from "./faults.ts";
import { Violation } from "./observer.ts";
import { Plane, seededIds, sha256Base64url } from "./plane.ts";
import { Random } from "./random.ts";
import { Repository } from "./repository.ts";
import type { Sabotage } from "./sabotage.ts";
import { NO_SABOTAGE } from "./sabotage.ts";
import { Scheduler } from "./scheduler.ts";
import { type Shared, sharedStore } from "./shared.ts";
import { keyOf, type Users, usersOf } from "./users.ts";

const START = instant(Date.parse("2026-01-31T12:00:00Z"));

/** A schedule takes some 700; one that takes this many is in a loop. */
const MOST_STEPS = 20_000;

/** Control planes on one store and one repository, people, and a plan of faults; all of it follows from the seed. */
export class World {
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly repository: Repository;
  readonly shared: Shared;
  readonly users: Users;
  readonly passes: PassReport[] = [];
  readonly lines: string[] = [];
  rates: FaultRates = NO_FAULTS;
  /** Whether people act at the worst moment. */
  interferes = true;
  planes: Plane[] = [];
  readonly #sabotage: Sabotage;
  #planesMade = 0;

  constructor(seed: number, sabotage: Sabotage = NO_SABOTAGE) {
    this.random = new Random(seed);
    this.#sabotage = sabotage;
    this.scheduler = new Scheduler(START, this.random.fork());
    this.repository = new Repository(() => this.scheduler.now);
    const stale = this.random.fork();
    this.shared = sharedStore(this.scheduler, sabotage, wakesOf(catalog.kinds), () => this.repository.headBefore(stale.between(0, 2)));
    this.shared.observer.repository = this.repository;
    this.shared.observer.tell = (line) => this.log(line);
    this.users = usersOf(this.shared, this.scheduler.clock(), this.random.fork());
  }

  /** What every store holds before the first control plane runs. */
  async begin(): Promise<void> {
    const objects = await bootstrapped();
    await this.shared.resources.commit({ writes: objects.map(({ key, object }) => ({ verb: "create", key, object })) });
    for (const { namespace, account, name } of SYNCS) {
      const id = applySetId({ namespace, name }, sha256Base64url);
      this.shared.observer.setOf.set(`system:serviceaccount:${namespace}:${account}`, id);
    }
  }

  /** Another control plane comes up. */
  start(): void {
    const name = `plane-${++this.#planesMade}`;
    this.log(`${name} starts`);
    this.planes.push(
      new Plane({
        name,
        scheduler: this.scheduler,
        random: this.random.fork(),
        rates: () => this.rates,
        shared: this.shared,
        git: this.repository.git.source,
        manifests,
        sabotage: this.#sabotage,
        log: (line) => this.log(line),
        passed: (report) => {
          this.passes.push({ ...report, ended: this.scheduler.now });
          this.log(
            `${name} passed ${report.controller} ${report.key.namespace}/${report.key.name} epoch ${report.epoch}: ${report.outcome}`,
          );
        },
        incident: (fields) => this.shared.observer.fail(`a pass failed by a fault of the program: ${JSON.stringify(fields)}`),
      }),
    );
  }

  kill(plane: Plane): void {
    this.log(`${plane.name} is killed`);
    plane.kill();
    this.planes = this.planes.filter((one) => one !== plane);
  }

  log(line: string): void {
    this.lines.push(`${((this.scheduler.now - START) / 1000).toFixed(3)} ${line}`);
  }

  get hash(): string {
    return createHash("sha256").update(this.lines.join("\n")).update(String(this.shared.observer.version)).digest("hex");
  }

  /** Time passes; what is broken at the end of a step ends it. */
  async pass(length: number, isEnough: () => boolean = () => false): Promise<void> {
    const { observer } = this.shared;
    await this.scheduler.runUntil(
      this.scheduler.now + length,
      () => observer.violation !== undefined || this.scheduler.steps > MOST_STEPS || isEnough(),
    );
    if (observer.violation !== undefined) throw observer.violation;
    if (this.scheduler.steps > MOST_STEPS) throw new Violation(`runs hot: more than ${MOST_STEPS} steps`);
  }
}

/** The Syncs of the simulation, each with its repository and account. */
export const SYNCS = [
  { namespace: "shop", name: "app", account: "deployer", path: "app" },
  { namespace: "other", name: "lib", account: "librarian", path: "lib" },
] as const;

export const syncKey = ({ namespace, name }: { readonly namespace: string; readonly name: string }): ObjectKey => ({
  group: "slipway.dev",
  resource: "syncs",
  namespace,
  name,
});

/** Files are parsed once for all schedules: equal texts have equal ids. */
const manifests = yamlManifests();

interface Stored {
  readonly key: ObjectKey;
  readonly object: ApiObject;
}

let made: Promise<readonly Stored[]> | undefined;

/** The bootstrap policy and two projects, as admission made them once. */
function bootstrapped(): Promise<readonly Stored[]> {
  return (made ??= makeBootstrap());
}

async function makeBootstrap(): Promise<readonly Stored[]> {
  const random = new Random(1);
  const scheduler = new Scheduler(START, random);
  const clock = scheduler.clock();
  const derivations = { fields: () => ({}), links: () => [], wakes: () => [] };
  const { resources } = memoryStore({ clock, derivations });
  const authorizer = { authorize: () => Promise.resolve({ allowed: true, reason: "" }) };
  const asServer = admission({ resources, catalog, authorizer, clock, ids: seededIds(random) }).as(serverCaller);
  await ensureBootstrap(asServer);
  await ensureNamespaces(asServer);
  for (const object of PROJECTS)
    await asServer.commit({ writes: [{ verb: "create", key: keyOf(object), object, intent: { verb: "create", manager: "kubectl" } }] });
  const stored: Stored[] = [];
  for (const { group, resource, verbs } of catalog.kinds) {
    if (verbs?.includes("list") === false) continue;
    for (const { key, object } of (await resources.list({ group, resource })).items) stored.push({ key, object });
  }
  return stored.sort((a, b) => (keyText(a.key) < keyText(b.key) ? -1 : 1));
}

export const accountOf = ({ namespace, account }: (typeof SYNCS)[number]): ApiObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: account, namespace },
});

const PROJECTS: readonly ApiObject[] = SYNCS.flatMap((sync) => [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: sync.namespace } },
  accountOf(sync),
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: sync.account },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", name: sync.account, namespace: sync.namespace }],
  },
]);
