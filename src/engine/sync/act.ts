import { keyText } from "../../domain/object/api-object.ts";
import { placeName, type SourceProblem } from "../../domain/sync/desired.ts";
import type { Live, PlannedApply } from "../../domain/sync/plan.ts";
import { ApiRefusal, type KubernetesApi } from "../../ports/kubernetes-api.ts";
import type { StoredObject } from "../../ports/resources.ts";
import { refusalText, WIDTH } from "./compare.ts";
import type { Command } from "./decide.ts";
import { inParallel } from "./in-parallel.ts";
import { managerOf, type SyncPorts } from "./observe.ts";

export interface WaveResult {
  readonly created: number;
  readonly changed: number;
  readonly pruned: number;
  /** What the API refused after all, though its dry-run did not. */
  readonly problems: readonly SourceProblem[];
}

type Ports = Pick<SyncPorts, "apiAs" | "comparer">;

/** Carries the plan out in order: first all applying, then all deleting. After a wave with a problem nothing further is begun. */
export async function carryOut(ports: Ports, command: Command, signal: AbortSignal): Promise<WaveResult> {
  const api = ports.apiAs(accountOf(command.account));
  let total: WaveResult = { created: 0, changed: 0, pruned: 0, problems: [] };
  const waves = [
    ...command.plan.apply.map((wave) => () => applyWave(ports, api, wave, command, signal)),
    ...command.plan.prune.map((wave) => () => pruneWave(api, wave, signal)),
  ];
  for (const wave of waves) {
    if (total.problems.length > 0) break;
    total = added(total, await wave());
  }
  return total;
}

const added = (a: WaveResult, b: WaveResult): WaveResult => ({
  created: a.created + b.created,
  changed: a.changed + b.changed,
  pruned: a.pruned + b.pruned,
  problems: [...a.problems, ...b.problems],
});

type Applying = Pick<Command, "sync">;

/** Each object is decided on one live version: what moved since is left for the next pass. */
async function applyWave(
  ports: Ports,
  api: KubernetesApi,
  wave: readonly PlannedApply[],
  applying: Applying,
  signal: AbortSignal,
): Promise<WaveResult> {
  const results = await inParallel(wave, WIDTH, async (planned) => {
    signal.throwIfAborted();
    return applyOne(ports, api, planned, applying, signal);
  });
  return {
    created: results.filter((result) => result === "created").length,
    changed: results.filter((result) => result === "changed").length,
    pruned: 0,
    problems: results.filter((result) => typeof result === "object"),
  };
}

async function applyOne(
  ports: Ports,
  api: KubernetesApi,
  { desired, decidedOn, force }: PlannedApply,
  { sync }: Applying,
  signal: AbortSignal,
) {
  try {
    const { outcome, object } = await api.apply(desired.object, { manager: managerOf(sync), force, dryRun: false, decidedOn }, signal);
    ports.comparer.remember(keyText(sync.key), desired, object.metadata.uid ?? "", object.metadata.resourceVersion ?? "");
    return outcome;
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    const { file, line, column, place } = desired;
    return { file, line, column, object: placeName(place), message: refusalText(error) };
  }
}

/** Gone already is as good as deleted. */
async function pruneWave(api: KubernetesApi, wave: readonly Live[], signal: AbortSignal): Promise<WaveResult> {
  const results = await inParallel(wave, WIDTH, async (live) => {
    signal.throwIfAborted();
    return pruneOne(api, live, signal);
  });
  const pruned = results.filter((result) => result === "deleted" || result === "deleting").length;
  return { created: 0, changed: 0, pruned, problems: results.filter((result) => typeof result === "object") };
}

async function pruneOne(api: KubernetesApi, { place, uid }: Live, signal: AbortSignal) {
  try {
    return await api.delete({ kind: place, namespace: place.namespace, name: place.name }, uid, signal);
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    return {
      file: ".",
      line: 0,
      column: 0,
      object: placeName(place),
      message: `it is no longer in Git but could not be deleted: ${refusalText(error)}`,
    };
  }
}

const accountOf = (account: StoredObject) => ({ namespace: account.key.namespace, name: account.key.name, uid: account.uid });
