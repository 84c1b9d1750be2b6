import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { applyConfiguration, trackUpdate, type ApplyOutcome, type ApplyRequest, type UpdateRequest } from "./apply.ts";
import { describeSet } from "./field-set.ts";
import { decodeManagedFields, isUnreadable } from "./managed-fields.ts";
import type { SchemaNode } from "./schema.ts";
import { isJsonObject, member, type JsonObject, type JsonValue } from "../object/json.ts";

const schema: SchemaNode = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        replicas: { type: "integer" },
        image: { type: "string" },
        labels: { type: "object", additionalProperties: { type: "string" } },
        items: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: { type: "object", properties: { name: { type: "string" }, value: { type: "integer" } } },
        },
        free: { "x-kubernetes-preserve-unknown-fields": true },
      },
    },
    status: { type: "object", properties: { phase: { type: "string" } } },
  },
};

const config = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: "test.dev/v1",
  kind: "Test",
  metadata: { name: "sample", ...metadata },
  spec,
});

function apply(manager: string, live: JsonObject | undefined, configuration: JsonObject, more: Partial<ApplyRequest> = {}): ApplyOutcome {
  const now = "2026-01-01T00:00:00Z";
  return applyConfiguration({ live, configuration, manager, force: false, schema, now, ...more });
}

function update(manager: string, live: JsonObject | undefined, next: JsonObject, more: Partial<UpdateRequest> = {}): JsonObject {
  return stored(trackUpdate({ live, next, manager, schema, now: "2026-01-01T00:00:00Z", ...more }));
}

function applied(outcome: ApplyOutcome): JsonObject {
  assert.equal(outcome.outcome, "applied", JSON.stringify(outcome));
  return stored(outcome.object);
}

function stored(object: JsonObject): JsonObject {
  return { ...object, metadata: { ...metadataOf(object), uid: "u" } };
}

function metadataOf(object: JsonObject): JsonObject {
  const metadata = member(object, "metadata");
  return isJsonObject(metadata) ? metadata : {};
}

/** Who owns what: `manager/Operation` to paths. */
function owners(object: JsonObject): Readonly<Record<string, readonly string[]>> {
  const managed = decodeManagedFields(object);
  assert.ok(!isUnreadable(managed));
  return Object.fromEntries([...managed.values()].map((each) => [`${each.manager}/${each.operation}`, describeSet(each.fields)]));
}

describe("a conflict", () => {
  const live = applied(apply("ann", undefined, config({ replicas: 1, image: "a" })));

  test("names manager, operation and fields, and how kube-apiserver says it", () => {
    assert.deepEqual(apply("ben", live, config({ replicas: 2 })), {
      outcome: "conflict",
      conflicts: [
        { manager: "ann", operation: "Apply", time: "2026-01-01T00:00:00Z", fields: [".spec.replicas"], reason: 'conflict with "ann"' },
      ],
      message: 'Apply failed with 1 conflict: conflict with "ann": .spec.replicas',
    });
  });

  test("with several managers lists them in order", () => {
    const both = update("cat", live, { ...live, spec: { replicas: 1, image: "c" } });
    const outcome = apply("ben", both, config({ replicas: 2, image: "b" }));
    assert.equal(
      outcome.outcome === "conflict" && outcome.message,
      'Apply failed with 2 conflicts: conflicts with "ann":\n- .spec.replicas\nconflicts with "cat" using test.dev/v1:\n- .spec.image',
    );
  });

  test("with a status writer names the subresource", () => {
    const written = update("cat", live, { ...live, status: { phase: "x" } }, { subresource: "status", resetFields: ["spec", "metadata"] });
    const outcome = apply("ben", written, { ...config({}), status: { phase: "y" } }, { subresource: "status" });
    assert.equal(
      outcome.outcome === "conflict" && outcome.message,
      'Apply failed with 1 conflict: conflict with "cat" with subresource "status" using test.dev/v1: .status.phase',
    );
  });

  test("is settled by force: the other manager owns the field no more", () => {
    const object = applied(apply("ben", live, config({ replicas: 2 }), { force: true }));
    assert.deepEqual(owners(object), { "ann/Apply": [".spec.image"], "ben/Apply": [".spec.replicas"] });
  });
});

describe("the other subresource", () => {
  const live = update(
    "cat",
    applied(apply("ann", undefined, config({ replicas: 1 }))),
    { ...config({}), status: { phase: "x" } },
    { subresource: "status", resetFields: ["spec", "metadata"] },
  );

  test("keeps its values and owners when the main resource is applied", () => {
    const object = applied(apply("ann", live, { ...config({ replicas: 2 }), status: { phase: "mine" } }, { resetFields: ["status"] }));
    assert.deepEqual(object["status"], { phase: "x" });
    assert.deepEqual(owners(object), { "ann/Apply": [".spec.replicas"], "cat/Update": [".status", ".status.phase"] });
  });

  test("a status write leaves spec and labels as they are and owns none of them", () => {
    const object = applied(
      apply(
        "dan",
        live,
        { ...config({ replicas: 9 }, { labels: { a: "1" } }), status: { phase: "x" } },
        { subresource: "status", resetFields: ["spec", "metadata"] },
      ),
    );
    assert.deepEqual([object["spec"], metadataOf(object)["labels"]], [{ replicas: 1 }, undefined]);
    assert.deepEqual(owners(object)["dan/Apply"], [".status.phase"]);
  });
});

describe("objects from before ownership", () => {
  test("are given to before-first-apply by the first apply", () => {
    const live = stored(config({ replicas: 1 }));
    const object = applied(apply("ann", live, config({ image: "a" })));
    assert.deepEqual(owners(object), { "ann/Apply": [".spec.image"], "before-first-apply/Update": [".spec", ".spec.replicas"] });
  });

  test("stay without owners when they are updated", () => {
    assert.deepEqual(owners(update("ann", stored(config({ replicas: 1 })), stored(config({ replicas: 2 })))), {});
  });
});

test("the eleventh update manager joins the oldest in ancient-changes", () => {
  const names = Array.from({ length: 12 }, (_, index) => `m${String(index).padStart(2, "0")}`);
  const object = names.reduce<JsonObject | undefined>(
    (live, manager, second) =>
      update(manager, live, config({}, { labels: Object.fromEntries(names.slice(0, second + 1).map((name) => [name, "x"])), uid: "u" }), {
        now: `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`,
      }),
    undefined,
  );
  const left = owners(object ?? {});
  assert.equal(Object.keys(left).length, 10);
  assert.deepEqual(left["ancient-changes/Update"], [
    ".spec",
    ".metadata.labels",
    ".metadata.labels.m00",
    ".metadata.labels.m01",
    ".metadata.labels.m02",
  ]);
});

describe("what cannot be applied is refused with every cause", () => {
  const deep = Array.from({ length: 120 }).reduce<JsonValue>((inner) => ({ a: inner }), {});
  const unreadable = stored(config({}, { managedFields: [{ operation: "Nonsense" }] }));
  const cases: readonly {
    readonly name: string;
    readonly live?: JsonObject;
    readonly configuration: JsonObject;
    readonly paths: readonly string[];
    readonly message: RegExp;
  }[] = [
    {
      name: "no kind",
      configuration: { apiVersion: "test.dev/v1" },
      paths: [".kind"],
      message: /^invalid object type: test.dev\/v1, Kind=$/,
    },
    {
      name: "another kind than the object's",
      live: stored(config({})),
      configuration: { ...config({}), kind: "Other" },
      paths: [".kind"],
      message: /^invalid object type: test.dev\/v1, Kind=Other$/,
    },
    {
      name: "managedFields",
      configuration: config({}, { managedFields: [] }),
      paths: [".metadata.managedFields"],
      message: /^metadata.managedFields must be nil$/,
    },
    {
      name: "undeclared fields, all of them",
      configuration: { ...config({ image: 1, nope: 1 }), extra: 1 },
      paths: [".spec.image", ".spec.nope", ".extra"],
      message: /^failed to create typed patch object \(\/sample; test.dev\/v1, Kind=Test\): errors:\n {2}\.spec\.image: /,
    },
    { name: "nesting over 100 levels", configuration: config({ free: deep }), paths: [""], message: /nested deeper than 100 levels/ },
    {
      name: "unreadable owners of the stored object",
      live: unreadable,
      configuration: config({}),
      paths: [".metadata.managedFields"],
      message: /failed to decode managed fields/,
    },
    {
      name: "a stored list item without its key",
      live: stored(config({ items: [{ value: 1 }] })),
      configuration: config({}),
      paths: [".spec.items"],
      message: /in the stored object: element 0/,
    },
  ];
  for (const { name, live, configuration, paths, message } of cases)
    test(name, () => {
      const outcome = apply("ann", live, configuration);
      assert.equal(outcome.outcome, "invalid");
      assert.deepEqual(
        outcome.causes.map(({ path }) => path),
        paths,
      );
      assert.match(outcome.message, message);
    });
});

describe("hostile input", () => {
  test("a __proto__ key is stored and owned like any other and pollutes nothing", () => {
    const spec = JSON.parse('{"labels":{"__proto__":"x"},"free":{"__proto__":{"polluted":true}}}') as JsonObject;
    const object = applied(apply("ann", undefined, config(spec)));
    assert.deepEqual(object["spec"], spec);
    assert.deepEqual(owners(object)["ann/Apply"], [".spec.free.__proto__", ".spec.free.__proto__.polluted", ".spec.labels.__proto__"]);
    assert.equal("polluted" in {}, false);
  });

  test("an update nested too deep is not tracked", () => {
    const deep = Array.from({ length: 5000 }).reduce<JsonValue>((inner) => [inner], 1);
    assert.equal(metadataOf(update("ann", undefined, config({ free: deep })))["managedFields"], undefined);
  });

  test("ten times the list items take about ten times as long", () => {
    const seconds = (count: number): number => {
      const items = (values: number): JsonObject => ({
        items: Array.from({ length: count }, (_, i) => ({ name: `n${String((i * 7919) % count)}`, value: i % values })),
      });
      const start = performance.now();
      const first = applied(apply("ann", undefined, config(items(2))));
      applied(apply("ann", first, config(items(3))));
      return performance.now() - start;
    };
    seconds(1000); // warm
    const [thousand, tenThousand] = [Math.min(seconds(1000), seconds(1000)), Math.min(seconds(10_000), seconds(10_000))];
    // Quadratic would be a hundred times.
    assert.ok(tenThousand < 40 * thousand, `1,000 items: ${String(thousand)} ms, 10,000 items: ${String(tenThousand)} ms`);
  });
});
