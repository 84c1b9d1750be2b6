import { keyText, type ObjectKey } from "../../domain/object/api-object.ts";
import { documentPath } from "../../domain/object/field-path.ts";
import { admitDesired, type Found } from "../../domain/sync/admit-desired.ts";
import { appliedBy, applySetId, asMember, PART_OF } from "../../domain/sync/apply-set.ts";
import type { Comparison, Live } from "../../domain/sync/plan.ts";
import type { GitSource } from "../../ports/git.ts";
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import type { Manifests, ParsedManifests } from "../../ports/manifests.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import { remoteOf } from "../git-repository/remote.ts";
import { type Comparer, compareAll } from "./compare.ts";
import { readOwn, sourceOf } from "./read-own.ts";
import type { Seen, SyncSpec, Target } from "./seen.ts";

export interface SyncPorts {
  readonly git: GitSource;
  readonly manifests: Manifests;
  /** The API as a service account may use it. */
  readonly apiAs: (account: { readonly namespace: string; readonly name: string; readonly uid: string }) => KubernetesApi;
  /** The same API as the sync controller itself may read it, to find what a Sync applied: its account need not be allowed to list every kind. */
  readonly inventory: Pick<KubernetesApi, "kinds" | "listLabelled">;
  readonly sha256Base64url: (text: string) => string;
  readonly comparer: Comparer;
}

export async function observeSync(ports: SyncPorts, key: ObjectKey, resources: Resources, signal: AbortSignal): Promise<Seen> {
  const own = await readOwn(key, resources);
  if (own === undefined) return { kind: "gone" };
  const { sync, spec, repository, secret, account } = own;
  const source = sourceOf(repository);
  const seen = { kind: "seen", sync, spec, account, source } as const;
  const stopping = sync.object.metadata.deletionTimestamp !== undefined;
  if (account === undefined || ((source.kind !== "ready" || repository === undefined || spec.suspend) && !stopping))
    return { ...seen, target: { kind: "notAsked" } };
  try {
    const api = ports.apiAs({ namespace: account.key.namespace, name: account.key.name, uid: account.uid });
    if (stopping || source.kind !== "ready" || repository === undefined)
      return {
        ...seen,
        target: { kind: "compared", identity: "", comparisons: [], problems: [], inventory: await inventoryOf(ports, sync, signal) },
      };
    return {
      ...seen,
      target: await compared(
        ports,
        api,
        { sync, spec, commit: source.commit, remote: remoteOf(repository.object, secret?.object) },
        signal,
      ),
    };
  } catch (error) {
    if (error instanceof PortError && !signal.aborted) return { ...seen, target: { kind: "failed", error } };
    throw error;
  }
}

interface Comparing {
  readonly sync: StoredObject;
  readonly spec: SyncSpec;
  readonly commit: string;
  readonly remote: Parameters<GitSource["read"]>[0];
}

async function compared(
  ports: SyncPorts,
  api: KubernetesApi,
  { sync, spec, commit, remote }: Comparing,
  signal: AbortSignal,
): Promise<Target> {
  const path = spec.path === "." ? "" : spec.path.replace(/\/+$/, "");
  const reading = await ports.git.read(remote, commit, { paths: [path], suffixes: [".yaml", ".yml", ".json"] }, signal);
  if (reading.kind === "unchanged") throw new Error("a reading without `unless` cannot be unchanged");
  const parsed = await ports.manifests.parse(
    reading.files.map(({ path: file, bytes, blob }) => ({ path: file, bytes, id: blob })),
    signal,
  );
  const served = await api.kinds(signal);
  const blobs = new Map(reading.files.map((file) => [file.path, file.blob]));
  const found = parsed.objects.map((one) => ({ ...one, identity: `${blobs.get(one.file) ?? ""}:${one.line}:${one.column}` }));
  const admitted = admitDesired(found, served, sync.key.namespace);
  const errors = parsed.problems
    .filter(({ severity }) => severity === "error")
    .map(({ file, line, column, message, hint }) => ({ file, line, column, message: `${message}; ${hint}` }));
  const leftOut = reading.leftOut.map(({ path: file, message }) => ({ file, line: 0, column: 0, message }));
  const problems = [...leftOut, ...errors, ...admitted.problems];
  const inventory = await inventoryOf(ports, sync, signal);
  const desired = admitted.desired.map((one) => ({
    ...one,
    object: asMember(one.object, sync.key, applySetId(sync.key, ports.sha256Base64url)),
  }));
  const options = { sync: keyText(sync.key), manager: managerOf(sync), force: spec.force };
  const comparisons = await compareAll(ports.comparer, api, desired, inventory, options, signal);
  return {
    kind: "compared",
    identity: reading.identity,
    comparisons: comparisons.map((one) => placed(one, parsed, found)),
    inventory,
    problems,
  };
}

/** A refusal that names a field is shown where that field stands, not where its object begins. */
function placed(comparison: Comparison, parsed: ParsedManifests, found: readonly Found[]): Comparison {
  if (comparison.difference !== "refused" || comparison.field === undefined) return comparison;
  const { desired, field } = comparison;
  const at = found.findIndex(({ file, line, column }) => file === desired.file && line === desired.line && column === desired.column);
  if (at === -1) return comparison;
  const { line, column } = parsed.locate(at, documentPath(field));
  return { ...comparison, desired: { ...desired, line, column } };
}

/** Each Sync owns its fields under a name of its own, so that two that describe the same field are a conflict and not a quarrel. */
export const managerOf = (sync: StoredObject): string => `slipway-sync/${sync.key.namespace}/${sync.key.name}`.slice(0, 128);

async function inventoryOf(ports: SyncPorts, sync: StoredObject, signal: AbortSignal): Promise<readonly Live[]> {
  const value = applySetId(sync.key, ports.sha256Base64url);
  const found: Live[] = [];
  for (const kind of await ports.inventory.kinds(signal)) {
    for (const object of await ports.inventory.listLabelled(kind, { name: PART_OF, value }, signal)) {
      const by = appliedBy(object);
      // The label alone could be put on anything; only what says in clear that this Sync applied it is taken for its own.
      if (by?.namespace !== sync.key.namespace || by.name !== sync.key.name) continue;
      const { namespace = "", name = "", uid = "" } = object.metadata;
      found.push({ place: { ...kind, namespace, name }, uid, object });
    }
  }
  return found;
}
