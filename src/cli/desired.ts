import type { Place } from "../api/client/client.ts";
import type { ServedKind } from "../api/client/discovery.ts";
import { kindOfManifest } from "../api/client/find-kind.ts";
import { type ApiObject, nearestName } from "../api/client/json.ts";
import { StatusError } from "../api/client/status-error.ts";
import { CliError } from "./exit-codes.ts";
import type { Manifest } from "./manifests.ts";

/** A manifest with the kind and the place it is for. */
export interface Desired {
  readonly kind: ServedKind;
  readonly place: Place;
  readonly object: ApiObject;
  readonly where: string;
}

/**
 * Pure. Finds the kind and namespace of every manifest; Namespaces come first, the rest stays in order. `asked` is --namespace, `otherwise` the default.
 * Throws CliError with the position and what to write instead.
 */
export function desiredOf(
  manifests: readonly Manifest[],
  kinds: readonly ServedKind[],
  namespace: { readonly asked: string | undefined; readonly otherwise: string },
): readonly Desired[] {
  const all = manifests.map((manifest) => desired(manifest, kinds, namespace));
  const isNamespace = ({ kind }: Desired): boolean => kind.group === "" && kind.resource === "namespaces";
  return [...all.filter(isNamespace), ...all.filter((one) => !isNamespace(one))];
}

function desired({ object, where }: Manifest, kinds: readonly ServedKind[], namespace: Parameters<typeof desiredOf>[2]): Desired {
  const kind = kindOfManifest(object.apiVersion, object.kind, kinds);
  if (kind === undefined) throw new CliError("notFound", `${where}: ${unknownKind(object, kinds)}`);
  if (!kind.verbs.includes("patch"))
    throw new CliError("misused", `${where}: a ${kind.kind} is only asked, never kept, so it cannot be applied`);
  const name = object.metadata.name ?? "";
  const named = object.metadata.namespace;
  if (!kind.namespaced) {
    if (named !== undefined) throw new CliError("misused", `${where}: a ${kind.kind} is in no namespace; remove metadata.namespace`);
    return { kind, place: { namespace: "", name }, object, where };
  }
  if (named !== undefined && namespace.asked !== undefined && named !== namespace.asked)
    throw new CliError("misused", `${where}: metadata.namespace is ${named}, but --namespace says ${namespace.asked}; remove one of them`);
  const place = { namespace: named ?? namespace.asked ?? namespace.otherwise, name };
  return { kind, place, object: { ...object, metadata: { ...object.metadata, namespace: place.namespace } }, where };
}

function unknownKind({ apiVersion, kind }: ApiObject, kinds: readonly ServedKind[]): string {
  const same = kinds.find((served) => served.kind.toLowerCase() === kind.toLowerCase());
  const nearest =
    same?.kind ??
    nearestName(
      kind,
      kinds.map((served) => served.kind),
    );
  const found = kinds.find((served) => served.kind === nearest);
  const version = found === undefined ? "" : found.group === "" ? found.version : `${found.group}/${found.version}`;
  return `the server has no kind ${kind} in ${apiVersion}${found === undefined ? "" : `; did you mean ${found.kind} in ${version}?`}`;
}

/** The object's namespace is made by these same files, and a dry run has not made it: nothing can be asked about what is in it. */
export function waitsForNamespace(one: Desired, all: readonly Desired[], error: unknown): boolean {
  const { namespace } = one.place;
  const isMade = all.some(({ kind, place }) => kind.group === "" && kind.resource === "namespaces" && place.name === namespace);
  return isMade && error instanceof StatusError && error.status.code === 404 && error.message.startsWith("namespaces ");
}
