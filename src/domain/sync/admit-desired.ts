import type { ApiObject } from "../object/api-object.ts";
import { isJsonObject, type JsonObject } from "../object/json.ts";
import { apiVersionText, type Desired, type Place, placeName, placeText, type SourceProblem } from "./desired.ts";

/** A kind as the target API serves it. */
export interface Served {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
}

export interface Found {
  readonly object: JsonObject;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly identity: string;
}

/** Kinds that tell what happened or who someone is: they are made by people or controllers at the API, and a file in Git must not fake them. */
const NOT_FROM_GIT: Readonly<Record<string, string>> = {
  Release: "a build makes it (slipway release create)",
  Evidence: "controllers and CI report it",
  Promotion: "use slipway promote",
  Approval: "a person gives it with slipway approve",
  Hold: "use slipway hold",
  Rollout: "a controller makes it when a binding changes",
  AccessToken: "use slipway token create",
  Event: "controllers report it",
};

/** Turns what was parsed into desired objects of known kinds, each one once. Everything that is wrong is listed; nothing is dropped in silence. */
export function admitDesired(
  found: readonly Found[],
  served: readonly Served[],
  defaultNamespace: string,
): { readonly desired: readonly Desired[]; readonly problems: readonly SourceProblem[] } {
  const desired: Desired[] = [];
  const problems: SourceProblem[] = [];
  const first = new Map<string, Desired>();
  for (const one of found) {
    const admitted = admitOne(one, served, defaultNamespace);
    if (typeof admitted === "string") {
      problems.push({ file: one.file, line: one.line, column: one.column, object: nameOf(one.object), message: admitted });
      continue;
    }
    const earlier = first.get(placeText(admitted.place));
    if (earlier === undefined) {
      first.set(placeText(admitted.place), admitted);
      desired.push(admitted);
    } else {
      problems.push({
        file: one.file,
        line: one.line,
        column: one.column,
        object: placeName(admitted.place),
        message: `${placeName(admitted.place)} is described twice, first at ${earlier.file}:${earlier.line}; remove one of the two`,
      });
    }
  }
  return { desired, problems };
}

/** The desired object, or what is wrong in one sentence. */
function admitOne({ object, file, line, column, identity }: Found, served: readonly Served[], defaultNamespace: string): Desired | string {
  const { apiVersion, kind, metadata } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string")
    return "apiVersion and kind are missing or no text; every object needs both";
  const serves = served.find((one) => one.kind === kind && apiVersionText(one) === apiVersion);
  const forbidden = Object.hasOwn(NOT_FROM_GIT, kind) ? NOT_FROM_GIT[kind] : undefined;
  if (forbidden !== undefined) return `${kind} cannot come from Git: ${forbidden}; remove it from this file`;
  if (serves === undefined) return unknownKind(apiVersion, kind, served);
  if (!isJsonObject(metadata) || typeof metadata["name"] !== "string" || metadata["name"] === "")
    return `metadata.name is missing; a ${kind} in Git needs a name of its own (generateName cannot be kept in step)`;
  const namespace = metadata["namespace"] ?? (serves.namespaced ? defaultNamespace : "");
  if (typeof namespace !== "string" || (serves.namespaced && namespace === ""))
    return "metadata.namespace is no text; write the name of a namespace or leave it out";
  if (!serves.namespaced && namespace !== "") return `${kind} is cluster-scoped; remove metadata.namespace`;
  if (isJsonObject(object["status"]) && Object.keys(object["status"]).length > 0)
    return "status is written by controllers; remove it from this file";
  const place: Place = { ...serves, namespace, name: metadata["name"] };
  return { place, object: withNamespace(object, apiVersion, kind, metadata, place), file, line, column, identity };
}

function unknownKind(apiVersion: string, kind: string, served: readonly Served[]): string {
  const sameKind = served.filter((one) => one.kind.toLowerCase() === kind.toLowerCase()).map((one) => `${apiVersionText(one)} ${one.kind}`);
  const inGroup = served.filter((one) => apiVersionText(one) === apiVersion).map((one) => one.kind);
  const instead =
    sameKind.length > 0
      ? `did you mean ${sameKind.join(" or ")}?`
      : inGroup.length > 0
        ? `${apiVersion} has ${inGroup.join(", ")}`
        : "kubectl api-resources lists what there is";
  return `no kind ${kind} in ${apiVersion}; ${instead}`;
}

function withNamespace(object: JsonObject, apiVersion: string, kind: string, metadata: JsonObject, { namespace, name }: Place): ApiObject {
  const { status: _, ...rest } = object;
  // The parts every kind has were checked above; the rest is checked by the API it is applied to.
  const typed = metadata as ApiObject["metadata"];
  return { ...rest, apiVersion, kind, metadata: { ...typed, name, ...(namespace === "" ? {} : { namespace }) } };
}

function nameOf(object: JsonObject): string {
  const name =
    isJsonObject(object["metadata"]) && typeof object["metadata"]["name"] === "string" ? object["metadata"]["name"] : "without a name";
  return `${typeof object["kind"] === "string" ? object["kind"] : "object"} ${name}`;
}
