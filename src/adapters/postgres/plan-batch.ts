import { keyText, resourceVersion } from "../../domain/object/api-object.ts";
import type { ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import type { Instant } from "../../domain/units.ts";
import { decideCommit, fencedError } from "../../ports/decide-commit.ts";
import type { Row, RowChange } from "../../ports/decide-commit.ts";
import type { NewRecord } from "../../ports/records.ts";
import type { Derivations, StoredObject, Transaction, WakeRule } from "../../ports/resources.ts";
import type { Lease, Wake } from "../../ports/work.ts";

/** What a batch found under the lock. */
export interface Found {
  readonly last: ResourceVersion;
  readonly lastRecord: number;
  readonly rows: Map<string, Row | undefined>;
  readonly held: ReadonlySet<string>;
}

interface Finish {
  readonly lease: Lease;
  readonly wakeAt: Instant | undefined;
  /** Failed passes in a row from now on. */
  readonly attempts: number;
}

type LinkRule = Extract<WakeRule, { linkedTo: string }>;

/** All that a batch will write, and what each of its transactions is answered. */
export interface BatchPlan {
  readonly answers: readonly PromiseSettledResult<readonly StoredObject[]>[];
  readonly first: ResourceVersion;
  readonly last: ResourceVersion;
  readonly changes: readonly RowChange[];
  readonly rows: ReadonlyMap<string, { readonly key: ObjectKey; readonly row: Row | undefined }>;
  readonly records: readonly NewRecord[];
  readonly firstRecord: number;
  readonly wakes: readonly Wake[];
  readonly links: readonly LinkRule[];
  readonly finishes: readonly Finish[];
  /** Controllers that got work. */
  readonly woken: readonly string[];
}

/** Decides the transactions one after the other, each on what those before it leave. Pure but for the merges it calls. */
export function planBatch(found: Found, transactions: readonly Transaction[], derivations: Derivations): BatchPlan {
  const rows = new Map(found.rows);
  const touched = new Map<string, { readonly key: ObjectKey; readonly row: Row | undefined }>();
  const finished = new Set<string>();
  const changes: RowChange[] = [];
  const records: NewRecord[] = [];
  const wakes: Wake[] = [];
  const rules: WakeRule[] = [];
  const finishes: Finish[] = [];
  let last = found.last;
  const decide = (transaction: Transaction): readonly StoredObject[] => {
    const { guard, finish } = transaction;
    if (guard !== undefined && (!found.held.has(leaseText(guard)) || finished.has(leaseText(guard))))
      throw fencedError(guard.controller, guard.key);
    const decided = decideCommit(transaction, (key) => rows.get(keyText(key)), last, derivations);
    if (transaction.dryRun === true) return decided.stored;
    for (const change of decided.changes) {
      const { key } = change.row.stored;
      const row = change.type === "deleted" ? undefined : change.row;
      rows.set(keyText(key), row);
      touched.set(keyText(key), { key, row });
    }
    last = decided.last;
    changes.push(...decided.changes);
    records.push(...(transaction.records ?? []));
    wakes.push(...(transaction.wakes ?? []));
    rules.push(...decided.wakes);
    if (guard !== undefined && finish !== undefined) {
      finished.add(leaseText(guard));
      finishes.push({ lease: guard, wakeAt: finish.wakeAt, attempts: finish.failed === true ? guard.attempts + 1 : 0 });
    }
    return decided.stored;
  };
  const answers = transactions.map((transaction) => settled(() => decide(transaction)));
  const direct = [...wakes, ...rules.filter((rule) => "key" in rule)];
  const links = rules.filter((rule) => "linkedTo" in rule);
  return {
    answers,
    first: resourceVersion(found.last + 1),
    last,
    changes,
    rows: touched,
    records,
    firstRecord: found.lastRecord + 1,
    wakes: direct,
    links,
    finishes,
    woken: [...new Set([...direct, ...links, ...finishes.map(({ lease }) => lease)].map(({ controller }) => controller))],
  };
}

function settled<T>(decide: () => T): PromiseSettledResult<T> {
  try {
    return { status: "fulfilled", value: decide() };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}

/** A lease as it is told apart from those before and after it. */
export const leaseText = (lease: Lease): string => `${lease.controller} ${keyText(lease.key)} ${lease.epoch} ${lease.owner}`;
