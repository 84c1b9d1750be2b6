import type { ApiObject } from "../domain/object/api-object.ts";
import { textAt, textColumn } from "./columns.ts";
import type { Kind } from "./kind.ts";
import { anything, object, text } from "./schema.ts";
import { slipwayKind } from "./slipway.ts";

/** Where records about things that are in no namespace are found. Few people have rights there, as it should be with an audit of users and roles. */
export const CLUSTER_RECORDS_NAMESPACE = "kube-system";

/**
 * A kind that is read only and made from the records of one type: `get` and `list`, newest first, no watch. Its objects are in the namespace of what they
 * are about. One kind for each type of record, because rights are given by resource: who may see a project's timeline need not see its audit.
 */
export function recordKind(of: Pick<Kind, "kind" | "resource" | "singular" | "shortNames"> & { readonly description: string }): Kind {
  return {
    ...slipwayKind,
    ...of,
    categories: [],
    namespaced: true,
    verbs: ["get", "list"],
    hasStatus: false,
    schema: object(
      of.description,
      {
        at: text("When it happened: RFC 3339 with milliseconds, UTC.", { format: "date-time" }),
        actor: text("Who did it: a user name, or system:slipway:<controller>."),
        reason: text("What happened, in one CamelCase word for programs."),
        message: text("What happened, in a sentence for people."),
        about: object(
          "What it is about; it may be gone by now.",
          {
            group: text('Its API group, "" for the core group.'),
            resource: text("Its plural."),
            namespace: text('Its namespace, "" for none.'),
            name: text("Its name."),
          },
          { uid: text("Its uid, where it was known.") },
        ),
        details: anything("More, by kind of record: of an audit record the verb and the fields before and after, without secret values."),
      },
      {},
    ),
    columns: [
      textColumn("At", "When it happened.", (record) => textAt(record, "at").replace(/\.\d+Z$/, "Z")),
      textColumn("Actor", "Who did it.", (record) => textAt(record, "actor")),
      textColumn("Reason", "What happened, in one word.", (record) => textAt(record, "reason")),
      textColumn("About", "What it is about.", aboutText),
      textColumn("Message", "What happened, in a sentence.", (record) => textAt(record, "message")),
    ],
    fields: {
      "about.group": (record) => textAt(record, "about", "group"),
      "about.resource": (record) => textAt(record, "about", "resource"),
      "about.name": (record) => textAt(record, "about", "name"),
      actor: (record) => textAt(record, "actor"),
      reason: (record) => textAt(record, "reason"),
    },
  };
}

const aboutText = (record: ApiObject): string => `${textAt(record, "about", "resource")}/${textAt(record, "about", "name")}`;
