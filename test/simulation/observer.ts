import { type ApiObject, keyText, type ObjectKey } from "../../src/domain/object/api-object.ts";
import { conditionOf } from "../../src/domain/object/conditions.ts";
import { isJsonObject } from "../../src/domain/object/json.ts";
import { references } from "../../src/domain/ownership/collect.ts";
import { PART_OF } from "../../src/domain/sync/apply-set.ts";
import type { Change, StoredObject, Transaction } from "../../src/ports/resources.ts";
import type { Lease } from "../../src/ports/work.ts";
import { REVISION } from "./content.ts";
import type { Repository } from "./repository.ts";
import type { Scheduler } from "./scheduler.ts";

/** A promise that was broken. */
export class Violation extends Error {
  override readonly name = "Violation";
}

interface Held {
  readonly lease: Lease;
  until: number;
  /** The version of the store when the pass began. */
  readonly since: number;
  isOver: boolean;
}

interface State {
  readonly version: number;
  readonly object: ApiObject | undefined;
}

/** Sees every commit and every lease as the store does, and checks what must hold after each. */
export class Observer {
  readonly #scheduler: Scheduler;
  readonly #held = new Map<string, Held>();
  readonly #highestEpoch = new Map<string, number>();
  readonly #history = new Map<string, State[]>();
  /** Apply sets that an object of this uid was ever in. */
  readonly #memberships = new Map<string, Set<string>>();
  readonly #uids = new Set<string>();
  readonly #compared = new Map<string, Set<string>>();
  #changes: Change[] = [];
  #last = 0;
  repository: Repository | undefined;
  /** Of the apply set of each service account's Sync, by user name. */
  readonly setOf = new Map<string, string>();
  /** Called when a Sync has said what it is about to do, and has not begun. */
  whenSyncing: (() => void) | undefined;
  tell: (line: string) => void = () => undefined;
  violation: Violation | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get version(): number {
    return this.#last;
  }

  fail(message: string): void {
    this.violation ??= new Violation(message);
  }

  claimed(leases: readonly Lease[], until: number): void {
    for (const lease of leases) {
      const row = rowText(lease);
      const held = this.#held.get(row);
      if (held !== undefined && !held.isOver && held.until > this.#scheduler.now)
        this.fail(`${row}: leased twice, to ${held.lease.owner} and ${lease.owner}`);
      if (lease.epoch <= (this.#highestEpoch.get(row) ?? 0))
        this.fail(`${row}: epoch ${lease.epoch} after ${this.#highestEpoch.get(row) ?? 0}`);
      this.#highestEpoch.set(row, lease.epoch);
      this.#held.set(row, { lease, until, since: this.#last, isOver: false });
    }
  }

  renewed(leases: readonly Lease[], until: number): void {
    for (const lease of leases) {
      const held = this.#held.get(rowText(lease));
      if (held === undefined || held.lease.epoch !== lease.epoch || held.isOver)
        this.fail(`${rowText(lease)}: a lease that was over was renewed`);
      else held.until = until;
    }
  }

  released(lease: Lease): void {
    const held = this.#held.get(rowText(lease));
    if (held?.lease.epoch === lease.epoch && held.until > this.#scheduler.now) held.isOver = true;
  }

  beginning(): void {
    this.#changes = [];
  }

  changing(change: Change): void {
    this.#changes.push(change);
  }

  compared(plane: string, object: ApiObject, version: string): void {
    const place = `${plane} ${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
    const seen = this.#compared.get(place) ?? new Set();
    seen.add(version);
    this.#compared.set(place, seen);
  }

  committed(transaction: Transaction, stored: readonly StoredObject[]): void {
    this.#checkGuard(transaction);
    const actors = new Map((transaction.records ?? []).map(({ about, actor }) => [keyText(about), actor]));
    for (const change of this.#changes) this.#checkChange(change, actors.get(keyText(change.key)) ?? "", transaction.guard);
    for (const { resourceVersion } of stored) this.#last = Math.max(this.#last, resourceVersion);
    this.#changes = [];
  }

  /** The state of an object as of now, and all states it had since that version. */
  statesSince(key: string, version: number): readonly (ApiObject | undefined)[] {
    const states = this.#history.get(key) ?? [];
    const later = states.filter((state) => state.version > version).map(({ object }) => object);
    return [states.findLast((state) => state.version <= version)?.object, ...later];
  }

  live(): readonly (readonly [key: string, object: ApiObject])[] {
    return [...this.#history].flatMap(([key, states]) => {
      const object = states.at(-1)?.object;
      return object === undefined ? [] : [[key, object] as const];
    });
  }

  get(key: string): ApiObject | undefined {
    return this.#history.get(key)?.at(-1)?.object;
  }

  #checkGuard({ guard, finish }: Transaction): void {
    if (guard === undefined) return;
    const row = rowText(guard);
    const held = this.#held.get(row);
    const is = `${row} epoch ${guard.epoch}`;
    if (held === undefined || held.lease.epoch !== guard.epoch)
      this.fail(`${is}: a pass committed after epoch ${held?.lease.epoch ?? 0} had begun`);
    else if (held.isOver) this.fail(`${is}: a pass committed after it had ended`);
    else if (held.until <= this.#scheduler.now) this.fail(`${is}: a pass committed after its lease had run out`);
    if (finish !== undefined && held !== undefined) held.isOver = true;
  }

  #checkChange({ type, key, object, previous }: Change, actor: string, guard: Lease | undefined): void {
    const text = keyText(key);
    const version = Number(object.metadata.resourceVersion);
    const states = this.#history.get(text) ?? [];
    this.#history.set(text, states);
    if (version <= this.#last) this.fail(`${text}: version ${version} was given after ${this.#last}`);
    this.#last = version;
    const before = states.at(-1)?.object;
    this.tell(`  ${type} ${text} at ${version} by ${actor === "" ? "a controller's events" : actor}`);
    states.push({ version, object: type === "deleted" ? undefined : object });
    const uid = object.metadata.uid ?? "";
    const set = object.metadata.labels?.[PART_OF];
    if (set !== undefined) this.#memberships.set(uid, (this.#memberships.get(uid) ?? new Set()).add(set));
    if (type === "added" && this.#uids.has(uid)) this.fail(`${text}: the uid ${uid} was given twice`);
    this.#uids.add(uid);
    const isDeletion =
      type === "deleted" || (object.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined);
    if (isDeletion) this.#checkDeletion(text, uid, object, actor);
    else this.#checkApplied(text, key, object, before, actor);
    if (key.resource === "syncs" && conditionOf(object, "Ready")?.reason === "Syncing") this.whenSyncing?.();
    if (key.resource === "syncs" && type === "modified") this.#checkSyncStatus(text, object, previous, guard);
  }

  #checkDeletion(text: string, uid: string, object: ApiObject, actor: string): void {
    const set = this.setOf.get(actor);
    if (set !== undefined && this.#memberships.get(uid)?.has(set) !== true)
      this.fail(`${text}: deleted by ${actor}, which never applied it`);
    if (set !== undefined && object.kind === "Namespace") this.fail(`${text}: a namespace was deleted by ${actor}`);
    if (actor !== "system:slipway:garbage-collector") return;
    const alive = references(object).filter((reference) => this.#isAlive(reference.uid));
    const isBlocked = alive.every(({ uid: owner }) => this.#isDeleting(owner));
    if (!isBlocked) this.fail(`${text}: collected although an owner of it lives`);
  }

  #isAlive(uid: string): boolean {
    return this.live().some(([, object]) => object.metadata.uid === uid);
  }

  #isDeleting(uid: string): boolean {
    return this.live().some(([, object]) => object.metadata.uid === uid && object.metadata.deletionTimestamp !== undefined);
  }

  /** What a Sync writes comes from a whole commit, and lands on the state it was decided on. */
  #checkApplied(text: string, key: ObjectKey, object: ApiObject, before: ApiObject | undefined, actor: string): void {
    const set = this.setOf.get(actor);
    if (set === undefined) return;
    const revision = object.metadata.annotations?.[REVISION];
    if (revision === undefined || this.repository?.isWhole(Number(revision)) !== true)
      this.fail(`${text}: applied from a commit that cannot be applied as a whole (revision ${revision ?? "none"})`);
    const decidedOn = before?.metadata.resourceVersion ?? "";
    const place = `${object.kind} ${key.namespace}/${key.name}`;
    const isCompared = [...this.#compared].some(([name, versions]) => name.endsWith(` ${place}`) && versions.has(decidedOn));
    if (!isCompared) this.fail(`${text}: applied onto version ${decidedOn}, which no plan had looked at`);
  }

  #checkSyncStatus(text: string, object: ApiObject, previous: ApiObject | undefined, guard: Lease | undefined): void {
    const commit = commitOf(object);
    if (commit === undefined || (commit === commitOf(previous) && syncedAt(object) === syncedAt(previous))) return;
    const held = guard === undefined ? undefined : this.#held.get(rowText(guard));
    if (held === undefined) {
      this.fail(`${text}: its status.commit was written outside of a pass`);
      return;
    }
    const wrong = this.repository?.whyNotInForce(object, commit, (key) => this.statesSince(key, held.since), this.live());
    if (wrong !== undefined) this.fail(`${text}: says that ${commit.slice(0, 12)} is applied, but ${wrong}`);
  }
}

const rowText = ({ controller, key }: Pick<Lease, "controller" | "key">): string => `${controller} ${keyText(key)}`;

const statusOf = (object: ApiObject | undefined) => (isJsonObject(object?.status) ? object.status : {});

export function commitOf(object: ApiObject | undefined): string | undefined {
  const { commit } = statusOf(object);
  return typeof commit === "string" ? commit : undefined;
}

const syncedAt = (object: ApiObject | undefined): string => JSON.stringify(statusOf(object)["lastSyncedAt"] ?? null);
