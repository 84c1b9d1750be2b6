import type { Place } from "../api/client/client.ts";
import { resourceName, type ServedKind } from "../api/client/discovery.ts";
import { findKinds } from "../api/client/find-kind.ts";
import { type ApiObject, isApiObject, type JsonObject, nearestName } from "../api/client/json.ts";
import { StatusError } from "../api/client/status-error.ts";
import { textAt } from "../api/columns.ts";
import { CliError } from "./exit-codes.ts";
import type { Session } from "./session.ts";

/** The kinds a word means. Throws CliError with the nearest name where there is none. */
export function kindsNamed(
  word: string,
  kinds: readonly ServedKind[],
): { readonly kinds: readonly ServedKind[]; readonly byCategory: boolean } {
  const found = findKinds(word, kinds);
  switch (found.found) {
    case "none":
      throw new CliError(
        "notFound",
        `the server has no kind "${word}"${found.nearest === undefined ? "; `kubectl api-resources` lists them" : `; did you mean "${found.nearest}"?`}`,
      );
    case "several":
      throw new CliError("misused", `several kinds are called "${word}"; write ${found.names.join(" or ")}`);
    default:
      return { kinds: found.found, byCategory: found.by === "category" };
  }
}

/** One kind that a word means; a category is refused. */
export function kindNamed(word: string, kinds: readonly ServedKind[]): ServedKind {
  const { kinds: found, byCategory } = kindsNamed(word, kinds);
  const [kind] = found;
  if (kind === undefined || byCategory)
    throw new CliError("misused", `"${word}" means several kinds; write one of ${found.map(({ singular }) => singular).join(", ")}`);
  return kind;
}

export interface Target {
  readonly kind: ServedKind;
  readonly place: Place;
}

/** Reads `KIND/NAME`. */
export async function targetNamed(session: Session, text: string): Promise<Target> {
  const [word, name, ...more] = text.split("/");
  if (word === undefined || word === "" || name === undefined || name === "" || more.length > 0)
    throw new CliError("misused", `"${text}" is no KIND/NAME; write for example sync/shop`);
  const kind = kindNamed(word, await session.client.kinds());
  return { kind, place: { namespace: kind.namespaced ? session.namespace : "", name } };
}

/** The object. Throws CliError `notFound` with the nearest name there is. */
export async function objectOf({ client }: Session, { kind, place }: Target): Promise<ApiObject> {
  try {
    const object = await client.get(kind, place);
    if (isApiObject(object)) return object;
    throw new CliError("failed", `the server answered something that is no object for ${kind.singular}/${place.name}`);
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 404) throw await notFound(client, { kind, place }, error);
    throw error;
  }
}

/** Undefined where there is none, or where this user may not know. */
export async function objectIfThere({ client }: Session, { kind, place }: Target): Promise<ApiObject | "absent" | "unknown"> {
  try {
    const object = await client.get(kind, place);
    return isApiObject(object) ? object : "unknown";
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 404) return "absent";
    if (error instanceof StatusError && error.status.code === 403) return "unknown";
    throw error;
  }
}

export async function notFound(client: Session["client"], { kind, place }: Target, cause: unknown): Promise<CliError> {
  const where = kind.namespaced ? ` in namespace ${place.namespace}` : "";
  const names = await namesOf(client, kind, place.namespace).catch(() => []); // a hint, no more
  const nearest = nearestName(place.name, names);
  const there =
    names.length === 0
      ? "; there is none"
      : `; there ${names.length === 1 ? "is" : "are"} ${names.slice(0, 5).join(", ")}${names.length > 5 ? " …" : ""}`;
  const hint = nearest === undefined ? there : `; did you mean "${nearest}"?`;
  return new CliError("notFound", `${resourceName(kind)} "${place.name}" is not there${where}${hint}`, { cause });
}

async function namesOf(client: Session["client"], kind: ServedKind, namespace: string): Promise<readonly string[]> {
  if (!kind.verbs.includes("list")) return [];
  const { items } = await client.list(kind, { namespace }, "Metadata");
  return items.map((item: JsonObject) => textAt(item, "metadata", "name"));
}

/** A kind of Slipway's own or Kubernetes' that a verb is built on. Throws CliError where the server does not have it. */
export async function requireKind(session: Session, resource: string, group: string): Promise<ServedKind> {
  const kind = (await session.client.kinds()).find((served) => served.group === group && served.resource === resource);
  if (kind !== undefined) return kind;
  throw new CliError(
    "notFound",
    `the server at ${session.access.server} has no ${resourceName({ group, resource })}, so it is no Slipway of this version`,
  );
}
