/** Knows which user a Git author is. An author line is a claim, not a proof: what needs proof asks for a signature. */
export interface Authors {
  /** The user who claims this address in `User.spec.gitAuthors`; nobody when none or several do, or the user is disabled. */
  userOf(email: string): Promise<string | undefined>;
}
