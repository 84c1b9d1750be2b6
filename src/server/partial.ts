import type { ApiObject, ObjectMeta } from "../domain/object/api-object.ts";

/** A list as it is answered: one page and where the next begins. */
export interface Page {
  readonly items: readonly ApiObject[];
  readonly resourceVersion: string;
  /** The token for the next page; absent on the last. */
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

const META = "meta.k8s.io/v1";

/** An object without anything but its metadata: `as=PartialObjectMetadata`. */
export const partialOf = (object: ApiObject): { readonly kind: string; readonly apiVersion: string; readonly metadata: ObjectMeta } => ({
  kind: "PartialObjectMetadata",
  apiVersion: META,
  metadata: object.metadata,
});

/** A page of the same: `as=PartialObjectMetadataList`. */
export const partialListOf = (page: Page) => ({
  kind: "PartialObjectMetadataList",
  apiVersion: META,
  metadata: listMetadata(page),
  items: page.items.map(partialOf),
});

/** `metadata` of a list. */
export const listMetadata = (page: Omit<Page, "items">) => ({
  resourceVersion: page.resourceVersion,
  ...(page.continue === undefined ? {} : { continue: page.continue }),
  ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
});
