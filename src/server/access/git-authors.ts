import { gitAuthorToUser } from "../../domain/access/git-author.ts";
import { texts } from "../../domain/access/policy-rule.ts";
import { isJsonObject } from "../../domain/object/json.ts";
import type { AccessIndex } from "./access-index.ts";
import { USERS } from "./access-index.ts";
import { isDisabled } from "./identities.ts";

/** The name of the user a commit's author is, by `User.spec.gitAuthors`; nobody where none or several claim the address, or the user is disabled. */
export async function userOfGitAuthor(index: Pick<AccessIndex, "identities">, email: string): Promise<string | undefined> {
  await index.identities.ready();
  const users = index.identities.all(USERS).map(({ key, object }) => ({
    user: key.name,
    disabled: isDisabled(object),
    gitAuthors: isJsonObject(object.spec) ? texts(object.spec["gitAuthors"]) : [],
  }));
  const found = gitAuthorToUser(users, email);
  return users.find(({ user }) => user === found)?.disabled === false ? found : undefined;
}
