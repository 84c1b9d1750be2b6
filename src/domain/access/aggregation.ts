import type { JsonValue } from "../object/json.ts";
import { isJsonObject } from "../object/json.ts";
import type { LabelRequirement, LabelSelector } from "../object/selector.ts";
import { matchesLabels } from "../object/selector.ts";
import type { StringMap } from "../object/api-object.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { distinct, texts } from "./policy-rule.ts";

/** A ClusterRole as far as aggregation sees it. */
interface Aggregating {
  readonly name: string;
  readonly labels: StringMap;
  readonly rules: readonly PolicyRule[];
  /** Present: the rules are those of every ClusterRole that one of these selects, and its own list counts for nothing. */
  readonly aggregates?: readonly LabelSelector[];
}

/**
 * The rules a ClusterRole gives, with what it aggregates, and what that aggregates; roles that aggregate each other end.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
 */
export function aggregatedRules(role: Aggregating, all: readonly Aggregating[]): readonly PolicyRule[] {
  if (role.aggregates === undefined) return role.rules;
  const found: PolicyRule[] = [];
  const seen = new Set([role.name]);
  const open = [role];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const other of selected(next.aggregates ?? [], all)) {
      if (seen.has(other.name)) continue;
      seen.add(other.name);
      if (other.aggregates === undefined) found.push(...other.rules);
      else open.push(other);
    }
  return distinct(found);
}

/** `aggregationRule` of a stored ClusterRole; undefined where it has none. A selector that cannot be read selects nothing. */
export function readAggregation(value: JsonValue | undefined): readonly LabelSelector[] | undefined {
  if (!isJsonObject(value)) return undefined;
  const selectors = value["clusterRoleSelectors"];
  if (!Array.isArray(selectors)) return [];
  return selectors.flatMap((selector: JsonValue) => {
    const read = readSelector(selector);
    return read === undefined ? [] : [read];
  });
}

function selected(selectors: readonly LabelSelector[], all: readonly Aggregating[]): readonly Aggregating[] {
  return all.filter(({ labels }) => selectors.some((selector) => matchesLabels(selector, labels)));
}

/** `metav1.LabelSelector`; the empty one selects everything. */
function readSelector(value: JsonValue): LabelSelector | undefined {
  if (!isJsonObject(value)) return undefined;
  const labels = value["matchLabels"] ?? {};
  const expressions = value["matchExpressions"] ?? [];
  if (!isJsonObject(labels) || !Array.isArray(expressions)) return undefined;
  const equal = Object.entries(labels).map(([label, wanted]) =>
    typeof wanted === "string" ? { operator: "in" as const, label, values: [wanted] } : undefined,
  );
  const read = [...equal, ...expressions.map(readExpression)];
  return read.every((requirement) => requirement !== undefined) ? read : undefined;
}

function readExpression(value: JsonValue): LabelRequirement | undefined {
  if (!isJsonObject(value) || typeof value["key"] !== "string") return undefined;
  const { key: label, operator } = value;
  const values = texts(value["values"]);
  if (operator === "In") return { operator: "in", label, values };
  if (operator === "NotIn") return { operator: "notIn", label, values };
  if (operator === "Exists") return { operator: "exists", label };
  return operator === "DoesNotExist" ? { operator: "notExists", label } : undefined;
}
