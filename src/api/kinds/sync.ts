import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import {
  ageColumn,
  at,
  countColumn,
  listAt,
  messageColumn,
  readyColumn,
  reasonColumn,
  short,
  sinceColumn,
  textAt,
  textColumn,
} from "../columns.ts";
import type { Kind } from "../kind.ts";
import { conditionsSchema, observedGeneration } from "../meta.ts";
import { choice, duration, flag, integer, list, object, text, time } from "../schema.ts";
import { commit, slipwayKind } from "../slipway.ts";

const description =
  "Sync keeps the objects of the API as the files in one folder of a Git repository say, with the rights of a service account.";
const MOST_LISTED = 20;

const driftItem = object(
  "An object that is not as Git says.",
  { kind: text("Its kind."), name: text("Its name.") },
  {
    apiVersion: text("Its API version."),
    namespace: text("Its namespace."),
    change: choice(["missing", "differs", "extra"], "Missing here, different here, or here and no more in Git."),
    fields: list(text("A path."), "The first fields that differ.", { maxItems: 10 }),
  },
);

const problemItem = object(
  "Something in Git that cannot be applied.",
  { message: text("What is wrong and what to do.", { maxLength: 4096 }) },
  {
    file: text("The file, from the root of the repository."),
    line: integer("The line, from 1.", { minimum: 1 }),
    column: integer("The column, from 1.", { minimum: 1 }),
    object: text("The object, as kind/name."),
  },
);

const count = (what: string) => integer(what, { minimum: 0 });

const schema = object(
  description,
  {
    spec: object(
      "Spec is what to apply.",
      {
        source: object(
          "Where the files are.",
          { repository: text("Name of a GitRepository in the same namespace.", { minLength: 1, maxLength: 253 }) },
          {},
        ),
        serviceAccountName: text("The ServiceAccount in the same namespace whose rights are used; what it may not do is not done.", {
          minLength: 1,
          maxLength: 253,
        }),
      },
      {
        path: text("The folder, from the root of the repository.", { default: ".", minLength: 1, maxLength: 1024 }),
        prune: flag("Whether objects that are no more in Git are deleted.", { default: true }),
        selfHeal: flag("Whether objects that somebody else changed are put right; if not, they are listed in status.drift.", {
          default: true,
        }),
        force: flag(
          "Whether fields that somebody else owns on objects that this Sync did not apply before are taken over; if not, they are a conflict.",
          { default: false },
        ),
        suspend: flag("When true, nothing is applied.", { default: false }),
        interval: duration("How often everything is compared, beside whenever something changes.", { default: "10m" }),
      },
    ),
  },
  {
    status: object(
      "Status is what was applied.",
      {},
      {
        observedGeneration,
        conditions: conditionsSchema,
        commit: commit("The commit that is applied as a whole."),
        attemptedCommit: commit("The commit that was tried last; another one than commit while it is not applied as a whole."),
        tree: commit("The Git tree of the folder at commit: equal trees need no work."),
        counts: object(
          "What the last pass did.",
          {},
          {
            objects: count("Objects in Git."),
            created: count("Objects created."),
            changed: count("Objects changed."),
            pruned: count("Objects deleted."),
            unchanged: count("Objects that were as they should be."),
          },
        ),
        drift: list(driftItem, "Objects that are not as Git says, the first 20.", { maxItems: MOST_LISTED }),
        problems: list(problemItem, "What in Git cannot be applied, the first 20.", { maxItems: MOST_LISTED }),
        blockedBy: text("The one fact that holds everything up, in a sentence; absent when nothing does."),
        lastSyncedAt: time("When everything was applied last."),
        lastHandledReconcileAt: text("The value of the annotation slipway.dev/reconcile-at that was acted upon last."),
      },
    ),
  },
);

export const syncKind: Kind = {
  ...slipwayKind,
  kind: "Sync",
  resource: "syncs",
  singular: "sync",
  shortNames: [],
  categories: ["all", "slipway"],
  namespaced: true,
  description,
  schema,
  hasStatus: true,
  columns: [
    readyColumn,
    reasonColumn,
    textColumn("Revision", "The commit that is applied.", (object) => short(textAt(object, "status", "commit"))),
    ageColumn,
    textColumn("Source", "The repository and folder.", sourceText, 1),
    countColumn("Objects", "How many objects Git has.", (object) => numberOr(at(object, "status", "counts", "objects")), 1),
    countColumn("Problems", "How many things in Git cannot be applied.", (object) => listAt(object, "status", "problems").length, 1),
    sinceColumn("Synced", "How long ago everything was applied.", (object) => at(object, "status", "lastSyncedAt"), 1),
    messageColumn,
  ],
  links: (object: ApiObject, key: ObjectKey) => [
    ...linkTo("gitrepository", key.namespace, textAt(object, "spec", "source", "repository")),
    ...linkTo("serviceaccount", key.namespace, textAt(object, "spec", "serviceAccountName")),
  ],
  validate: (object) => pathProblems(textAt(object, "spec", "path")),
};

function sourceText(object: ApiObject): string {
  return `${textAt(object, "spec", "source", "repository")}/${textAt(object, "spec", "path")}`;
}

const numberOr = (value: unknown): number => (typeof value === "number" ? value : 0);
const linkTo = (what: string, namespace: string, name: string): readonly string[] => (name === "" ? [] : [`${what}/${namespace}/${name}`]);

/** The folder stays inside the repository, and is named without tricks. */
function pathProblems(path: string): readonly FieldProblem[] {
  const parts = path.split("/");
  if (!path.startsWith("/") && !parts.includes("..") && !/[\p{Cc}\\]/u.test(path) && !parts.some((part) => part.toLowerCase() === ".git"))
    return [];
  return [
    {
      path: "spec.path",
      code: "invalid",
      message: `${JSON.stringify(path.slice(0, 64))} is no folder in the repository`,
      hint: 'write it from the root of the repository, without a leading "/" and without "..", such as deploy/production',
    },
  ];
}
