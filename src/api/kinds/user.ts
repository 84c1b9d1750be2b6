import type { ApiObject } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { ageColumn, at, listAt, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { flag, integer, list, object, text, time } from "../schema.ts";
import { scopesSchema, slipwayKind } from "../slipway.ts";

const description =
  "User is a person who may call Slipway, and whose commits are known to be theirs. Rights come from role bindings to the name and the groups.";

const schema = object(
  description,
  {},
  {
    spec: object(
      "Spec is who it is.",
      {},
      {
        displayName: text("The name for people.", { maxLength: 256 }),
        email: text("The address for notifications.", { maxLength: 320 }),
        groups: list(text("A group.", { minLength: 1, maxLength: 253 }), "The groups, which role bindings can name.", { maxItems: 100 }),
        disabled: flag("When true, no token of this user is good.", { default: false }),
        gitAuthors: list(
          text("An address, as in the author line of a commit.", { minLength: 3, maxLength: 320 }),
          "The addresses that commits of this user carry.",
          {
            maxItems: 50,
          },
        ),
      },
    ),
  },
);

const accessTokenRequest = object(
  "AccessTokenRequest asks for a token of a user; the answer carries it in status.",
  {
    spec: object(
      "What kind of token.",
      {},
      {
        audiences: list(text("An audience."), "Who the token is for. Empty: this server.", { maxItems: 20 }),
        scopes: scopesSchema,
        expirationSeconds: integer("How long it is valid, in seconds, from a minute to a year. Left out: 90 days.", {
          format: "int64",
          minimum: 60,
          maximum: 31_536_000,
          default: 7_776_000,
        }),
        description: text("What it is for, for people.", { maxLength: 1024 }),
      },
    ),
  },
  {
    status: object(
      "The answer.",
      {},
      {
        token: text("The token: a secret that is shown this once."),
        expirationTimestamp: time("When it ends."),
        name: text("The name of the AccessToken: delete it to end the token."),
      },
    ),
  },
);

export const userKind: Kind = {
  ...slipwayKind,
  kind: "User",
  resource: "users",
  singular: "user",
  shortNames: [],
  categories: ["slipway"],
  namespaced: false,
  description,
  schema,
  hasStatus: false,
  actions: [
    {
      name: "token",
      body: { ...slipwayKind, kind: "AccessTokenRequest", schema: accessTokenRequest },
      description: "Make a token of this user; shown once, kept only as a hash.",
    },
  ],
  columns: [
    textColumn("Display Name", "The name for people.", (object) => textAt(object, "spec", "displayName")),
    textColumn("Groups", "The groups.", (object) =>
      listAt(object, "spec", "groups")
        .filter((group) => typeof group === "string")
        .join(","),
    ),
    textColumn("Status", "Active or Disabled.", (object) => (at(object, "spec", "disabled") === true ? "Disabled" : "Active")),
    ageColumn,
    textColumn("Email", "The address for notifications.", (object) => textAt(object, "spec", "email"), 1),
  ],
  links: (object) =>
    listAt(object, "spec", "gitAuthors").flatMap((address) => (typeof address === "string" ? [`gitauthor/${address.toLowerCase()}`] : [])),
  validate: (object) => [...authorProblems(object), ...groupProblems(object)],
};

function authorProblems(object: ApiObject): readonly FieldProblem[] {
  const seen = new Set<string>();
  return listAt(object, "spec", "gitAuthors").flatMap((address, index): FieldProblem[] => {
    if (typeof address !== "string") return [];
    const path = `spec.gitAuthors[${String(index)}]`;
    if (!/^[^\s@<>]+@[^\s@<>]+$/.test(address)) {
      return [{ path, code: "invalid", message: `${JSON.stringify(address.slice(0, 64))} is no address`, hint: "write jane@example.com" }];
    }
    if (seen.has(address.toLowerCase())) return [{ path, code: "duplicate", message: JSON.stringify(address), hint: "keep one of them" }];
    seen.add(address.toLowerCase());
    return [];
  });
}

/**
 * `system:` is the server's: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects
 * But for system:masters, which administrators are in; who may put somebody there is a question of rights, asked elsewhere.
 */
function groupProblems(object: ApiObject): readonly FieldProblem[] {
  return listAt(object, "spec", "groups").flatMap((group, index): FieldProblem[] => {
    if (typeof group !== "string" || !group.startsWith("system:") || group === "system:masters") return [];
    return [
      {
        path: `spec.groups[${String(index)}]`,
        code: "forbidden",
        message: `groups that begin with "system:" are the server's own`,
        hint: "give the rights by a role binding to the user or another group",
      },
    ];
  });
}
