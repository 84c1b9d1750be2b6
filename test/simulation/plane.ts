import { createHash } from "node:crypto";
import { catalog } from "../../src/api/catalog.ts";
import { accessTokenController } from "../../src/engine/access-token/access-token-controller.ts";
import type { AnyController } from "../../src/engine/controller.ts";
import { garbageCollector } from "../../src/engine/garbage-collector/garbage-collector.ts";
import { gitRepositoryController } from "../../src/engine/git-repository/git-repository-controller.ts";
import { Loop } from "../../src/engine/loop.ts";
import { namespaceController } from "../../src/engine/namespace/namespace-controller.ts";
import { passes } from "../../src/engine/pass.ts";
import { Comparer } from "../../src/engine/sync/compare.ts";
import type { SyncPorts } from "../../src/engine/sync/observe.ts";
import { syncController } from "../../src/engine/sync/sync-controller.ts";
import { seconds } from "../../src/domain/units.ts";
import type { GitSource } from "../../src/ports/git.ts";
import type { Ids } from "../../src/ports/ids.ts";
import { ApiRefusal, type KubernetesApi } from "../../src/ports/kubernetes-api.ts";
import type { Manifests } from "../../src/ports/manifests.ts";
import type { Resources } from "../../src/ports/resources.ts";
import type { PassReport } from "../../src/ports/telemetry.ts";
import type { WorkQueue } from "../../src/ports/work.ts";
import { grantRule } from "../../src/server/access/grant-rule.ts";
import { controllerCaller, serviceAccountCaller } from "../../src/server/access/identities.ts";
import { rbacAuthorizer } from "../../src/server/access/rbac-authorizer.ts";
import { admission } from "../../src/server/admitted.ts";
import { localKubernetesApi } from "../../src/server/local-api.ts";
import { Process, type FaultRates } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Shared } from "./shared.ts";

export interface PlaneParts {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly rates: () => FaultRates;
  readonly shared: Shared;
  readonly git: GitSource;
  readonly manifests: Manifests;
  readonly sabotage: Sabotage;
  readonly log: (line: string) => void;
  readonly passed: (report: PassReport) => void;
  readonly incident: (fields: object) => void;
}

/** A control plane as `main` wires it, with every port behind a connection that fails. */
export class Plane {
  readonly name: string;
  /** How far its clock is ahead of the true one, ms. */
  skew = 0;
  hasEnded = false;
  readonly #process: Process;
  readonly #loop: Loop;
  readonly #gone = new AbortController();

  constructor(parts: PlaneParts) {
    this.name = parts.name;
    this.#process = new Process(parts);
    const { scheduler, random, shared, sabotage } = parts;
    const clock = scheduler.clock(() => this.skew);
    const ids = seededIds(random.fork());
    const resources = this.#resources(shared.resources);
    const authorizer = rbacAuthorizer(shared.index);
    const admitted = admission({ resources, catalog, authorizer, clock, ids, rules: [grantRule(shared.index)] });
    const local = localKubernetesApi({ admission: admitted, resources, catalog, clock, ids });
    const apiAs: SyncPorts["apiAs"] = ({ namespace, name, uid }) =>
      sabotage.api(this.#compared(local(serviceAccountCaller(namespace, name, uid)), shared));
    const git = this.#git(parts.git, shared);
    const { manifests } = parts;
    const inventory = local(controllerCaller("sync"));
    const comparer = sabotage.comparer(new Comparer());
    this.#loop = new Loop(
      {
        controllers: simulatedControllers(git, { git, manifests, sha256Base64url, inventory, comparer, apiAs }, sabotage),
        resourcesAs: (controller) => admitted.as(controllerCaller(controller)),
        work: this.#work(shared.work),
        clock,
        ids,
        log: {
          info: () => undefined,
          warn: (fields, message) => parts.log(`${this.name} warns ${JSON.stringify(fields)} ${message}`),
          error: parts.incident,
        },
        telemetry: { passed: parts.passed },
      },
      { passes: random.pick([1, 4, 16]), leaseFor: seconds(3), poll: seconds(10) },
    );
    void this.#loop.run().then(() => {
      this.hasEnded = true;
    });
  }

  /** As SIGTERM. */
  stop(): void {
    this.#loop.stop();
  }

  /** As SIGKILL: at whatever it waits for, it waits for ever. */
  kill(): void {
    this.#process.isDead = true;
    this.#gone.abort(new Error("dead"));
  }

  #resources(resources: Resources): Resources {
    const read = { isRead: true };
    return {
      get: (key) => this.#process.call(`get ${key.resource}/${key.name}`, () => resources.get(key), read),
      list: (query) => this.#process.call(`list ${query.resource}`, () => resources.list(query), read),
      snapshot: (ask) => this.#process.call("snapshot", () => resources.snapshot(ask), read),
      watch: (query, from, signal) => resources.watch(query, from, signal),
      commit: (transaction) =>
        this.#process.call(
          `commit ${transaction.writes.map(({ verb, key }) => `${verb} ${key.resource}/${key.name}`).join(" ")}`,
          () => resources.commit(transaction),
          { isRead: false },
        ),
    };
  }

  #work(work: WorkQueue): WorkQueue {
    return {
      claim: (...asked) => this.#process.call("claim", () => work.claim(...asked), { isRead: false }),
      renew: (...asked) => this.#process.call("renew", () => work.renew(...asked), { isRead: false }),
      release: (...asked) => this.#process.call("release", () => work.release(...asked), { isRead: false }),
      wake: (...asked) => this.#process.call("wake", () => work.wake(...asked), { isRead: false }),
      due: (controllers, atMost, signal) => {
        const either = AbortSignal.any([signal, this.#gone.signal]);
        return this.#process.call("due", () => work.due(controllers, atMost, either), { isRead: false });
      },
    };
  }

  #git(git: GitSource, shared: Shared): GitSource {
    const ask = <T>(what: string, effect: () => Promise<T>, signal: AbortSignal, stale?: () => Promise<T>): Promise<T> =>
      this.#process.call(`git ${what}`, effect, { isRead: true, signal, ...(stale === undefined ? {} : { stale }) });
    return {
      resolve: (remote, ref, signal) => {
        const before = shared.headBefore(remote.url);
        return ask(
          "resolve",
          () => git.resolve(remote, ref, signal),
          signal,
          before === undefined ? undefined : () => Promise.resolve(before),
        );
      },
      fetch: (remote, want, signal) => ask("fetch", () => git.fetch(remote, want, signal), signal),
      read: (remote, commit, selection, signal) => ask("read", () => git.read(remote, commit, selection, signal), signal),
      changedPaths: (remote, from, to, signal) => ask("changedPaths", () => git.changedPaths(remote, from, to, signal), signal),
      history: (remote, range, signal) => ask("history", () => git.history(remote, range, signal), signal),
    };
  }

  /** Tells the observer which live version each plan was made on. */
  #compared(api: KubernetesApi, shared: Shared): KubernetesApi {
    return {
      ...api,
      apply: async (object, options, signal) => {
        const answer = await api.apply(object, options, signal).catch((error: unknown) => {
          // Its namespace is made by the same plan.
          if (options.dryRun && error instanceof ApiRefusal && error.reason === "NotFound") shared.observer.compared(this.name, object, "");
          throw error;
        });
        if (options.dryRun)
          shared.observer.compared(this.name, object, answer.outcome === "created" ? "" : (answer.object.metadata.resourceVersion ?? ""));
        return answer;
      },
    };
  }
}

/** All controllers, as main makes them. */
export function simulatedControllers(git: GitSource, sync: SyncPorts, sabotage: Sabotage): readonly AnyController[] {
  return [
    passes(gitRepositoryController(git, { userOf: () => Promise.resolve(undefined) })),
    passes(sabotage.sync(syncController(sync))),
    passes(namespaceController(catalog.kinds)),
    passes(sabotage.collector(garbageCollector(catalog.kinds))),
    passes(accessTokenController()),
  ];
}

export function seededIds(random: Random): Ids {
  return {
    uid: () => random.uuid(),
    suffix: (length) => Array.from({ length }, () => "bcdfghjklmnpqrstvwxz2456789".charAt(random.between(0, 26))).join(""),
    fraction: () => random.fraction(),
  };
}

export const sha256Base64url = (text: string): string => createHash("sha256").update(text).digest("base64url");
