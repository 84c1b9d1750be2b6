import { ageColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { flag, integer, list, listMap, object, text, time } from "../schema.ts";

const objectReference = object(
  "Names a Secret.",
  { name: text("Name of the Secret.") },
  {
    apiVersion: text("API version of the object."),
    kind: text("Kind of the object."),
    namespace: text("Namespace of the object."),
    uid: text("UID of the object."),
    resourceVersion: text("Version of the object."),
    fieldPath: text("Part of the object."),
  },
  { "x-kubernetes-map-type": "atomic" },
);

/** https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/ */
const tokenRequest = object(
  "TokenRequest asks for a token of a service account; the answer carries it in status.",
  {
    spec: object(
      "What kind of token.",
      {},
      {
        audiences: list(text("An audience."), "Who the token is for; whoever checks it must be one of them. Empty: this server."),
        expirationSeconds: integer("How long it is valid, in seconds, at least 600.", {
          format: "int64",
          minimum: 600,
          maximum: 4294967296,
          default: 3600,
        }),
        boundObjectRef: object(
          "An object the token lives and dies with.",
          {},
          {
            apiVersion: text("API version of the object."),
            kind: text("Kind of the object: Secret."),
            name: text("Name of the object."),
            uid: text("UID of the object."),
          },
        ),
      },
    ),
  },
  {
    // nothing of an answer is required: clients send it empty with the question
    status: object(
      "The answer.",
      {},
      { token: text("The token: a secret that is shown this once."), expirationTimestamp: time("When it ends.") },
    ),
  },
);

export const serviceAccountKind: Kind = {
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  resource: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  categories: [],
  namespaced: true,
  description: "ServiceAccount is an identity for programs: a Sync applies what Git says with the rights of one.",
  schema: object(
    "ServiceAccount is an identity for programs: a Sync applies what Git says with the rights of one.",
    {},
    {
      secrets: listMap(objectReference, ["name"], "Secrets that belong to the account; kept for compatibility, Slipway makes none.", {
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "name",
      }),
      imagePullSecrets: list(
        object("Names a Secret in the same namespace.", {}, { name: text("Name of the Secret.") }, { "x-kubernetes-map-type": "atomic" }),
        "Secrets for pulling images where the account is used in a cluster.",
      ),
      automountServiceAccountToken: flag("Kept for compatibility: whether a token is mounted into pods."),
    },
  ),
  hasStatus: false,
  actions: [
    {
      name: "token",
      body: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", schema: tokenRequest },
      description: "Make a token of this account; shown once, kept only as a hash.",
    },
  ],
  columns: [ageColumn],
};
