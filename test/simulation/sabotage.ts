import type { Comparer } from "../../src/engine/sync/compare.ts";
import type { garbageCollector } from "../../src/engine/garbage-collector/garbage-collector.ts";
import type { syncController } from "../../src/engine/sync/sync-controller.ts";
import { MemoryWork } from "../../src/adapters/memory/memory-work.ts";
import { type ObjectKey, keyText } from "../../src/domain/object/api-object.ts";
import type { Instant, Milliseconds } from "../../src/domain/units.ts";
import type { KubernetesApi } from "../../src/ports/kubernetes-api.ts";
import type { Change, WakeRule } from "../../src/ports/resources.ts";
import type { Lease, Wake } from "../../src/ports/work.ts";
import type { Clock } from "../../src/ports/clock.ts";

type SyncController = ReturnType<typeof syncController>;
type Collector = ReturnType<typeof garbageCollector>;

/** Breaks one promise of the code under test from outside, to show that the simulation would notice. */
export interface Sabotage {
  readonly work: (clock: Clock) => MemoryWork;
  readonly api: (api: KubernetesApi) => KubernetesApi;
  readonly comparer: (comparer: Comparer) => Comparer;
  readonly sync: (controller: SyncController) => SyncController;
  readonly collector: (controller: Collector) => Collector;
  readonly wakes: (rules: readonly WakeRule[], change: Change) => readonly WakeRule[];
}

export const NO_SABOTAGE: Sabotage = {
  work: (clock) => new MemoryWork(clock),
  api: (api) => api,
  comparer: (comparer) => comparer,
  sync: (controller) => controller,
  collector: (controller) => controller,
  wakes: (rules) => rules,
};

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  "a commit does not look at its lease": { ...NO_SABOTAGE, work: (clock) => new UnfencedWork(clock) },
  "a wake-up during a pass is forgotten when the pass ends": { ...NO_SABOTAGE, work: (clock) => new ForgetfulWork(clock) },
  "a lease is given out twice": { ...NO_SABOTAGE, work: (clock) => new GenerousWork(clock) },
  "what can be applied is applied, whatever is wrong with the rest": { ...NO_SABOTAGE, sync: withoutProblems },
  "a sync that failed half-way says that it succeeded": { ...NO_SABOTAGE, sync: alwaysSynced },
  "pruning does not look at the uid": { ...NO_SABOTAGE, api: deletingByName },
  "an apply does not look at what it was decided on": { ...NO_SABOTAGE, api: applyingOntoAnything },
  "what was once compared counts as the same for ever": { ...NO_SABOTAGE, comparer: trusting },
  "the garbage collector does not look for other owners": { ...NO_SABOTAGE, collector: ruthless },
  "a sync wants to be looked at again at once": { ...NO_SABOTAGE, sync: restless },
  "a sync does not hear of new commits": {
    ...NO_SABOTAGE,
    wakes: (rules, { key }) => (key.resource === "gitrepositories" ? rules.filter(({ controller }) => controller !== "sync") : rules),
  },
};

class UnfencedWork extends MemoryWork {
  override holds(): boolean {
    return true;
  }
}

class ForgetfulWork extends MemoryWork {
  readonly #leased = new Set<string>();

  override async claim(owner: string, controllers: readonly string[], limit: number, leaseFor: Milliseconds): Promise<readonly Lease[]> {
    const leases = await super.claim(owner, controllers, limit, leaseFor);
    for (const lease of leases) this.#leased.add(name(lease));
    return leases;
  }

  override wakeNow(wakes: readonly Wake[]): void {
    super.wakeNow(wakes.filter((wake) => !this.#leased.has(name(wake))));
  }

  override end(lease: Pick<Lease, "controller" | "key">, wakeAt: Instant | undefined, attempts: number): void {
    this.#leased.delete(name(lease));
    super.end(lease, wakeAt, attempts);
  }
}

/** Every third claim gives its leases to nobody else, but wakes the rows again behind the back of the lease. */
class GenerousWork extends MemoryWork {
  override async claim(owner: string, controllers: readonly string[], limit: number, leaseFor: Milliseconds): Promise<readonly Lease[]> {
    const leases = await super.claim(owner, controllers, limit, leaseFor);
    for (const lease of leases) {
      super.end(lease, undefined, 0);
      super.wakeNow([lease]);
    }
    return leases;
  }
}

const name = ({ controller, key }: { readonly controller: string; readonly key: ObjectKey }): string => `${controller} ${keyText(key)}`;

function withoutProblems(controller: SyncController): SyncController {
  return {
    ...controller,
    decide: (seen, now) => {
      if (seen.kind === "gone" || seen.target.kind !== "compared") return controller.decide(seen, now);
      const comparisons = seen.target.comparisons.filter(({ difference }) => difference !== "refused");
      return controller.decide({ ...seen, target: { ...seen.target, comparisons, problems: [] } }, now);
    },
  };
}

function alwaysSynced(controller: SyncController): SyncController {
  return {
    ...controller,
    conclude: (seen, done, now) =>
      controller.conclude(
        seen,
        done.map(({ command }) => ({ command, outcome: { created: 0, changed: 0, pruned: 0, problems: [] } })),
        now,
      ),
  };
}

function deletingByName(api: KubernetesApi): KubernetesApi {
  return {
    ...api,
    delete: async (at, uid, signal) => {
      const live = await api.get(at, signal);
      return api.delete(at, live?.metadata.uid ?? uid, signal);
    },
  };
}

function applyingOntoAnything(api: KubernetesApi): KubernetesApi {
  return {
    ...api,
    apply: (object, { decidedOn: _, ...options }, signal) => api.apply(object, options, signal),
  };
}

function trusting(comparer: Comparer): Comparer {
  const known = new Set<string>();
  const remember = comparer.remember.bind(comparer);
  comparer.remember = (sync, desired, uid, version) => {
    known.add(`${sync} ${desired.place.name}`);
    remember(sync, desired, uid, version);
  };
  comparer.isSame = (sync, _live, { place }) => known.has(`${sync} ${place.name}`);
  return comparer;
}

function ruthless(controller: Collector): Collector {
  return {
    ...controller,
    decide: (seen, now) => {
      const dependents = seen.ownership.dependents.map((dependent) => ({ ...dependent, otherOwnersAlive: [] }));
      return controller.decide({ ...seen, ownership: { ...seen.ownership, dependents } }, now);
    },
  };
}

function restless(controller: SyncController): SyncController {
  return { ...controller, decide: (seen, now) => ({ ...controller.decide(seen, now), wakeAt: now }) };
}
