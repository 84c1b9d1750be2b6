/** A person as Git knows him: the e-mail addresses he commits with. */
export interface GitIdentity {
  readonly user: string;
  readonly gitAuthors: readonly string[];
}

/**
 * The user who committed under an address; letter case does not count. Nobody when no user or more than one claims it:
 * an author line is only a claim, so a doubtful one must not become a person.
 */
export function gitAuthorToUser(users: Iterable<GitIdentity>, email: string): string | undefined {
  const wanted = fold(email);
  if (wanted === "") return undefined;
  const found = new Set<string>();
  for (const { user, gitAuthors } of users) if (gitAuthors.some((own) => fold(own) === wanted)) found.add(user);
  const [only] = found;
  return found.size === 1 ? only : undefined;
}

/** `Jane <jane@example.org>` and `<jane@example.org>` name the same as the bare address. */
function fold(email: string): string {
  const [, inner] = /<([^<>]*)>\s*$/.exec(email) ?? [];
  return (inner ?? email).trim().toLowerCase();
}
