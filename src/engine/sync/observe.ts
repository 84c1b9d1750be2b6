import { type ApiObject, keyText, type ObjectKey } from "../../domain/object/api-object.ts";
import { conditionOf } from "../../domain/object/conditions.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { admitDesired, type Found } from "../../domain/sync/admit-desired.ts";
import { appliedBy, applySetId, asMember, PART_OF } from "../../domain/sync/apply-set.ts";
import type { SourceProblem } from "../../domain/sync/desired.ts";
import type { Comparison, Live } from "../../domain/sync/plan.ts";
import type { GitSource } from "../../ports/git.ts";
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import type { Manifests, ParsedManifests } from "../../ports/manifests.ts";
import { PortError } from "../../ports/port-error.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import { remoteOf } from "../git-repository/remote.ts";
import { documentPath } from "../../domain/object/field-path.ts";
import { type Comparer, compareAll } from "./compare.ts";

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

export type Seen = { readonly kind: "gone" } | SyncSeen;

export interface SyncSeen {
  readonly kind: "seen";
  readonly sync: StoredObject;
  readonly spec: SyncSpec;
  readonly account: StoredObject | undefined;
  readonly source: Source;
  readonly target: Target;
}

export interface SyncSpec {
  readonly repository: string;
  readonly path: string;
  readonly serviceAccountName: string;
  readonly prune: boolean;
  readonly selfHeal: boolean;
  readonly force: boolean;
  readonly suspend: boolean;
  readonly interval: string;
}

export type Source =
  | { readonly kind: "absent" }
  /** The repository has not been read yet, or cannot be at the moment. */
  | { readonly kind: "notReady"; readonly message: string }
  | { readonly kind: "ready"; readonly commit: string };

export type Target =
  | { readonly kind: "notAsked" }
  | { readonly kind: "failed"; readonly error: PortError }
  | {
      readonly kind: "compared";
      readonly identity: string;
      readonly comparisons: readonly Comparison[];
      readonly inventory: readonly Live[];
      readonly problems: readonly SourceProblem[];
    };

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

async function readOwn(key: ObjectKey, resources: Resources) {
  return resources.snapshot(async (reader) => {
    const sync = await reader.get(key);
    if (sync === undefined) return undefined;
    const { namespace } = key;
    const spec = specOf(sync.object);
    const repository = await reader.get({ group: "slipway.dev", resource: "gitrepositories", namespace, name: spec.repository });
    const account = await reader.get({ group: "", resource: "serviceaccounts", namespace, name: spec.serviceAccountName });
    const secretName = repository === undefined ? "" : secretNameOf(repository.object);
    const secret = secretName === "" ? undefined : await reader.get({ group: "", resource: "secrets", namespace, name: secretName });
    return { sync, spec, repository, account, secret };
  });
}

/** The schema was checked when the object was written; what is missing all the same gets the value that does least. */
function specOf({ spec }: ApiObject): SyncSpec {
  const fields = isJsonObject(spec) ? spec : {};
  const text = (name: string, otherwise: string): string => (typeof fields[name] === "string" ? fields[name] : otherwise);
  const source = isJsonObject(fields["source"]) ? fields["source"] : {};
  return {
    repository: typeof source["repository"] === "string" ? source["repository"] : "",
    path: text("path", "."),
    serviceAccountName: text("serviceAccountName", ""),
    prune: fields["prune"] === true,
    selfHeal: fields["selfHeal"] === true,
    force: fields["force"] === true,
    suspend: fields["suspend"] === true,
    interval: text("interval", "10m"),
  };
}

function secretNameOf({ spec }: ApiObject): string {
  const reference = isJsonObject(spec) ? spec["secretRef"] : undefined;
  return isJsonObject(reference) && typeof reference["name"] === "string" ? reference["name"] : "";
}

function sourceOf(repository: StoredObject | undefined): Source {
  if (repository === undefined) return { kind: "absent" };
  const { status } = repository.object;
  const artifact = isJsonObject(status) ? status["artifact"] : undefined;
  // A repository that cannot be reached now leaves the commit seen last in force: what was applied from it goes on being kept.
  if (isJsonObject(artifact) && typeof artifact["commit"] === "string") return { kind: "ready", commit: artifact["commit"] };
  return { kind: "notReady", message: conditionOf(repository.object, "Ready")?.message ?? "it has not been looked at yet" };
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
