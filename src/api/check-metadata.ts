import type { ApiObject } from "../domain/object/api-object.ts";
import type { FieldProblem } from "../domain/object/field-problem.ts";
import { isJsonList, isJsonObject, jsonEqual, type JsonObject, type JsonValue } from "../domain/object/json.ts";
import { isDnsLabel, isLabelValue, isQualifiedName, nameRuleBroken, prefixRuleBroken } from "../domain/object/names.ts";
import type { Kind } from "./kind.ts";
import { fieldPath, indexPath, keyPath, quoted } from "./paths.ts";
import { isStored } from "./verbs.ts";

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/ : names and values together. */
const MOST_ANNOTATION_BYTES = 256 * 1024;

/** What is wrong with `metadata` (a review needs none); `previous` is there on update, when names, uid and times may not change. */
export function metadataProblems(kind: Kind, object: JsonObject, previous: ApiObject | undefined): readonly FieldProblem[] {
  const metadata = object["metadata"];
  if (metadata === undefined && !isStored(kind)) return [];
  if (!isJsonObject(metadata)) {
    const code = metadata === undefined ? "required" : "typeInvalid";
    return [{ path: "metadata", code, message: `${quoted(metadata)} is not an object`, hint: "write metadata: {name: …}" }];
  }
  return [
    ...nameProblems(kind, metadata),
    ...namespaceProblems(kind, metadata),
    ...labelProblems(metadata["labels"]),
    ...annotationProblems(metadata["annotations"]),
    ...finalizerProblems(metadata["finalizers"]),
    ...ownerProblems(metadata["ownerReferences"]),
    ...serverFieldProblems(metadata),
    ...(previous === undefined ? [] : changeProblems(metadata, previous)),
  ];
}

function nameProblems(kind: Kind, metadata: JsonObject): readonly FieldProblem[] {
  const { name, generateName } = metadata;
  const problems: FieldProblem[] = [];
  const rule = kind.names ?? "subdomain";
  if (generateName !== undefined && typeof generateName !== "string") problems.push(noText("metadata.generateName", generateName));
  if (name !== undefined && typeof name !== "string") return [...problems, noText("metadata.name", name)];
  const prefix = typeof generateName === "string" ? generateName : "";
  if (name === undefined || name === "") {
    if (!isStored(kind)) return problems;
    if (prefix === "") return [...problems, { path: "metadata.name", code: "required", message: "name or generateName is required" }];
  } else {
    const says = nameRuleBroken(rule, name);
    if (says !== undefined)
      problems.push({ path: "metadata.name", code: "invalid", message: `${quoted(name)} is no name for this`, hint: `use ${says}` });
  }
  const says = prefix === "" ? undefined : prefixRuleBroken(rule, prefix);
  if (says !== undefined)
    problems.push({
      path: "metadata.generateName",
      code: "invalid",
      message: `${quoted(prefix)} is no beginning of a name`,
      hint: `use ${says}`,
    });
  return problems;
}

function namespaceProblems(kind: Kind, { namespace }: JsonObject): readonly FieldProblem[] {
  if (namespace === undefined || namespace === "") {
    return kind.namespaced
      ? [{ path: "metadata.namespace", code: "required", message: `a ${kind.kind} is in a namespace`, hint: "name it" }]
      : [];
  }
  if (typeof namespace !== "string") return [noText("metadata.namespace", namespace)];
  if (!kind.namespaced)
    return [{ path: "metadata.namespace", code: "forbidden", message: `a ${kind.kind} is in no namespace`, hint: "leave it out" }];
  if (isDnsLabel(namespace)) return [];
  return [
    {
      path: "metadata.namespace",
      code: "invalid",
      message: `${quoted(namespace)} is no name of a namespace`,
      hint: 'use lower case letters, digits and "-", at most 63',
    },
  ];
}

const NAME_HINT = 'use at most 63 letters, digits, "-", "_" and ".", optionally after a DNS name and "/"';

function labelProblems(labels: JsonValue | undefined): readonly FieldProblem[] {
  return texts(labels, "metadata.labels", (name, value, path) => [
    ...(isQualifiedName(name)
      ? []
      : [{ path, code: "invalid" as const, message: `${quoted(name)} is no name of a label`, hint: NAME_HINT }]),
    ...(isLabelValue(value)
      ? []
      : [
          {
            path,
            code: "invalid" as const,
            message: `${quoted(value)} is no value of a label`,
            hint: 'use at most 63 letters, digits, "-", "_" and "."',
          },
        ]),
  ]);
}

function annotationProblems(annotations: JsonValue | undefined): readonly FieldProblem[] {
  let bytes = 0;
  const problems = texts(annotations, "metadata.annotations", (name, value, path) => {
    bytes += utf8Length(name) + utf8Length(value);
    // as in Kubernetes, case does not count in the names of annotations
    return isQualifiedName(name.toLowerCase())
      ? []
      : [{ path, code: "invalid", message: `${quoted(name)} is no name of an annotation`, hint: NAME_HINT }];
  });
  if (bytes <= MOST_ANNOTATION_BYTES) return problems;
  return [
    ...problems,
    { path: "metadata.annotations", code: "tooLong", message: `may not have more than ${String(MOST_ANNOTATION_BYTES)} bytes` },
  ];
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

function finalizerProblems(finalizers: JsonValue | undefined): readonly FieldProblem[] {
  return entries(finalizers, "metadata.finalizers", (finalizer, path) => {
    if (typeof finalizer !== "string") return [noText(path, finalizer)];
    const standard = ["foregroundDeletion", "orphan", "kubernetes"].includes(finalizer);
    if (standard || (isQualifiedName(finalizer) && finalizer.includes("/"))) return [];
    return [
      {
        path,
        code: "invalid",
        message: `${quoted(finalizer)} is no name of a finalizer`,
        hint: "write it as DOMAIN/NAME, such as slipway.dev/cleanup",
      },
    ];
  });
}

function ownerProblems(owners: JsonValue | undefined): readonly FieldProblem[] {
  let controllers = 0;
  const seen = new Set<JsonValue | undefined>();
  return entries(owners, "metadata.ownerReferences", (owner, path) => {
    if (!isJsonObject(owner)) return [{ path, code: "typeInvalid", message: `${quoted(owner)} is not an object` }];
    const problems: FieldProblem[] = ["apiVersion", "kind", "name", "uid"].flatMap((field) =>
      requiredText(owner[field], fieldPath(path, field)),
    );
    for (const field of ["controller", "blockOwnerDeletion"]) {
      if (owner[field] !== undefined && typeof owner[field] !== "boolean")
        problems.push({ path: fieldPath(path, field), code: "typeInvalid", message: `${quoted(owner[field])} is not true or false` });
    }
    if (owner["controller"] === true && ++controllers > 1) {
      problems.push({
        path: fieldPath(path, "controller"),
        code: "invalid",
        message: "only one owner can be the controller",
        hint: "say so of one of them",
      });
    }
    if (typeof owner["uid"] === "string" && seen.has(owner["uid"]))
      problems.push({ path: fieldPath(path, "uid"), code: "duplicate", message: quoted(owner["uid"]), hint: "name each owner once" });
    seen.add(owner["uid"]);
    return problems;
  });
}

/** What the server sets is replaced by it on every write; here only that it is of the right type. */
function serverFieldProblems(metadata: JsonObject): readonly FieldProblem[] {
  const wrong = (field: string, words: string): FieldProblem => ({
    path: `metadata.${field}`,
    code: "typeInvalid",
    message: `${quoted(metadata[field])} is not ${words}`,
  });
  const isWrong = (field: string, type: string) => metadata[field] !== undefined && typeof metadata[field] !== type;
  const managed = entries(metadata["managedFields"], "metadata.managedFields", (entry, path) =>
    isJsonObject(entry) ? [] : [{ path, code: "typeInvalid", message: `${quoted(entry)} is not an object` }],
  );
  return [
    ...["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink"]
      .filter((field) => isWrong(field, "string"))
      .map((field) => wrong(field, "a text")),
    ...["generation", "deletionGracePeriodSeconds"]
      .filter((field) => isWrong(field, "number"))
      .map((field) => wrong(field, "a whole number")),
    ...managed,
  ];
}

/** Fields an update may leave out, but not change. Kubernetes fills them in from what is stored where they are left out. */
function changeProblems(metadata: JsonObject, previous: ApiObject): readonly FieldProblem[] {
  const problems: FieldProblem[] = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"]
    .filter((field) => metadata[field] !== undefined && metadata[field] !== "" && !jsonEqual(metadata[field], previous.metadata[field]))
    .map((field) => ({
      path: `metadata.${field}`,
      code: "immutable",
      message: "field is immutable",
      hint: `leave it at ${quoted(previous.metadata[field])}`,
    }));
  if (previous.metadata.deletionTimestamp === undefined || !isJsonList(metadata.finalizers)) return problems;
  const before = new Set<JsonValue>(previous.metadata.finalizers ?? []);
  const added = metadata.finalizers.filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return problems;
  return [
    ...problems,
    {
      path: "metadata.finalizers",
      code: "forbidden",
      message: `no new finalizers can be added if the object is being deleted, found new finalizers ${added.slice(0, 10).map(quoted).join(", ")}`,
    },
  ];
}

const noText = (path: string, value: JsonValue): FieldProblem => ({ path, code: "typeInvalid", message: `${quoted(value)} is not a text` });

function requiredText(value: JsonValue | undefined, path: string): FieldProblem[] {
  if (value === undefined || value === "") return [{ path, code: "required", message: "must not be empty" }];
  return typeof value === "string" ? [] : [noText(path, value)];
}

function texts(
  map: JsonValue | undefined,
  path: string,
  check: (name: string, value: string, path: string) => readonly FieldProblem[],
): readonly FieldProblem[] {
  if (map === undefined) return [];
  if (!isJsonObject(map)) return [{ path, code: "typeInvalid", message: `${quoted(map)} is not an object` }];
  return Object.entries(map).flatMap(([name, value]) => {
    const place = keyPath(path, name);
    return typeof value === "string" ? check(name, value, place) : [noText(place, value ?? null)];
  });
}

function entries(
  list: JsonValue | undefined,
  path: string,
  check: (entry: JsonValue, path: string) => readonly FieldProblem[],
): readonly FieldProblem[] {
  if (list === undefined) return [];
  if (!isJsonList(list)) return [{ path, code: "typeInvalid", message: `${quoted(list)} is not a list` }];
  return list.flatMap((entry, index) => check(entry, indexPath(path, index)));
}
