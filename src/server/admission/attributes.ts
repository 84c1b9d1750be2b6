import type { Kind } from "../../api/kind.ts";
import type { ObjectKey } from "../../domain/object/api-object.ts";
import type { Selection } from "../../ports/resources.ts";
import type { ResourceAttributes } from "../caller.ts";

/** What is asked of the authoriser for one object. A namespace counts as being in itself, so that a Role in it can allow to read it. */
export function attributesOf(kind: Pick<Kind, "version">, key: ObjectKey, verb: string, subresource = ""): ResourceAttributes {
  const namespace = key.group === "" && key.resource === "namespaces" ? key.name : key.namespace;
  const { group, resource, name } = key;
  return { verb, group, version: kind.version, resource, subresource, namespace, name };
}

/** The same for a collection; one that is narrowed to a name is asked for as that name, so that a right on single objects is enough. */
export function selectionAttributes(
  kind: Pick<Kind, "version">,
  { group, resource, namespace = "", fields }: Selection,
  verb: string,
): ResourceAttributes {
  const name = fields?.find(({ field, operator }) => field === "metadata.name" && operator === "equals")?.value ?? "";
  return attributesOf(kind, { group, resource, namespace, name }, verb);
}
