import { isAlias, isMap, isPair, isScalar, isSeq } from "yaml";
import type { Node, Pair, ParsedNode, Scalar, YAMLMap } from "yaml";
import type { JsonValue } from "../../domain/object/json.ts";
import type { ManifestLimits } from "../../ports/manifests.ts";
import { ambiguity } from "./ambiguous-scalar.ts";

export interface ValueFault {
  readonly offset: number;
  readonly code: "duplicateKey" | "tooDeep" | "tooManyAliases" | "unsupportedValue" | "ambiguousValue";
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint: string;
}

/**
 * The JSON value of a YAML node. One walk in place of `toJS`, which knows neither a depth limit nor the traps, and whose check for equal keys
 * compares each with each (a file of 100,000 keys would take minutes; hence `uniqueKeys: false`).
 */
export function plainValue(
  root: Node | null,
  limits: ManifestLimits,
): { readonly value: JsonValue; readonly faults: readonly ValueFault[] } {
  const walk = new Walk(limits);
  try {
    return { value: walk.value(root, 1), faults: walk.faults };
  } catch (cause) {
    if (cause instanceof Stopped) return { value: null, faults: [...walk.faults, cause.fault] };
    throw cause;
  }
}

/** A limit was passed: the rest of the document is not looked at. */
class Stopped extends Error {
  readonly fault: ValueFault;
  constructor(fault: ValueFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** One document: its anchors so far, and what its aliases have cost. */
class Walk {
  readonly faults: ValueFault[] = [];
  readonly limits: ManifestLimits;
  readonly anchors = new Map<string, Node>();
  aliased = 0;
  insideAlias = 0;

  constructor(limits: ManifestLimits) {
    this.limits = limits;
  }

  value(node: unknown, depth: number): JsonValue {
    if (node === null || node === undefined) return null;
    if (isScalar(node)) return this.scalar(node);
    if (depth > this.limits.depth) this.stop(node, "tooDeep", `the document is nested more than ${this.limits.depth} deep`, "flatten it");
    if (isAlias(node)) return this.alias(node.source, node, depth);
    if (isMap(node)) return this.map(node, depth);
    if (isSeq(node)) {
      this.note(node);
      return node.items.map((item) => this.value(isPair(item) ? item.value : item, depth + 1));
    }
    return null;
  }

  map(node: YAMLMap, depth: number): JsonValue {
    this.note(node);
    const result: Record<string, JsonValue> = {};
    const merged: Record<string, JsonValue>[] = [];
    for (const pair of node.items) {
      const name = this.name(pair);
      if (name === undefined) continue;
      if (isMergeKey(pair)) merged.push(...this.merged(pair, depth));
      else if (Object.hasOwn(result, name))
        this.fault(
          pair.key,
          "duplicateKey",
          "error",
          `the name ${JSON.stringify(name)} is there twice in one map`,
          "remove one of the two",
        );
      else result[name] = this.value(pair.value, depth + 1);
    }
    for (const other of merged) for (const [name, value] of Object.entries(other)) if (!Object.hasOwn(result, name)) result[name] = value;
    return result;
  }

  name({ key }: Pair): string | undefined {
    if (!isScalar(key)) {
      this.fault(key, "unsupportedValue", "error", "a name in a map is not text", "write the name as plain text");
      return undefined;
    }
    this.note(key);
    this.trap(key, "name");
    const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
    if (name !== "__proto__") return name;
    this.fault(key, "unsupportedValue", "error", 'the name "__proto__" is not allowed', "remove it");
    return undefined;
  }

  merged(pair: Pair, depth: number): Record<string, JsonValue>[] {
    const value = this.value(pair.value, depth + 1);
    const maps = Array.isArray(value) ? value : [value];
    return maps.filter((map): map is Record<string, JsonValue> => typeof map === "object" && map !== null && !Array.isArray(map));
  }

  scalar(node: Scalar): JsonValue {
    this.note(node);
    this.trap(node, "value");
    const { value } = node;
    if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.fault(
      node,
      "unsupportedValue",
      "error",
      `the value ${(node.source ?? "").slice(0, 40)} cannot be said in JSON`,
      "quote it, or write another value",
    );
    return null;
  }

  trap(node: Scalar, what: "name" | "value"): void {
    const said = ambiguity(node);
    if (said) this.fault(node, "ambiguousValue", "warning", `the ${what} ${(node.source ?? "").slice(0, 40)} ${said.message}`, said.hint);
  }

  alias(source: string, node: unknown, depth: number): JsonValue {
    const target = this.anchors.get(source);
    if (!target) this.stop(node, "unsupportedValue", `*${source} stands for nothing before it`, `put &${source} before it`);
    this.insideAlias += 1;
    const value = this.value(target, depth + 1);
    this.insideAlias -= 1;
    return value;
  }

  /** Counts a node that is reached through an alias, and remembers its anchor. */
  note(node: Node): void {
    if (this.insideAlias > 0 && (this.aliased += 1) > this.limits.aliases)
      this.stop(node, "tooManyAliases", `aliases stand for more than ${this.limits.aliases} values`, "write the values out");
    if ("anchor" in node && typeof node.anchor === "string" && this.insideAlias === 0) this.anchors.set(node.anchor, node);
  }

  fault(node: unknown, code: ValueFault["code"], severity: ValueFault["severity"], message: string, hint: string): void {
    if (this.insideAlias === 0 && this.faults.length < 100) this.faults.push({ offset: offsetOf(node), code, severity, message, hint });
  }

  stop(node: unknown, code: ValueFault["code"], message: string, hint: string): never {
    throw new Stopped({ offset: offsetOf(node), code, severity: "error", message, hint });
  }
}

// YAML 1.1, which kubectl reads: a plain << takes over the entries of another map (https://yaml.org/type/merge.html).
const isMergeKey = ({ key }: Pair): boolean => isScalar(key) && key.value === "<<" && key.type === "PLAIN";

export function offsetOf(node: unknown): number {
  const range = typeof node === "object" && node !== null && "range" in node ? (node as ParsedNode).range : undefined; // every parsed node has this form of range
  return Array.isArray(range) ? range[0] : 0;
}
