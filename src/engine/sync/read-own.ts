import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import { conditionOf } from "../../domain/object/conditions.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import type { Resources, StoredObject } from "../../ports/resources.ts";
import type { Source, SyncSpec } from "./seen.ts";

/** A Sync and the objects beside it that it names, from one snapshot. */
export interface Own {
  readonly sync: StoredObject;
  readonly spec: SyncSpec;
  readonly repository: StoredObject | undefined;
  readonly account: StoredObject | undefined;
  /** The repository's credentials. */
  readonly secret: StoredObject | undefined;
}

export async function readOwn(key: ObjectKey, resources: Resources): Promise<Own | undefined> {
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

export function sourceOf(repository: StoredObject | undefined): Source {
  if (repository === undefined) return { kind: "absent" };
  const { status } = repository.object;
  const artifact = isJsonObject(status) ? status["artifact"] : undefined;
  // A repository that cannot be reached now leaves the commit seen last in force: what was applied from it goes on being kept.
  if (isJsonObject(artifact) && typeof artifact["commit"] === "string") return { kind: "ready", commit: artifact["commit"] };
  return { kind: "notReady", message: conditionOf(repository.object, "Ready")?.message ?? "it has not been looked at yet" };
}
