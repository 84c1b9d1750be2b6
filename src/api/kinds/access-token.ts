import type { ApiObject } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { isJsonObject, jsonEqual } from "../../domain/object/json.ts";
import { ageColumn, at, listAt, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { SHA256 } from "../patterns.ts";
import { choice, list, object, text, time } from "../schema.ts";
import { scopesSchema, slipwayKind } from "../slipway.ts";

const description =
  "AccessToken is a token that was given out: whose it is and what it may be used for, never the token itself. Deleting it ends the token.";

const schema = object(
  description,
  {
    spec: object(
      "Spec is whose it is and what for; nothing but description can be changed.",
      {
        subject: object(
          "Whose token it is.",
          {
            kind: choice(["User", "ServiceAccount"], "User or ServiceAccount."),
            name: text("The name.", { minLength: 1, maxLength: 253 }),
          },
          {
            namespace: text("The namespace of a ServiceAccount.", { maxLength: 63 }),
            uid: text("The uid: a later identity of the same name is another one.", { maxLength: 128 }),
          },
        ),
        hash: text("SHA-256 of the secret part of the token, in lower-case hex.", { pattern: SHA256 }),
        expiresAt: time("When it ends."),
      },
      {
        audiences: list(text("An audience."), "Who the token is for. Empty: this server.", { maxItems: 20 }),
        scopes: scopesSchema,
        description: text("What it is for, for people.", { maxLength: 1024 }),
      },
    ),
  },
  {},
);

export const accessTokenKind: Kind = {
  ...slipwayKind,
  kind: "AccessToken",
  resource: "accesstokens",
  singular: "accesstoken",
  shortNames: [],
  categories: ["slipway"],
  namespaced: false,
  description,
  schema,
  hasStatus: false,
  secretFields: ["spec.hash"],
  columns: [
    textColumn("Subject", "Whose token it is.", subjectText),
    textColumn("Expires", "When it ends.", (object) => textAt(object, "spec", "expiresAt")),
    ageColumn,
    textColumn(
      "Audiences",
      "Who the token is for.",
      (object) =>
        listAt(object, "spec", "audiences")
          .filter((audience) => typeof audience === "string")
          .join(","),
      1,
    ),
    textColumn(
      "Scoped",
      "Whether it may be used for less than its owner may do.",
      (object) => (at(object, "spec", "scopes") === undefined ? "no" : "yes"),
      1,
    ),
    textColumn("Description", "What it is for.", (object) => textAt(object, "spec", "description"), 1),
  ],
  fields: {
    "spec.subject.kind": (object) => textAt(object, "spec", "subject", "kind"),
    "spec.subject.namespace": (object) => textAt(object, "spec", "subject", "namespace"),
    "spec.subject.name": (object) => textAt(object, "spec", "subject", "name"),
  },
  links: (object) => (textAt(object, "spec", "subject", "uid") === "" ? [] : [`subject/${textAt(object, "spec", "subject", "uid")}`]),
  validate: (object, previous) => [...subjectProblems(object), ...(previous === undefined ? [] : changeProblems(object, previous))],
};

function subjectText(object: ApiObject): string {
  const [kind, namespace, name] = ["kind", "namespace", "name"].map((field) => textAt(object, "spec", "subject", field));
  return kind === "ServiceAccount" ? `serviceaccount/${namespace ?? ""}/${name ?? ""}` : `user/${name ?? ""}`;
}

function subjectProblems(object: ApiObject): readonly FieldProblem[] {
  const namespaced = textAt(object, "spec", "subject", "kind") === "ServiceAccount";
  if (namespaced === (textAt(object, "spec", "subject", "namespace") !== "")) return [];
  const path = "spec.subject.namespace";
  return namespaced
    ? [{ path, code: "required", message: "a ServiceAccount is in a namespace", hint: "name it" }]
    : [{ path, code: "forbidden", message: "a User is in no namespace", hint: "leave it out" }];
}

function changeProblems(object: ApiObject, previous: ApiObject): readonly FieldProblem[] {
  const [now, before] = [at(object, "spec"), at(previous, "spec")].map((spec) => (isJsonObject(spec) ? spec : {}));
  const names = new Set([...Object.keys(now ?? {}), ...Object.keys(before ?? {})]);
  names.delete("description");
  return [...names]
    .filter((name) => !jsonEqual(now?.[name], before?.[name]))
    .map((name) => ({
      path: `spec.${name.slice(0, 64)}`,
      code: "immutable",
      message: "field is immutable",
      hint: "delete this token and make a new one",
    }));
}
