/** Bounds on what one repository may cost this machine. All can be set; the defaults suit a configuration repository of some thousand files. */
export interface GitLimits {
  /** On disk, while it is fetched and after. */
  readonly repositoryBytes: number;
  /** How many commits back are fetched and looked at. */
  readonly historyCommits: number;
  /** Output of one listing: refs, tree entries, changed paths. */
  readonly listingBytes: number;
  /** Address space of one network command, where the system can limit it (Linux). */
  readonly memoryBytes: number;
  readonly resolveSeconds: number;
  readonly fetchSeconds: number;
  readonly readSeconds: number;
  readonly pushSeconds: number;
  /** How long to wait for another process that works on the same mirror. */
  readonly lockSeconds: number;
  /** Pushes of one batch that others may overtake before the write gives up as `notDone`. */
  readonly pushAttempts: number;
  /** Commits kept readable in a mirror; older ones are fetched again when they are asked for. */
  readonly keptCommits: number;
  /** Packs after which a mirror is packed anew. */
  readonly packs: number;
}

export const gitLimits: GitLimits = {
  repositoryBytes: 2 * 1024 ** 3,
  historyCommits: 1000,
  listingBytes: 64 << 20,
  memoryBytes: 4 * 1024 ** 3,
  resolveSeconds: 30,
  fetchSeconds: 600,
  readSeconds: 120,
  pushSeconds: 120,
  lockSeconds: 900,
  pushAttempts: 40,
  keptCommits: 64,
  packs: 40,
};
