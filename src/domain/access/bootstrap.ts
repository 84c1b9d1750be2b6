import type { ApiObject } from "../object/api-object.ts";
import { labelsOf } from "../object/selector.ts";
import type { JsonObject, JsonValue } from "../object/json.ts";
import { isJsonObject, jsonEqual } from "../object/json.ts";
import type { BootstrapRole } from "./bootstrap-policy.ts";
import { BOOTSTRAP_ROLES, CONTROLLER_RULES, EVENT_RULE } from "./bootstrap-policy.ts";
import { covers } from "./covers.ts";
import { ADMINS, AUTHENTICATED, MASTERS, controllerUser } from "./identity.ts";
import { readRules, ruleObject } from "./policy-rule.ts";

const API_VERSION = "rbac.authorization.k8s.io/v1";
/** "false" on a role or binding: a start of the server leaves it as it is. */
export const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";

/** The ClusterRoles and ClusterRoleBindings that every Slipway has from its first start; roles before their bindings. */
export function bootstrapObjects(): readonly ApiObject[] {
  const controllers = Object.entries(CONTROLLER_RULES);
  return [
    ...BOOTSTRAP_ROLES.map(clusterRole),
    ...controllers.map(([name, rules]) =>
      clusterRole({ name: controllerUser(name), description: `What the ${name} controller needs.`, rules: [...rules, EVENT_RULE] }),
    ),
    clusterRoleBinding("cluster-admin", "cluster-admin", "Group", MASTERS),
    clusterRoleBinding(ADMINS, "cluster-admin", "Group", ADMINS),
    clusterRoleBinding("system:discovery", "system:discovery", "Group", AUTHENTICATED),
    clusterRoleBinding("system:basic-user", "system:basic-user", "Group", AUTHENTICATED),
    ...controllers.map(([name]) => clusterRoleBinding(controllerUser(name), controllerUser(name), "User", controllerUser(name))),
  ];
}

/**
 * What a stored object of the bootstrap policy should become: rules, subjects and labels that are missing are added, what people added is kept.
 * Undefined: it is right as it is, or annotated to be left alone. A binding to another role is left alone too, since roleRef cannot be changed.
 */
export function reconciled(stored: ApiObject, wanted: ApiObject): ApiObject | undefined {
  if (stored.metadata.annotations?.[AUTOUPDATE] === "false") return undefined;
  const labels = { ...labelsOf(stored), ...labelsOf(wanted) };
  const annotations = { ...wanted.metadata.annotations, ...stored.metadata.annotations };
  const metadata = { ...stored.metadata, labels, annotations };
  const next: ApiObject =
    wanted.kind === "ClusterRole"
      ? { ...stored, metadata, ...roleParts(stored, wanted) }
      : { ...stored, metadata, ...bindingParts(stored, wanted) };
  return jsonEqual(stored, next) ? undefined : next;
}

function roleParts(stored: ApiObject, wanted: ApiObject): JsonObject {
  if (wanted["aggregationRule"] !== undefined) {
    const selectors = (of: ApiObject): readonly JsonValue[] => {
      const rule = of["aggregationRule"];
      return isJsonObject(rule) ? list(rule["clusterRoleSelectors"]) : [];
    };
    return { aggregationRule: { clusterRoleSelectors: union(selectors(stored), selectors(wanted)) } };
  }
  const own = readRules(stored["rules"]);
  const missing = readRules(wanted["rules"]).filter((rule) => !covers(own, [rule]).covered);
  return missing.length === 0 ? {} : { rules: [...list(stored["rules"]), ...missing.map(ruleObject)] };
}

function bindingParts(stored: ApiObject, wanted: ApiObject): JsonObject {
  const [is, should] = [stored["roleRef"], wanted["roleRef"]];
  if (!isJsonObject(is) || !isJsonObject(should) || is["name"] !== should["name"]) return {};
  return { subjects: union(list(stored["subjects"]), list(wanted["subjects"])) };
}

// Array.isArray leaves the element type open; these are JSON values
const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? (value as readonly JsonValue[]) : []);

const union = (first: readonly JsonValue[], second: readonly JsonValue[]): readonly JsonValue[] => [
  ...first,
  ...second.filter((item) => !first.some((other) => jsonEqual(item, other))),
];

function clusterRole(role: BootstrapRole): ApiObject {
  const aggregated = Object.fromEntries((role.partOf ?? []).map((name) => [aggregateLabel(name), "true"]));
  return {
    apiVersion: API_VERSION,
    kind: "ClusterRole",
    metadata: metadata(role.name, { description: role.description }, aggregated),
    ...(role.aggregates === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(role.aggregates)]: "true" } }] } }),
    rules: role.rules.map(ruleObject),
  };
}

function clusterRoleBinding(name: string, role: string, kind: "User" | "Group", subject: string): ApiObject {
  return {
    apiVersion: API_VERSION,
    kind: "ClusterRoleBinding",
    metadata: metadata(name, {}, {}),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind, name: subject }],
  };
}

function metadata(
  name: string,
  annotations: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): ApiObject["metadata"] {
  return {
    name,
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
    annotations: { [AUTOUPDATE]: "true", ...annotations },
  };
}

const aggregateLabel = (name: string): string => `rbac.authorization.k8s.io/aggregate-to-${name}`;
