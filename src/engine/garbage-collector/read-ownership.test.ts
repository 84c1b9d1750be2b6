import assert from "node:assert/strict";
import { test } from "node:test";
import { catalog } from "../../api/catalog.ts";
import type { OwnerReference } from "../../domain/object/api-object.ts";
import { collect } from "../../domain/ownership/collect.ts";
import type { Reader, StoredObject } from "../../ports/resources.ts";
import { readOwnership } from "./read-ownership.ts";

const uid = "11111111-1111-4111-8111-111111111111";
const owner: OwnerReference = { apiVersion: "v1", kind: "Secret", name: "owner", uid };

function stored(
  namespace: string,
  name: string,
  resource: string,
  kind: string,
  ownerReferences: readonly OwnerReference[],
  own: string,
): StoredObject {
  const object = { apiVersion: "v1", kind, metadata: { name, namespace, uid: own, ownerReferences } };
  return { key: { group: "", resource, namespace, name }, uid: own, resourceVersion: 1, object } as unknown as StoredObject;
}

const world = [
  stored("shop", "owner", "secrets", "Secret", [], uid),
  stored("shop", "child", "serviceaccounts", "ServiceAccount", [owner], "child"),
  stored("other", "leech", "serviceaccounts", "ServiceAccount", [{ ...owner, blockOwnerDeletion: true }], "leech"),
  stored("shop", "misnamed", "serviceaccounts", "ServiceAccount", [{ ...owner, name: "somebody" }], "misnamed"),
];

const reader: Reader = {
  get: async (key) =>
    world.find((one) => one.key.resource === key.resource && one.key.namespace === key.namespace && one.key.name === key.name),
  list: async ({ resource, linkedTo }) =>
    ({
      items: world.filter(
        (one) =>
          one.key.resource === resource &&
          (one.object.metadata.ownerReferences ?? []).some((reference) => `owner/${reference.uid}` === linkedTo),
      ),
    }) as unknown as Awaited<ReturnType<Reader["list"]>>,
};

const stepsFor = async (namespace: string, name: string): Promise<readonly string[]> => {
  const { ownership } = await readOwnership({ key: { group: "", resource: "secrets", namespace, name }, uid }, catalog.kinds, reader);
  return collect(ownership).map((step) => `${step.do} ${"at" in step ? `${step.at.key.namespace}/${step.at.key.name}` : step.finalizer}`);
};

test("an object of one project that names an owner in another is an orphan itself, and makes none of what the owner really has", async () => {
  assert.deepEqual(await stepsFor("other", "owner"), ["delete other/leech"]);
  assert.deepEqual(await stepsFor("shop", "somebody"), ["delete shop/misnamed"]);
});

test("an owner has the dependents that mean it, those of its own project under its name", async () => {
  const { ownership } = await readOwnership(
    { key: { group: "", resource: "secrets", namespace: "shop", name: "owner" }, uid },
    catalog.kinds,
    reader,
  );
  assert.deepEqual(
    ownership.dependents.map(({ at }) => at.key.name),
    ["child"],
  );
});
