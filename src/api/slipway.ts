import type { Kind } from "./kind.ts";
import { COMMIT } from "./patterns.ts";
import { list, object, text } from "./schema.ts";

export const SLIPWAY_GROUP = "slipway.dev";

/** What all kinds of our own group have in common. */
export const slipwayKind = { group: SLIPWAY_GROUP, version: "v1alpha1" } as const satisfies Partial<Kind>;

/** The name of an object in the same namespace. */
export const nameOf = (what: string) =>
  object(what, { name: text("Its name, in the same namespace.", { minLength: 1, maxLength: 253 }) }, {});

export const commit = (description: string) => text(description, { pattern: COMMIT });

/** What a token may be used for; see server/caller.ts. */
export const scopesSchema = list(
  object(
    "A limit, in the words of an RBAC rule.",
    {
      verbs: list(text("A verb, or *."), "What may be done.", { minItems: 1 }),
      apiGroups: list(text('A group, "" for the core group, or *.'), "The API groups of the resources.", { minItems: 1 }),
      resources: list(text("A plural, or *."), "The resources.", { minItems: 1 }),
    },
    { namespaces: list(text("A namespace."), "Only in these; left out: in all.") },
  ),
  "What the token may be used for, within the rights of its owner. Left out: everything its owner may do.",
  { maxItems: 50 },
);
