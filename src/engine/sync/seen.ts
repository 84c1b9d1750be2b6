import type { SourceProblem } from "../../domain/sync/desired.ts";
import type { Comparison, Live } from "../../domain/sync/plan.ts";
import type { PortError } from "../../ports/port-error.ts";
import type { StoredObject } from "../../ports/resources.ts";

/** All that the decision about one Sync may know. */
export type Seen = { readonly kind: "gone" } | SyncSeen;

export interface SyncSeen {
  readonly kind: "seen";
  readonly sync: StoredObject;
  readonly spec: SyncSpec;
  readonly account: StoredObject | undefined;
  readonly source: Source;
  readonly target: Target;
}

export interface SyncSpec {
  readonly repository: string;
  readonly path: string;
  readonly serviceAccountName: string;
  readonly prune: boolean;
  readonly selfHeal: boolean;
  readonly force: boolean;
  readonly suspend: boolean;
  readonly interval: string;
}

export type Source =
  | { readonly kind: "absent" }
  /** The repository has not been read yet, or cannot be at the moment. */
  | { readonly kind: "notReady"; readonly message: string }
  | { readonly kind: "ready"; readonly commit: string };

export type Target =
  | { readonly kind: "notAsked" }
  | { readonly kind: "failed"; readonly error: PortError }
  | {
      readonly kind: "compared";
      readonly identity: string;
      readonly comparisons: readonly Comparison[];
      readonly inventory: readonly Live[];
      readonly problems: readonly SourceProblem[];
    };
