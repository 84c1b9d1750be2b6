import type { ApiObject, ObjectKey } from "../../domain/object/api-object.ts";
import type { FieldProblem } from "../../domain/object/field-problem.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import { ageColumn, at, messageColumn, namesAt, readyColumn, reasonColumn, sinceColumn, short, textAt, textColumn } from "../columns.ts";
import type { Kind } from "../kind.ts";
import { conditionsSchema, observedGeneration } from "../meta.ts";
import { choice, duration, flag, object, text, time } from "../schema.ts";
import { commit, nameOf, slipwayKind } from "../slipway.ts";

const description =
  "GitRepository says which Git repository and branch to follow; Slipway looks for new commits and keeps what it has seen in status.";

const schema = object(
  description,
  {
    spec: object(
      "Spec is what to follow.",
      {
        url: text("Where it is: https://…, ssh://…, user@host:path, file:///… or an absolute path. Never with a password in it.", {
          minLength: 1,
          maxLength: 2048,
        }),
      },
      {
        ref: object(
          "What to follow: one of branch, tag and commit. Left out: the branch main.",
          {},
          { branch: text("A branch.", { minLength: 1 }), tag: text("A tag.", { minLength: 1 }), commit: commit("A full commit id.") },
        ),
        interval: duration("How often to look for new commits. Left out: 30s, and 1s for a repository on this machine."),
        suspend: flag("When true, nobody looks.", { default: false }),
        secretRef: nameOf("The Secret to log in with: keys username and password, or identity (an SSH private key) and known_hosts."),
        webhook: object(
          "Lets the Git server say that there is something new, so that nobody has to look.",
          { secretRef: nameOf("The Secret whose key token the Git server signs or sends with each call.") },
          { provider: choice(["github", "gitlab", "gitea", "generic"], "How calls are authenticated.", { default: "generic" }) },
        ),
      },
    ),
  },
  {
    status: object(
      "Status is what was seen.",
      {},
      {
        observedGeneration,
        conditions: conditionsSchema,
        artifact: object(
          "The commit seen last.",
          { commit: commit("Its full id.") },
          {
            ref: text("The ref it was found at, such as refs/heads/main."),
            committedAt: time("When it was committed, by its own word."),
            seenAt: time("When Slipway saw it first."),
            author: text("Who wrote it: a name and an address.", { maxLength: 1024 }),
            user: text("The user whose spec.gitAuthors has that address, when it is exactly one. By the author's own word."),
            message: text("The first line of its message.", { maxLength: 1024 }),
          },
        ),
        historyRewritten: flag("Whether the commit seen last does not descend from the one before: somebody force-pushed."),
        lastHandledReconcileAt: text("The value of the annotation slipway.dev/reconcile-at that was acted upon last."),
      },
    ),
  },
);

export const gitRepositoryKind: Kind = {
  ...slipwayKind,
  kind: "GitRepository",
  resource: "gitrepositories",
  singular: "gitrepository",
  shortNames: ["gitrepo", "gitrepos"],
  categories: ["all", "slipway"],
  namespaced: true,
  description,
  schema,
  hasStatus: true,
  columns: [
    readyColumn,
    reasonColumn,
    textColumn("Revision", "The commit seen last.", (object) => short(textAt(object, "status", "artifact", "commit"))),
    ageColumn,
    textColumn("URL", "Where the repository is.", (object) => textAt(object, "spec", "url"), 1),
    textColumn("Ref", "What is followed.", followedRef, 1),
    sinceColumn("Seen", "How long ago the commit was seen first.", (object) => at(object, "status", "artifact", "seenAt"), 1),
    messageColumn,
  ],
  links: secretLinks,
  defaults: withRepositoryDefaults,
  validate: repositoryProblems,
};

function followedRef(object: ApiObject): string {
  const ref = (name: string) => textAt(object, "spec", "ref", name);
  return ref("commit") === "" ? ref("tag") || ref("branch") : short(ref("commit"));
}

/** The Secrets it uses, so that a change of one makes it due. */
function secretLinks(object: ApiObject, key: ObjectKey): readonly string[] {
  const names = [textAt(object, "spec", "secretRef", "name"), textAt(object, "spec", "webhook", "secretRef", "name")];
  return names.filter((name) => name !== "").map((name) => `secret/${key.namespace}/${name}`);
}

function withRepositoryDefaults(object: ApiObject): ApiObject {
  const { spec } = object;
  if (!isJsonObject(spec)) return object;
  const ref =
    namesAt(spec, "ref").length === 0 && (spec["ref"] === undefined || isJsonObject(spec["ref"])) ? { branch: "main" } : spec["ref"];
  const interval = spec["interval"] ?? (isLocalRepository(textAt(spec, "url")) ? "1s" : "30s");
  return { ...object, spec: { ...spec, ...(ref === undefined ? {} : { ref }), interval } };
}

/** Whether the repository lies on this machine: looking at it costs next to nothing. */
export const isLocalRepository = (url: string): boolean => url.startsWith("/") || url.toLowerCase().startsWith("file:");

function repositoryProblems(object: ApiObject): readonly FieldProblem[] {
  return [...urlProblems(textAt(object, "spec", "url")), ...refProblems(object)];
}

const SCP_LIKE = /^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:]/;

/** Never quotes the URL: it may hold a password. */
function urlProblems(url: string): readonly FieldProblem[] {
  const problem = (message: string, hint: string): FieldProblem[] => [{ path: "spec.url", code: "invalid", message, hint }];
  if (url === "") return [];
  if (/[\p{Cc}\s]/u.test(url)) return problem("the address holds blanks or control characters", "write %20 for a blank");
  if (isLocalRepository(url) || SCP_LIKE.test(url)) return [];
  const scheme = /^(https?|ssh):\/\/([^/?#]*)/i.exec(url);
  if (scheme === null || !URL.canParse(url))
    return problem(
      "this is no address of a Git repository",
      "write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH or an absolute path",
    );
  const { password, username, protocol, hostname } = new URL(url);
  if (password !== "" || (username !== "" && protocol !== "ssh:"))
    return problem("the address holds credentials", "put them into a Secret and name it in spec.secretRef");
  return hostname === "" || hostname.startsWith("-") || username.startsWith("-")
    ? problem("the address has no usable host name", "write https://HOST/PATH")
    : [];
}

function refProblems(object: ApiObject): readonly FieldProblem[] {
  const named = namesAt(object, "spec", "ref").filter((name) => ["branch", "tag", "commit"].includes(name));
  if (named.length > 1) {
    return [
      {
        path: "spec.ref",
        code: "invalid",
        message: `names ${named.join(" and ")}, but only one can be followed`,
        hint: "keep one of them",
      },
    ];
  }
  return (["branch", "tag"] as const).flatMap((kind): FieldProblem[] => {
    const name = textAt(object, "spec", "ref", kind);
    if (name === "" || isRefName(name)) return [];
    return [
      {
        path: `spec.ref.${kind}`,
        code: "invalid",
        message: `${JSON.stringify(name.slice(0, 64))} is no name of a ${kind}`,
        hint: `write it without refs/, as git ${kind} lists it`,
      },
    ];
  });
}

/** The rules of `git check-ref-format --branch`: https://git-scm.com/docs/git-check-ref-format */
function isRefName(name: string): boolean {
  if (name.length > 255 || name.startsWith("-") || name.startsWith("/") || name.endsWith("/") || name.endsWith(".") || name === "@")
    return false;
  if (/[\p{Cc}\s~^:?*[\\]/u.test(name) || name.includes("..") || name.includes("@{") || name.includes("//")) return false;
  return name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}
