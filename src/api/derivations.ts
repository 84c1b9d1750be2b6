import type { ApiObject, ObjectKey } from "../domain/object/api-object.ts";
import type { Catalog } from "./catalog.ts";
import { listAt, textAt } from "./columns.ts";

/** The shape of ports/resources.ts Derivations, which api may not import; a change is handed through to `wakes` as it comes. */
export interface CatalogDerivations<Change, WakeRule> {
  fields(object: ApiObject, key: ObjectKey): Readonly<Record<string, string>>;
  links(object: ApiObject, key: ObjectKey): readonly string[];
  wakes(change: Change): readonly WakeRule[];
}

const APPLY_SET = "applyset.kubernetes.io/part-of";

/**
 * What a store derives from an object, from what the catalog knows of its kind:
 * - fields: those of the kind;
 * - links: `owner/<uid>` for each owner, those of the kind, and for a member of an apply set (https://kubernetes.io/docs/reference/labels-annotations-taints/#applyset-kubernetes-io-part-of)
 *   `applyset/<id>` and `namespace/<its namespace>`;
 * - wakes: given from outside, for the controllers know them.
 * Objects of unknown kinds have owners and apply sets all the same.
 */
export function derivationsOf<Change, WakeRule>(
  catalog: Catalog,
  wakes: (change: Change) => readonly WakeRule[],
): CatalogDerivations<Change, WakeRule> {
  return {
    fields: (object, key) =>
      Object.fromEntries(Object.entries(catalog.byKey(key)?.fields ?? {}).map(([name, valueOf]) => [name, valueOf(object)])),
    links: (object, key) => [
      ...new Set([...ownerLinks(object), ...(catalog.byKey(key)?.links?.(object, key) ?? []), ...applySetLinks(object, key)]),
    ],
    wakes,
  };
}

const ownerLinks = (object: ApiObject): readonly string[] =>
  listAt(object.metadata, "ownerReferences").flatMap((owner) => (textAt(owner, "uid") === "" ? [] : [`owner/${textAt(owner, "uid")}`]));

function applySetLinks(object: ApiObject, key: ObjectKey): readonly string[] {
  const set = textAt(object.metadata, "labels", APPLY_SET);
  return set === "" ? [] : [`applyset/${set}`, `namespace/${key.namespace}`];
}
