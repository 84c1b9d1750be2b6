import { keyText, resourceVersion } from "../../domain/object/api-object.ts";
import type { ObjectKey, ResourceVersion } from "../../domain/object/api-object.ts";
import type { Instant } from "../../domain/units.ts";
import { expiredError } from "../../ports/decide-commit.ts";
import type { Row, RowChange } from "../../ports/decide-commit.ts";
import type { StoredRecord } from "../../ports/records.ts";
import type { Sealer } from "../../ports/sealer.ts";
import { storedObject } from "../../ports/stored-object.ts";

/** A row as it lies in the store: its text is sealed where a sealer says so. */
interface KeptRow extends Omit<Row, "stored"> {
  readonly key: ObjectKey;
  readonly uid: string;
  readonly version: ResourceVersion;
  readonly text: string;
}

export interface LoggedChange extends RowChange {
  readonly version: ResourceVersion;
}

interface KeptChange {
  readonly type: RowChange["type"];
  readonly version: ResourceVersion;
  readonly at: Instant;
  readonly row: KeptRow;
  readonly previous: KeptRow | undefined;
}

/** The objects, the changes that made them, and who waits for the next one. */
export class MemoryLog {
  last = resourceVersion(1);
  horizon = resourceVersion(0);
  records: StoredRecord[] = [];
  /** When each Event was last written. */
  readonly lastSeen = new Map<string, Instant>();
  readonly #sealer: Sealer | undefined;
  readonly #rows = new Map<string, KeptRow>();
  #changes: KeptChange[] = [];
  #restored: { readonly from: ResourceVersion; readonly at: ResourceVersion } | undefined;
  #changed = Promise.withResolvers<undefined>();

  constructor(sealer: Sealer | undefined) {
    this.#sealer = sealer;
  }

  get(key: ObjectKey): Row | undefined {
    const kept = this.#rows.get(keyText(key));
    return kept === undefined ? undefined : this.#open(kept);
  }

  /** Every object as it lies here. */
  kept(): readonly KeptRow[] {
    return [...this.#rows.values()];
  }

  /** Fills an empty log with objects as of `from`, whose changes it does not know; it goes on at `last`. */
  load(from: ResourceVersion, last: ResourceVersion, rows: readonly Row[], records: readonly StoredRecord[]): void {
    for (const row of rows) this.#rows.set(keyText(row.stored.key), this.#keep(row));
    this.records = [...records];
    this.last = last;
    this.horizon = last;
    this.#restored = { from, at: last };
  }

  /** The version itself, or of a restored log where it went on. Throws `expired` for one that cannot be shown. */
  shown(asked: ResourceVersion): ResourceVersion {
    if (asked === this.#restored?.from && this.horizon === this.#restored.at) return this.horizon;
    if (asked < this.horizon || asked > this.last) throw expiredError(asked, this.horizon, this.last);
    return asked;
  }

  rowsOf(group: string, resource: string): readonly Row[] {
    const prefix = `${group}/${resource}/`;
    return [...this.#rows].filter(([text]) => text.startsWith(prefix)).map(([, kept]) => this.#open(kept));
  }

  append(changes: readonly RowChange[], at: Instant): void {
    for (const { type, row, previous } of changes) {
      const text = keyText(row.stored.key);
      const kept = this.#keep(row);
      this.last = row.stored.resourceVersion;
      this.#changes.push({ type, version: this.last, at, row: kept, previous: previous === undefined ? undefined : this.#keep(previous) });
      if (type === "deleted") this.#rows.delete(text);
      else this.#rows.set(text, kept);
      if (type === "deleted") this.lastSeen.delete(text);
      else if (row.stored.key.group === "" && row.stored.key.resource === "events") this.lastSeen.set(text, at);
    }
    const waiting = this.#changed;
    this.#changed = Promise.withResolvers();
    waiting.resolve(undefined);
  }

  changesAfter(version: ResourceVersion): readonly LoggedChange[] {
    // Versions are dense: the change of version v lies at v - 1 - (version before the first kept).
    const first = this.#changes[0]?.version ?? this.last + 1;
    return this.#changes.slice(Math.max(0, version + 1 - first)).map(({ type, row, previous, version: own }) => ({
      type,
      version: own,
      row: this.#open(row),
      previous: previous === undefined ? undefined : this.#open(previous),
    }));
  }

  /** Resolves at the next append. */
  get changed(): Promise<undefined> {
    return this.#changed.promise;
  }

  forget(cutoff: Instant, keepAtMost: number, atMost: number): { readonly removed: number; readonly more: boolean } {
    const surplus = this.#changes.length - keepAtMost;
    const isOld = (change: KeptChange | undefined, at: number) => change !== undefined && (at < surplus || change.at < cutoff);
    let removed = 0;
    while (removed < atMost && isOld(this.#changes[removed], removed)) removed++;
    this.horizon = this.#changes[removed - 1]?.version ?? this.horizon;
    const more = isOld(this.#changes[removed], removed);
    this.#changes = this.#changes.slice(removed);
    return { removed, more };
  }

  #keep({ stored, ...rest }: Row): KeptRow {
    const text = this.#sealer?.seals(stored.key) === true ? this.#sealer.seal(stored.json, stored.key) : stored.json;
    return { ...rest, key: stored.key, uid: stored.uid, version: stored.resourceVersion, text };
  }

  #open({ key, uid, version, text, ...rest }: KeptRow): Row {
    const json = this.#sealer?.seals(key) === true ? this.#sealer.open(text, key) : text;
    return { ...rest, stored: storedObject(key, uid, version, json) };
  }
}
