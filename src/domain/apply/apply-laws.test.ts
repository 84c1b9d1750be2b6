import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyConfiguration, trackUpdate, type ApplyOutcome } from "./apply.ts";
import { compareTyped } from "./compare.ts";
import { kinds, objectWith, type Sample } from "../../../test/generate/apply-samples.ts";
import { extractFieldSet } from "./extract.ts";
import { describeSet, difference, emptySet, leaves, union, type FieldSet } from "./field-set.ts";
import { decodeManagedFields, isUnreadable, type ManagedEntry } from "./managed-fields.ts";
import type { SchemaNode } from "./schema.ts";
import { rootShape } from "./shape.ts";
import { isJsonList, isJsonObject, member, membersOf, withMember, type JsonObject, type JsonValue } from "../object/json.ts";

/** One write of a history. */
interface Step {
  readonly verb: "apply" | "force" | "update";
  readonly manager: string;
  readonly spec: JsonValue;
}

const managers = fc.constantFrom("ann", "ben", "cat");

function steps({ value }: Sample): fc.Arbitrary<Step> {
  return fc.record({ verb: fc.constantFrom("apply", "force", "update"), manager: managers, spec: value });
}

/** A kind, a history of writes to one object, and two more specs. */
const histories = kinds().chain((kind) =>
  fc.record({
    schema: fc.constant(kind.schema),
    history: fc.array(steps(kind), { maxLength: 6 }),
    spec: kind.value,
    other: kind.value,
    manager: managers,
  }),
);

const runs = { numRuns: 150 };

test("applying the same again changes nothing, not even a time", () => {
  fc.assert(
    fc.property(histories, ({ schema, history, spec, manager }) => {
      const once = applied(force(schema, after(schema, history), manager, spec, 90));
      fc.pre(!hasNull(once));
      const twice = force(schema, once, manager, spec, 91);
      assert.equal(twice.outcome === "applied" && twice.changed, false);
      assert.deepEqual(applied(twice), once);
    }),
    runs,
  );
});

test("force always succeeds", () => {
  fc.assert(
    fc.property(histories, ({ schema, history, spec, manager }) => {
      assert.equal(force(schema, after(schema, history), manager, spec, 90).outcome, "applied");
    }),
    runs,
  );
});

test("conflicts are symmetric: who applies second conflicts on the same fields", () => {
  fc.assert(
    fc.property(histories, ({ schema, spec, other }) => {
      const first = apply(schema, applied(force(schema, undefined, "ann", spec, 1)), "ben", other, 2);
      const second = apply(schema, applied(force(schema, undefined, "ben", other, 1)), "ann", spec, 2);
      assert.deepEqual(fieldsOf(first), fieldsOf(second));
    }),
    runs,
  );
});

test("a conflict leaves the loser's fields to be named exactly: forcing takes those and no others", () => {
  fc.assert(
    fc.property(histories, ({ schema, history, spec }) => {
      const live = after(schema, history);
      const outcome = apply(schema, live, "new", spec, 90);
      if (outcome.outcome !== "conflict" || live === undefined) return;
      const forced = applied(force(schema, live, "new", spec, 90));
      for (const conflict of outcome.conflicts) {
        const left = new Set(ownedBy(forced, conflict));
        assert.deepEqual(
          conflict.fields.filter((field) => left.has(field)),
          [],
        );
      }
    }),
    runs,
  );
});

test("nothing is owned that is not in the object", () => {
  fc.assert(
    fc.property(histories, ({ schema, history }) => {
      const object = after(schema, history);
      if (object === undefined) return;
      const present = allPaths(schema, object);
      for (const { manager, fields } of entriesOf(object))
        assert.deepEqual(
          describeSet(fields).filter((path) => !present.has(path)),
          [],
          manager,
        );
    }),
    runs,
  );
});

test("no field is owned by nobody where no write was untracked", () => {
  fc.assert(
    fc.property(histories, ({ schema, history }) => {
      const object = after(schema, history);
      if (object === undefined) return;
      fc.pre(history.every((_, index) => isTracked(after(schema, history.slice(0, index + 1)))));
      const orphans = difference(leaves(contentOf(schema, withoutEmptied(object) as JsonObject)), owned(object));
      assert.deepEqual(describeSet(orphans), []);
    }),
    runs,
  );
});

test("who applies nothing gives up everything it owned alone", () => {
  fc.assert(
    fc.property(histories, ({ schema, history, manager }) => {
      const before = after(schema, history);
      if (before === undefined) return;
      const isApplier = (entry: ManagedEntry): boolean => entry.manager === manager && entry.operation === "Apply";
      const mine = unionOf(entriesOf(before).filter(isApplier));
      const others = unionOf(entriesOf(before).filter((entry) => !isApplier(entry)));
      const object = applied(force(schema, before, manager, undefined, 90));
      assert.equal(entriesOf(object).some(isApplier), false);
      const left = new Set(describeSet(contentOf(schema, object)));
      assert.deepEqual(
        describeSet(leaves(difference(mine, others))).filter((path) => left.has(path)),
        [],
      );
    }),
    runs,
  );
});

test("an update that changes nothing changes nothing, and writers own what they changed", () => {
  fc.assert(
    fc.property(histories, ({ schema, history, spec, manager }) => {
      const live = after(schema, history);
      if (live === undefined) return;
      assert.deepEqual(update(schema, live, manager, member(live, "spec"), 90), live);
      const next = update(schema, live, manager, spec, 91);
      assert.deepEqual(member(next, "spec"), spec);
    }),
    runs,
  );
});

function after(schema: SchemaNode, history: readonly Step[]): JsonObject | undefined {
  return history.reduce<JsonObject | undefined>((live, step, index) => play(schema, live, step, index), undefined);
}

function play(schema: SchemaNode, live: JsonObject | undefined, { verb, manager, spec }: Step, index: number): JsonObject | undefined {
  if (verb === "update") return update(schema, live, manager, spec, index);
  const outcome = verb === "force" ? force(schema, live, manager, spec, index) : apply(schema, live, manager, spec, index);
  return outcome.outcome === "applied" && !hasNull(outcome.object) ? stored(outcome.object) : live;
}

/**
 * Whether merging left a null: of a struct that somebody still owns as empty, or a list that lost all items, nothing is
 * left. No spec here has one, so the caller's validation refuses the write, as kube-apiserver's does.
 */
function hasNull(value: JsonValue | undefined): boolean {
  return value === null || (typeof value === "object" && Object.values(value).some(hasNull));
}

function apply(
  schema: SchemaNode,
  live: JsonObject | undefined,
  manager: string,
  spec: JsonValue | undefined,
  second: number,
): ApplyOutcome {
  return applyConfiguration({ schema, live, manager, configuration: objectWith(spec), force: false, now: at(second) });
}

function force(
  schema: SchemaNode,
  live: JsonObject | undefined,
  manager: string,
  spec: JsonValue | undefined,
  second: number,
): ApplyOutcome {
  return applyConfiguration({ schema, live, manager, configuration: objectWith(spec), force: true, now: at(second) });
}

function update(
  schema: SchemaNode,
  live: JsonObject | undefined,
  manager: string,
  spec: JsonValue | undefined,
  second: number,
): JsonObject {
  const next = withMember(objectWith(spec), "metadata", { name: "sample", ...(live === undefined ? {} : { uid: "u" }) });
  return stored(trackUpdate({ schema, live, manager, next, now: at(second) }));
}

/** The object as the store hands it out: with an identity. */
function stored(object: JsonObject): JsonObject {
  const metadata = member(object, "metadata");
  return withMember(object, "metadata", { ...(isJsonObject(metadata) ? metadata : {}), uid: "u" });
}

function applied(outcome: ApplyOutcome): JsonObject {
  assert.equal(outcome.outcome, "applied", JSON.stringify(outcome));
  return stored(outcome.object);
}

function at(second: number): string {
  return `2026-01-01T00:00:${String(second % 60).padStart(2, "0")}Z`;
}

function fieldsOf(outcome: ApplyOutcome): readonly string[] {
  return outcome.outcome === "conflict" ? outcome.conflicts.flatMap(({ fields }) => fields).toSorted() : [];
}

function entriesOf(object: JsonObject): readonly ManagedEntry[] {
  const managed = decodeManagedFields(object);
  assert.ok(!isUnreadable(managed));
  return [...managed.values()];
}

function ownedBy(object: JsonObject, who: { readonly manager: string; readonly operation: string }): readonly string[] {
  const entry = entriesOf(object).find(({ manager, operation }) => manager === who.manager && operation === who.operation);
  return describeSet(entry?.fields ?? emptySet);
}

function owned(object: JsonObject): FieldSet {
  return unionOf(entriesOf(object));
}

function unionOf(entries: readonly ManagedEntry[]): FieldSet {
  return entries.reduce((all, { fields }) => union(all, fields), emptySet);
}

/** Every path of the object's spec. */
function contentOf(schema: SchemaNode, object: JsonObject): FieldSet {
  const spec = member(object, "spec");
  return spec === undefined ? emptySet : extractFieldSet(rootShape(schema), { spec });
}

/** The object without empty structs and maps: what a writer emptied stays, and is not owned for being empty (as in Kubernetes). */
function withoutEmptied(value: JsonValue): JsonValue {
  if (isJsonList(value)) return value.map(withoutEmptied);
  if (!isJsonObject(value)) return value;
  const kept = membersOf(value).map(([name, inner]) => [name, withoutEmptied(inner)] as const);
  return Object.fromEntries(kept.filter(([, inner]) => !isJsonObject(inner) || Object.keys(inner).length > 0));
}

/** Whether the object has managedFields: writes to one that has none are not tracked until it is applied to. */
function isTracked(object: JsonObject | undefined): boolean {
  return object === undefined || entriesOf(object).length > 0;
}

/** Every path in the object, those of structs and lists included. */
function allPaths(schema: SchemaNode, object: JsonObject): ReadonlySet<string> {
  return new Set(describeSet(compareTyped(rootShape(schema), objectWith(undefined), object).added));
}
