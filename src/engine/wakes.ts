import type { Kind } from "../api/kind.ts";
import type { Change, WakeRule } from "../ports/resources.ts";
import { dueTokens } from "./access-token/access-token-controller.ts";
import { dueOwners } from "./garbage-collector/garbage-collector.ts";
import { dueRepositories } from "./git-repository/git-repository-controller.ts";
import { dueNamespaces } from "./namespace/namespace-controller.ts";
import { dueSyncs } from "./sync/sync-controller.ts";

/**
 * What a change makes due, for all controllers. Pure: whoever writes an object writes this with it, also a control plane that runs no controllers, and
 * a restore.
 */
export function wakesOf(kinds: readonly Kind[]): (change: Change) => readonly WakeRule[] {
  return (change) => [
    ...dueRepositories(change),
    ...dueSyncs(change),
    ...dueNamespaces(change),
    ...dueOwners(change, kinds),
    ...dueTokens(change),
  ];
}
