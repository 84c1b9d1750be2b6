import { MemoryLog } from "../../src/adapters/memory/memory-log.ts";
import { memoryResources } from "../../src/adapters/memory/memory-resources.ts";
import { catalog } from "../../src/api/catalog.ts";
import { derivationsOf } from "../../src/api/derivations.ts";
import { buildPolicy, type Policy, readBinding, readRole } from "../../src/domain/access/policy.ts";
import type { Change, Reader, Resources, Transaction, WakeRule } from "../../src/ports/resources.ts";
import type { WorkQueue } from "../../src/ports/work.ts";
import type { AccessIndex } from "../../src/server/access/access-index.ts";
import { Observer } from "./observer.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Scheduler } from "./scheduler.ts";

/** What all control planes share: one store, watched by the observer, and the rights that lie in it. */
export interface Shared {
  readonly resources: Resources;
  readonly work: WorkQueue;
  readonly index: Pick<AccessIndex, "policy">;
  readonly observer: Observer;
  /** What the branch of this repository pointed to at some time before. */
  readonly headBefore: (url: string) => string | undefined;
}

const RBAC = "rbac.authorization.k8s.io";

export function sharedStore(
  scheduler: Scheduler,
  sabotage: Sabotage,
  wakesOf: (change: Change) => readonly WakeRule[],
  headBefore: Shared["headBefore"],
): Shared {
  const clock = scheduler.clock();
  const observer = new Observer(scheduler);
  let policyVersion = 0;
  const wakes = (change: Change): readonly WakeRule[] => {
    if (change.key.group === RBAC) policyVersion++;
    observer.changing(change);
    return sabotage.wakes(wakesOf(change), change);
  };
  const log = new MemoryLog(undefined);
  const work = sabotage.work(clock);
  const resources = memoryResources({ log, work, clock, derivations: derivationsOf(catalog, wakes) });
  let built: { readonly version: number; readonly policy: Policy } | undefined;
  const policy = async (): Promise<Policy> => {
    while (built?.version !== policyVersion) {
      const version = policyVersion;
      built = { version, policy: await readPolicy(resources) };
    }
    return built.policy;
  };
  return {
    index: { policy },
    observer,
    headBefore,
    resources: { ...resources, commit: (transaction) => watchedCommit(resources, observer, transaction) },
    work: {
      claim: async (owner, controllers, limit, leaseFor) => {
        const leases = await work.claim(owner, controllers, limit, leaseFor);
        observer.claimed(leases, scheduler.now + leaseFor);
        return leases;
      },
      renew: async (leases, leaseFor) => {
        const kept = await work.renew(leases, leaseFor);
        observer.renewed(kept, scheduler.now + leaseFor);
        return kept;
      },
      release: async (lease, next) => {
        await work.release(lease, next);
        observer.released(lease);
      },
      wake: (wakes) => work.wake(wakes),
      due: (controllers, atMost, signal) => work.due(controllers, atMost, signal),
    },
  };
}

async function watchedCommit(resources: Resources, observer: Observer, transaction: Transaction): ReturnType<Resources["commit"]> {
  observer.beginning();
  const stored = await resources.commit(transaction);
  if (transaction.dryRun !== true) observer.committed(transaction, stored);
  return stored;
}

async function readPolicy(reader: Reader): Promise<Policy> {
  const all = async (resource: string) => (await reader.list({ group: RBAC, resource })).items;
  const roles = [...(await all("clusterroles")), ...(await all("roles"))].map(({ object }) => readRole(object));
  const bindings = [...(await all("clusterrolebindings")), ...(await all("rolebindings"))].flatMap(
    ({ object }) => readBinding(object) ?? [],
  );
  return buildPolicy(roles, bindings);
}
